// journald's stand-in: what services print and what is said about them, kept in memory and, for people, in one file per unit.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface JournalEntry {
  timeMs: number;
  unit: string;
  /** Whether the service printed it, or the supervisor said it about the service. */
  from: 'service' | 'systemd';
  invocation: string;
  pid: number;
  identifier: string;
  /** syslog's: 6 info, 5 notice, 4 warning, 3 error. */
  priority: number;
  message: string;
}

/** A unit's oldest lines go when it has more than this many. */
const keptPerUnit = 50_000;

export class Journal {
  #entries: JournalEntry[] = [];
  readonly #directory: string | undefined;
  readonly #listeners = new Set<(entry: JournalEntry) => void>();

  /** `directory` gets `<unit>.log`, a line an entry: time, invocation (8 digits), identifier[pid], message. */
  constructor(directory?: string) {
    this.#directory = directory;
    if (directory !== undefined) mkdirSync(directory, { recursive: true });
  }

  append(entry: JournalEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > keptPerUnit * 2) this.#trim();
    if (this.#directory !== undefined) {
      const head = `${new Date(entry.timeMs).toISOString()} ${entry.invocation.slice(0, 8) || '-'} `;
      const line = `${head}${entry.identifier}[${entry.pid}]: ${entry.message}\n`;
      appendFileSync(join(this.#directory, `${entry.unit}.log`), line);
    }
    for (const listener of this.#listeners) listener(entry);
  }

  /** All entries, oldest first. */
  entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** Calls `listener` with every entry to come. Returns what ends that. */
  follow(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first entry, past or to come, for which `wanted` holds. */
  waitFor(wanted: (entry: JournalEntry) => boolean): Promise<JournalEntry> {
    const past = this.#entries.find(wanted);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve) => {
      const end = this.follow((entry) => {
        if (!wanted(entry)) return;
        end();
        resolve(entry);
      });
    });
  }

  #trim(): void {
    const seen = new Map<string, number>();
    this.#entries = this.#entries
      .toReversed()
      .filter(({ unit }) => {
        const count = (seen.get(unit) ?? 0) + 1;
        seen.set(unit, count);
        return count <= keptPerUnit;
      })
      .toReversed();
  }
}
