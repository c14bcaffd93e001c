// Programs run without a shell, with a small environment, and never for longer than they were given.
import type { ChildProcess } from 'node:child_process';
import type { CommandResult, Commands } from '../host.ts';

const outputBytes = 16 * 1024 * 1024;
const notStarted = 127;
const outlived = 124;
/** What execa leaves a program between SIGTERM and SIGKILL, and one second for that to work. */
const patienceMs = 6_000;

export function realCommands(): Commands {
  return {
    run: async (command, args, options) => {
      const { execa } = await import('execa');
      const running = execa(command, [...args], {
        env: { ...baseEnvironment(), ...options.env },
        extendEnv: false,
        timeout: options.timeoutMs,
        reject: false,
        stripFinalNewline: false,
        maxBuffer: outputBytes,
        ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
        ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
      });
      // By then a program that can be killed has ended; one that waits for a file system cannot be.
      const result = await within(options.timeoutMs + patienceMs, running);
      if (result === undefined) {
        leaveBehind(running.nodeChildProcess);
        return { code: outlived, stdout: '', stderr: lateWords(options.timeoutMs) };
      }
      if (result.isCanceled && options.signal?.aborted) throw options.signal.reason;
      return {
        code: result.timedOut ? outlived : (result.exitCode ?? signalled(result.signal)),
        stdout: result.stdout,
        stderr:
          result.exitCode === undefined
            ? `${result.stderr}${reason(result, options.timeoutMs)}`
            : result.stderr,
      } satisfies CommandResult;
    },
  };
}

/** Undefined after `ms`. */
async function within<T>(ms: number, promise: PromiseLike<T>): Promise<T | undefined> {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** It does not keep this process from ending. */
function leaveBehind(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
}

const lateWords = (ms: number): string => `did not end within ${ms} ms`;

/** Juju gives a hook neither HOME nor a locale. */
export function baseEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: process.env.HOME ?? '/root',
    LANG: 'C.UTF-8',
  };
}

/** As shells number it: 128 and the signal's number; 127 when nothing ran at all. */
function signalled(signal: string | undefined): number {
  const numbers: Record<string, number> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGABRT: 6,
    SIGKILL: 9,
    SIGSEGV: 11,
    SIGTERM: 15,
  };
  return signal === undefined ? notStarted : 128 + (numbers[signal] ?? 0);
}

function reason(result: { timedOut: boolean; shortMessage?: string | undefined }, timeoutMs: number): string {
  return result.timedOut ? lateWords(timeoutMs) : (result.shortMessage ?? '');
}
