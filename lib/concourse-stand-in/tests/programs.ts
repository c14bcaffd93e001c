// Runs a stand-in's programs for tests: whole processes, awaited by what they log, and none left behind.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { extract } from 'tar';

import { makeStandInRelease, type StandInRequest } from '../src/index.ts';

export type Environment = Record<string, string>;

/** A release, unpacked: the directory that holds `bin`. */
export async function unpackedRelease(
  directory: string,
  request: Pick<StandInRequest, 'version' | 'behaviour'>,
): Promise<string> {
  const target = mkdtempSync(join(directory, `${request.version}-`));
  const { path } = await makeStandInRelease({ ...request, architecture: 'amd64', directory: target });
  await extract({ file: path, cwd: target });
  return join(target, 'concourse');
}

export interface KeyPair {
  privatePem: string;
  publicSsh: string;
}

/** An RSA pair, the public line made here, apart from the code under test. */
export function keyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  const field = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
  const modulus = Buffer.concat([Buffer.alloc(1), Buffer.from(n, 'base64url')]);
  const body = Buffer.concat([
    field(Buffer.from('ssh-rsa')),
    field(Buffer.from(e, 'base64url')),
    field(modulus),
  ]);
  return {
    privatePem: String(privateKey.export({ type: 'pkcs1', format: 'pem' })),
    publicSsh: `ssh-rsa ${body.toString('base64')}`,
  };
}

/** One running program and what it has said. */
export class Program {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<number>;
  #changed: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close').then(([code, signal]) =>
      typeof code === 'number' ? code : -1 - String(signal).length,
    );
    for (const stream of [child.stdout, child.stderr]) {
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          this.#changed();
        });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves with the first line, from number `from` on, that contains `text`; fails when the program ends before. */
  async said(text: string, from = 0): Promise<string> {
    for (;;) {
      const found = this.lines.slice(from).find((line) => line.includes(text));
      if (found !== undefined) return found;
      const more = new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
      const ended = await Promise.race([more, this.#closed]);
      if (ended !== undefined && !this.lines.slice(from).some((line) => line.includes(text))) {
        throw new Error(`ended (${ended}) without saying ${text}:\n${this.lines.join('\n')}`);
      }
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number> {
    return this.#closed;
  }

  async stop(): Promise<number> {
    this.signal('SIGTERM');
    return this.ended();
  }
}

/** A place for one test, and all that runs in it. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'stand-in-test-'));
  readonly #programs: Program[] = [];
  readonly #workDirectories = new Set<string>();

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  write(name: string, content: string): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  start(program: string, args: readonly string[], env: Environment): Program {
    if (env.CONCOURSE_WORK_DIR !== undefined) this.#workDirectories.add(env.CONCOURSE_WORK_DIR);
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const started = new Program(child);
    this.#programs.push(started);
    return started;
  }

  /** Ends what the test left running, shims included, by their own numbers. */
  async close(): Promise<void> {
    for (const program of this.#programs) program.signal('SIGKILL');
    await Promise.all(this.#programs.map((program) => program.ended()));
    for (const tasks of [...this.#workDirectories].map((work) => join(work, 'tasks')).filter(existsSync)) {
      for (const file of readdirSync(tasks).filter((name) => name.endsWith('.pid')))
        end(Number(readFileSync(join(tasks, file), 'utf8')));
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Makes the shim of a task end; nothing happens where it has ended. */
export function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Whether no program runs under that number; one that has ended and was not yet asked how counts as gone. */
export function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '';
  } catch (error) {
    if (error instanceof Error && 'code' in error) return true;
    throw error;
  }
}

/** Resolves with the file's text as soon as it is there. */
export async function appears(path: string): Promise<string> {
  const watcher = watch(join(path, '..'));
  try {
    while (!existsSync(path)) await once(watcher, 'change');
    return readFileSync(path, 'utf8');
  } finally {
    watcher.close();
  }
}

export async function run(
  program: string,
  args: readonly string[],
  env: Environment = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    // What execFile rejects with when the program ends with another code than 0.
    if (!(error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error)) throw error;
    return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

export const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
