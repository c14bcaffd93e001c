// One process of a charm: started as Juju starts it, its output handed on line by line, its end reported as a value.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { codeOf } from './errors.ts';

export interface ChildEnd {
  /** undefined when a signal ended it. */
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

/** How long after a process's end its output is still read (Juju's own figure): a child that it left behind may hold
 * the pipe open for ever. */
const outputGraceMs = 100;

/** Juju splits longer lines of a hook's output. */
const longestLineBytes = 4096;

export interface ChildOptions {
  cwd: string;
  /** All of it: nothing is inherited from the lab. */
  env: Record<string, string>;
  onLine(stream: 'stdout' | 'stderr', line: string): void;
  /** Aborting it kills the process with its group, or does what `kill` does with the process's id. */
  signal: AbortSignal;
  kill?(pid: number): void;
}

/** Never rejects: a program that cannot be started ends with exit code 126 (127: not there) and says so on stderr. */
export async function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildEnd> {
  // A group of its own, so that Ctrl-C in the lab's terminal reaches the lab alone.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = (): void => {
    if (child.pid !== undefined) (options.kill ?? killGroup)(child.pid);
  };
  options.signal.addEventListener('abort', kill);
  const stdout = collect(child.stdout, (line) => options.onLine('stdout', line));
  const stderr = collect(child.stderr, (line) => options.onLine('stderr', line));
  const end = await ended(child, options);
  options.signal.removeEventListener('abort', kill);
  await Promise.race([Promise.all([stdout.closed, stderr.closed]), after(outputGraceMs)]);
  child.stdout.destroy();
  child.stderr.destroy();
  return { ...end, stdout: stdout.finish(), stderr: stderr.finish() };
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: all of it has ended by itself meanwhile.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

async function ended(
  child: ChildProcess,
  options: ChildOptions,
): Promise<{ exitCode: number | undefined; signal: NodeJS.Signals | undefined }> {
  try {
    const [code, signal] = await once(child, 'exit');
    return { exitCode: code ?? undefined, signal: signal ?? undefined };
  } catch (error) {
    // once() rejects with the child's 'error' event: the program could not be started.
    if (!(error instanceof Error)) throw error;
    options.onLine('stderr', error.message);
    return { exitCode: codeOf(error) === 'ENOENT' ? 127 : 126, signal: undefined };
  }
}

function collect(stream: Readable, onLine: (line: string) => void) {
  let text = '';
  let line = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
    const lines = (line + chunk).split('\n');
    line = lines.pop() ?? '';
    for (const whole of lines) onLine(whole);
    while (line.length >= longestLineBytes) {
      onLine(line.slice(0, longestLineBytes));
      line = line.slice(longestLineBytes);
    }
  });
  return {
    closed: once(stream, 'close'),
    finish(): string {
      if (line !== '') onLine(line);
      line = '';
      return text;
    },
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
