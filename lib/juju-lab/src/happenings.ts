// What has happened in the lab so far, and the waiting for what is to happen.
import { EventEmitter } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeJuju } from 'juju-ts-ops/testing';
import { LabError } from './errors.ts';
import type { HookRecord, LabEvents, LogLine } from './records.ts';

export class Happenings {
  readonly events = new EventEmitter<LabEvents>();
  readonly records: HookRecord[] = [];
  readonly log: LogLine[] = [];
  readonly #juju: FakeJuju;
  readonly #logFolder: string;
  readonly #waiting = new Set<(why: LabError) => void>();
  readonly #statuses = new Map<string, string>();
  #readOfJuju = 0;

  constructor(juju: FakeJuju, logFolder: string) {
    this.#juju = juju;
    this.#logFolder = logFolder;
    // One listener for each waiter: there may be many.
    this.events.setMaxListeners(0);
  }

  /** Anything may have changed: takes over what the fake Juju has logged, and has every waiter look. */
  changed(): void {
    const fresh = this.#juju.log.slice(this.#readOfJuju);
    this.#readOfJuju += fresh.length;
    for (const entry of fresh)
      this.addLine({ time: entry.at, unit: entry.unit, level: entry.level, text: entry.text });
    this.#tellStatuses();
    this.events.emit('change');
  }

  #tellStatuses(): void {
    for (const unit of this.#juju.model.units.keys()) {
      const { status, message } = this.#juju.unitStatus(unit);
      const text = `${status} ${message}`;
      if (this.#statuses.get(unit) === text) continue;
      this.#statuses.set(unit, text);
      this.events.emit('status', { unit, status, message });
    }
  }

  addLine(line: LogLine): void {
    this.log.push(line);
    const file = join(this.#logFolder, `${line.unit.replace('/', '-')}.log`);
    appendFileSync(file, `${new Date(line.time).toISOString()} ${line.level} ${line.text}\n`);
    this.events.emit('log', line);
  }

  /** Resolves once `predicate` holds; it is asked again after every change. */
  waitFor(
    predicate: () => boolean,
    options: { timeoutMs?: number; describe?: () => string } = {},
  ): Promise<void> {
    if (predicate()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.events.off('change', check);
        this.#waiting.delete(fail);
      };
      const fail = (why: unknown): void => {
        end();
        reject(why);
      };
      const check = (): void => {
        try {
          if (!predicate()) return;
        } catch (error) {
          // Whatever the caller's own predicate throws is the caller's.
          fail(error);
          return;
        }
        end();
        resolve();
      };
      const { timeoutMs } = options;
      const late = (): void =>
        fail(new LabError(`not so within ${timeoutMs} ms: ${options.describe?.() ?? predicate.toString()}`));
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      this.#waiting.add(fail);
      this.events.on('change', check);
    });
  }

  /** Nothing more will happen. */
  end(): void {
    for (const fail of [...this.#waiting]) fail(new LabError('the lab was closed'));
  }
}
