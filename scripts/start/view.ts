// What a person sees: a timeline that grows, and below it, on a terminal, a table like `juju status` that lives.
import { styleText } from 'node:util';

export interface Row {
  unit: string;
  role: string;
  status: string;
  runs: string;
  upgrade: string;
  message: string;
}

export interface Scene {
  rows: Row[];
  /** A download under way, from 0 to 1. */
  progress: { what: string; share: number } | undefined;
}

const redrawMs = 80;
const barWidth = 40;

export class View {
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #started = Date.now();
  readonly #scene: () => Scene;
  readonly #pending: string[] = [];
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(out: NodeJS.WriteStream, scene: () => Scene) {
    this.#out = out;
    this.#live = out.isTTY === true;
    this.#scene = scene;
  }

  /** A chapter of the story. */
  title(text: string): void {
    this.#line('');
    this.#line(styleText('bold', text, { stream: this.#out }));
  }

  /** One line of the timeline. */
  event(who: string, what: string): void {
    if (`${who}${what}` === this.#last) return;
    this.#last = `${who}${what}`;
    const seconds = ((Date.now() - this.#started) / 1000).toFixed(1).padStart(6);
    this.#line(`${seconds}s  ${who.padEnd(15)} ${what}`);
  }

  text(text: string): void {
    for (const line of text.split('\n')) this.#line(line);
  }

  /** Something changed: the table is drawn anew, soon. */
  changed(): void {
    if (!this.#live || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#draw(), redrawMs);
  }

  /** Draws the table a last time, for good. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#erase();
    this.#flush();
    this.#drawn = 0;
  }

  #line(text: string): void {
    this.#pending.push(text);
    if (!this.#live) this.#flush();
    else this.changed();
  }

  #flush(): void {
    for (const line of this.#pending.splice(0)) this.#out.write(`${line}\n`);
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\u001b[${this.#drawn}A\u001b[J`);
  }

  #draw(): void {
    this.#timer = undefined;
    const { rows, progress } = this.#scene();
    const width = this.#out.columns ?? 100;
    const lines = ['', ...table(rows)];
    if (progress !== undefined) lines.push(bar(progress));
    this.#erase();
    this.#flush();
    for (const line of lines) this.#out.write(`${line.slice(0, width - 1)}\n`);
    this.#drawn = lines.length;
  }
}

export function table(rows: readonly Row[]): string[] {
  const head: Row = {
    unit: 'Unit',
    role: 'Role',
    status: 'Status',
    runs: 'Runs',
    upgrade: 'Upgrade',
    message: 'Message',
  };
  const keys = ['unit', 'role', 'status', 'runs', 'upgrade', 'message'] as const;
  const all = [head, ...rows];
  const widths = keys.map((key) => Math.max(...all.map((row) => row[key].length)));
  return all.map((row) =>
    keys
      .map((key, column) => row[key].padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function bar({ what, share }: { what: string; share: number }): string {
  const full = Math.round(barWidth * Math.min(1, Math.max(0, share)));
  return `${what}  [${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${Math.round(share * 100)} %`;
}
