// Programs run without a shell, with a small environment, and never for longer than they were given.
import type { CommandResult, Commands } from '../host.ts';

const outputBytes = 16 * 1024 * 1024;
const notStarted = 127;
const outlived = 124;

export function realCommands(): Commands {
  return {
    run: async (command, args, options) => {
      const { execa } = await import('execa');
      const result = await execa(command, [...args], {
        env: { ...baseEnvironment(), ...options.env },
        extendEnv: false,
        timeout: options.timeoutMs,
        reject: false,
        stripFinalNewline: false,
        maxBuffer: outputBytes,
        ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
        ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
      });
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

/** Juju gives a hook neither HOME nor a locale. */
function baseEnvironment(): Record<string, string> {
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
  return result.timedOut ? `did not end within ${timeoutMs} ms` : (result.shortMessage ?? '');
}
