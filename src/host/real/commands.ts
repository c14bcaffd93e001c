// Programs run without a shell, with a small environment, and never for longer than they were given.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { hasCode } from '../errors.ts';
import type { CommandResult, Commands } from '../host.ts';

const outputBytes = 16 * 1024 * 1024;
const notStarted = 127;
const outlived = 124;
/** Between SIGTERM and SIGKILL. */
const graceMs = 5_000;
/** What SIGKILL is left to work. By then a program that can be killed has ended; one that waits for a file system cannot be. */
const patienceMs = graceMs + 1_000;

export function realCommands(): Commands {
  return { run };
}

const run: Commands['run'] = (command, args, options) =>
  new Promise<CommandResult>((resolve, reject) => {
    if (options.signal?.aborted) throw options.signal.reason;
    const child = started(command, args, options);
    if (typeof child === 'string') return resolve({ code: notStarted, stdout: '', stderr: child });
    const printed: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    let [bytes, why] = [0, ''];
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, act: () => void): unknown => timers.push(setTimeout(act, ms));
    const end = (reason: string): void => {
      if (why !== '') return;
      why = reason;
      child.kill('SIGTERM');
      after(graceMs, () => child.kill('SIGKILL'));
    };
    const late = `did not end within ${options.timeoutMs} ms`;
    after(options.timeoutMs, () => end(late));
    after(options.timeoutMs + patienceMs, () => {
      leaveBehind(child);
      settle({ code: outlived, stdout: '', stderr: late });
    });
    const aborted = (): void => end('was called off');
    options.signal?.addEventListener('abort', aborted);

    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > outputBytes) end(`printed more than ${outputBytes} bytes`);
        else printed[name].push(chunk);
      });
    child.on('error', (error) => settle({ code: notStarted, stdout: '', stderr: error.message }));
    child.on('close', (code, signal) => {
      const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(printed[name]).toString('utf8');
      const ended = code ?? (signal === null ? notStarted : 128 + constants.signals[signal]);
      settle({
        code: why === late ? outlived : ended,
        stdout: text('stdout'),
        stderr: `${text('stderr')}${why}`,
      });
    });
    // EPIPE: it ended without reading. Its exit code says why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.stdin);

    function settle(result: CommandResult): void {
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener('abort', aborted);
      if (options.signal?.aborted) reject(options.signal.reason);
      else resolve(result);
    }
  });

/** The process, or why there is none: of its arguments' size the system complains by throwing. */
function started(
  command: string,
  args: readonly string[],
  { env, stdin }: { env?: Record<string, string>; stdin?: string },
): ChildProcess | string {
  try {
    return spawn(command, args, {
      env: { ...baseEnvironment(), ...env },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    if (hasCode(error, 'E2BIG')) return `${error.message}: arguments too long`;
    throw error;
  }
}

/** It does not keep this process from ending. */
function leaveBehind(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
}

/** Juju gives a hook neither HOME nor a locale. */
function baseEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: process.env.HOME ?? '/root',
    LANG: 'C.UTF-8',
  };
}
