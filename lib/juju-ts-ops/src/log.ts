// The charm's words for Juju's log: collected, one call for each level at the hook's end, errors at once, secrets masked.
import { explain, ToolFailure, ToolTimeout } from './errors.ts';
import { freeText, type Tools } from './tools.ts';

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** Values that must not be read in logs, statuses and failure messages. */
export class Masks {
  #secrets: string[] = [];

  /** Masks a value, the same within JSON, and each longer line of it, from now on. */
  add(secret: string): void {
    const lines = secret.split('\n').map((line) => line.trim());
    const text = secret.trim();
    const parts = [
      text,
      JSON.stringify(text).slice(1, -1),
      ...lines.filter((line) => line.length >= 8 && !line.startsWith('-----')),
    ];
    // The longest first: a secret may contain another.
    this.#secrets = [...new Set([...this.#secrets, ...parts])].filter((part) => part !== '');
    this.#secrets.sort((a, b) => b.length - a.length);
  }

  apply(text: string): string {
    return this.#secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
  }
}

// Linux takes at most 128 KiB in one argument.
const longestArgumentBytes = 100_000;

export class Log {
  readonly #tools: Tools;
  readonly #masks: Masks;
  readonly #writeError: (line: string) => void;
  readonly #waiting = new Map<LogLevel, string[]>();
  readonly #sending: Promise<void>[] = [];

  constructor(tools: Tools, masks: Masks, writeError: (line: string) => void) {
    this.#tools = tools;
    this.#masks = masks;
    this.#writeError = writeError;
  }

  debug(text: string): void {
    this.#collect('debug', text);
  }
  info(text: string): void {
    this.#collect('info', text);
  }
  warning(text: string): void {
    this.#collect('warning', text);
  }
  /** Sent at once: the process may not live to its end. */
  error(text: string): void {
    this.#sending.push(this.#send('error', text));
  }

  #collect(level: LogLevel, text: string): void {
    this.#waiting.set(level, [...(this.#waiting.get(level) ?? []), text]);
  }

  /** Sends what was collected. Never rejects: where Juju's log cannot be reached, the words go to stderr. */
  async flush(): Promise<void> {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const collected = async (): Promise<void> => {
      for (const [level, lines] of waiting) await this.#send(level, lines.join('\n'));
    };
    await Promise.all([...this.#sending.splice(0), collected()]);
  }

  async #send(level: LogLevel, text: string): Promise<void> {
    for (const piece of pieces(this.#masks.apply(text), longestArgumentBytes)) {
      try {
        await this.#tools.run('juju-log', ['-l', level.toUpperCase(), ...freeText(piece)]);
      } catch (error) {
        if (!(error instanceof ToolFailure || error instanceof ToolTimeout)) throw error;
        this.#writeError(`${level}: ${piece}`);
        this.#writeError(this.#masks.apply(explain(error)));
      }
    }
  }
}

/** Text cut into pieces of at most `limit` bytes, at line ends where there are any. NUL cannot be part of an argument. */
export function pieces(text: string, limit: number): string[] {
  const found: string[] = [];
  let piece = '';
  const take = (part: string, joint: string): void => {
    if (piece !== '' && Buffer.byteLength(piece) + Buffer.byteLength(part) + 1 > limit) {
      found.push(piece);
      piece = part;
    } else {
      piece += piece === '' ? part : joint + part;
    }
  };
  for (const line of text.replaceAll('\0', '␀').split('\n')) {
    if (Buffer.byteLength(line) <= limit) take(line, '\n');
    // One character has at most four bytes.
    else
      for (const part of line.match(new RegExp(`.{1,${Math.floor(limit / 4)}}`, 'gsu')) ?? [])
        take(part, '\n');
  }
  return piece.trim() === '' ? found : [...found, piece];
}
