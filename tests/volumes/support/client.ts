// The tests' side of a client program: asks it for operations, several at a time if need be.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import {
  type Reply,
  type Request,
  replySchema,
  type Seen,
  seenSchema,
  silenceSchema,
  type Watched,
  watchedSchema,
} from './protocol.ts';

/** What an operation failed with, over there. */
export class ClientError extends Error {
  override name = 'ClientError';
  readonly kind: string;
  readonly code: string | undefined;
  constructor(what: string, error: NonNullable<Reply['error']>) {
    super(`${what}: ${error.name}: ${error.message}`);
    this.kind = error.name;
    this.code = error.code;
  }
}

export class Client {
  readonly unit: string;
  readonly process: ChildProcess;
  /** Resolves when the program is ready. */
  readonly ready: Promise<unknown>;
  #last = 0;
  readonly #asked = new Map<number, (reply: Reply) => void>();

  constructor(unit: string, command: readonly string[]) {
    const [program = '', ...args] = command;
    this.unit = unit;
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ready = new Promise((resolve) => this.#asked.set(0, resolve));
    if (this.process.stdout === null) throw new Error('no standard output');
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      // A kernel may have a word of its own on its console.
      if (!line.startsWith('{')) return;
      const reply = replySchema.parse(JSON.parse(line));
      this.#asked.get(reply.id)?.(reply);
      this.#asked.delete(reply.id);
    });
    this.process.stdin?.on('error', () => undefined);
    this.process.once('exit', () => {
      const error = { name: 'Ended', message: 'the client has ended' };
      for (const [id, answer] of this.#asked) answer({ id, error });
      this.#asked.clear();
    });
  }

  /** The operation's result; rejects with `ClientError`. */
  async ask(what: string, words: Request['with'] = {}): Promise<unknown> {
    this.#last += 1;
    const request: Request = { id: this.#last, do: what, with: words };
    const replied = new Promise<Reply>((resolve) => this.#asked.set(request.id, resolve));
    this.process.stdin?.write(`${JSON.stringify(request)}\n`);
    const { result, error } = await replied;
    if (error !== undefined) throw new ClientError(`${this.unit}: ${what} ${JSON.stringify(words)}`, error);
    return result;
  }

  async number(what: string, words: Request['with'] = {}): Promise<number> {
    return Number(await this.ask(what, words));
  }

  async look(): Promise<Seen> {
    return seenSchema.parse(await this.ask('look'));
  }

  async silence(): Promise<{ found?: string | undefined; ms: number }> {
    return silenceSchema.parse(await this.ask('silence'));
  }

  async watched(): Promise<Watched> {
    return watchedSchema.parse(await this.ask('watched'));
  }

  /** Its end without a last word. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exit;
  }
}
