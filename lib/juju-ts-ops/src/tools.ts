// The one way to Juju: a hook tool is a program that is run with arguments, and answers in JSON.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type * as z from 'zod';
import { failureOf, type ToolResult, ToolTimeout, UnexpectedAnswer } from './errors.ts';

/** Runs a hook tool to its end. Resolves whatever its exit code; rejects with ToolTimeout when it was killed for lateness. */
export type RunTool = (
  tool: string,
  args: readonly string[],
  options: { stdin?: string; timeoutMs: number },
) => Promise<ToolResult>;

/** All that a charm's run depends on. Tests and labs put their own in place of the process's. */
export interface Runtime {
  env: Readonly<Record<string, string | undefined>>;
  runTool: RunTool;
  /** Where words go that cannot reach `juju-log`. By default the process's stderr. */
  writeError?(line: string): void;
}

/** A tool normally answers in milliseconds, but it waits as long as the agent has lost its controller. */
export const toolTimeoutMs = 60_000;
/** `resource-get` downloads: 30 minutes. */
export const downloadTimeoutMs = 30 * 60_000;

/** Hook tools as processes: found by `env.PATH`, given `env` unchanged, killed at their time limit. */
export function spawnTools(env: Runtime['env']): RunTool {
  return (tool, args, { stdin, timeoutMs }) =>
    new Promise((resolve, reject) => {
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      const child = started(tool, args, env);
      if (typeof child === 'string') return resolve({ code: 126, stdout: '', stderr: child });
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        // A grandchild may hold the pipes open: nothing of it may keep this process alive.
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
        reject(new ToolTimeout(tool, args, timeoutMs));
      }, timeoutMs);
      child.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        resolve({ code: error.code === 'ENOENT' ? 127 : 126, stdout: '', stderr: error.message });
      });
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        const killed = signal === null ? 1 : 128 + constants.signals[signal];
        resolve({ code: code ?? killed, stdout: text(out), stderr: text(err) });
      });
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      // EPIPE and its like: the tool ended without reading. Its exit code says why.
      child.stdin.on('error', () => {});
      child.stdin.end(stdin ?? '');
    });
}

/** The process, or why there is none: of its arguments' size the system complains by throwing. */
function started(
  tool: string,
  args: readonly string[],
  env: Runtime['env'],
): ChildProcessWithoutNullStreams | string {
  try {
    return spawn(tool, args, { env });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'E2BIG')
      return `${error.message}: arguments too long`;
    throw error;
  }
}

/** What a hook has said to Juju and heard from it so far. */
export interface Transcript {
  /** Questions; one that failed has no answer. */
  asked: readonly { tool: string; args: readonly string[]; answer: string | undefined }[];
  /** Everything else that was run, in order. */
  told: readonly { tool: string; args: readonly string[] }[];
}

/** Hook tools with their failures as typed errors, and each answer kept for the hook. */
export class Tools {
  readonly #run: RunTool;
  readonly #answers = new Map<string, { tool: string; args: readonly string[]; answer: Promise<string> }>();
  readonly #told: { tool: string; args: readonly string[] }[] = [];
  /** How many tools have been run. */
  calls = 0;

  constructor(run: RunTool) {
    this.#run = run;
  }

  /** Runs a tool now; resolves with what it printed. Rejects with a ToolFailure or ToolTimeout. */
  run(
    tool: string,
    args: readonly string[],
    options: { stdin?: string; timeoutMs?: number } = {},
  ): Promise<string> {
    this.#told.push({ tool, args });
    return this.#call(tool, args, options);
  }

  async #call(
    tool: string,
    args: readonly string[],
    options: { stdin?: string; timeoutMs?: number },
  ): Promise<string> {
    this.calls += 1;
    const result = await this.#run(tool, args, { timeoutMs: toolTimeoutMs, ...options });
    if (result.code !== 0) throw failureOf(tool, args, result);
    return result.stdout;
  }

  /** The tool's answer, asked once per hook: callers at the same time share one process. */
  text(tool: string, args: readonly string[], timeoutMs = toolTimeoutMs): Promise<string> {
    const key = JSON.stringify([tool, args]);
    const known = this.#answers.get(key) ?? { tool, args, answer: this.#call(tool, args, { timeoutMs }) };
    this.#answers.set(key, known);
    return known.answer;
  }

  /** Waits for the answers that are still to come. */
  async transcript(): Promise<Transcript> {
    const asked = [...this.#answers.values()].map(async ({ tool, args, answer }) => ({
      tool,
      args,
      answer: await answer.catch(() => undefined), // whoever asked has met the failure
    }));
    return { asked: await Promise.all(asked), told: [...this.#told] };
  }

  /** As `text`, with `--format=json` added and the answer parsed. */
  async json<S extends z.ZodType>(schema: S, tool: string, args: readonly string[]): Promise<z.output<S>> {
    const asked = ['--format=json', ...args];
    const stdout = await this.text(tool, asked);
    const unexpected = (why: string): UnexpectedAnswer =>
      new UnexpectedAnswer(tool, asked, { code: 0, stdout, stderr: `cannot read the answer: ${why}` });
    let answer: unknown;
    try {
      answer = JSON.parse(stdout);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw unexpected(error.message);
    }
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw unexpected(parsed.error.message);
    return parsed.data;
  }

  /** Forgets the answers of one tool, after a call that changed them. */
  forget(tool: string): void {
    for (const key of this.#answers.keys()) if (key.startsWith(`["${tool}"`)) this.#answers.delete(key);
  }
}

/**
 * A map of strings as the JSON that Juju's YAML parser reads back unchanged (`relation-set --file -`, `state-set --file -`):
 * it refuses raw control characters and U+FFFE, turns a raw U+0085 into a space, and takes no surrogate escapes.
 */
export function fileText(map: Readonly<Record<string, string>>): string {
  for (const [key, value] of Object.entries(map)) {
    if (!key.isWellFormed() || !value.isWellFormed()) {
      throw new TypeError(`the value of "${key}" holds half a surrogate pair, which Juju cannot store`);
    }
  }
  return JSON.stringify(map).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A free text as the last arguments of a tool: `--` keeps a leading dash from being read as an option. */
export const freeText = (text: string): string[] => (text.startsWith('-') ? ['--', text] : [text]);
