// Counts what a process changes on a machine, and lets it die before or after the n-th change: the kernel frees its locks,
// and whatever it still tries, `finally` blocks included, fails.
import type { FileLock, FileWriter, Host } from '../../src/host/host.ts';

/** The end of a simulated process: nothing in `src` may catch it. */
export class Crash extends Error {
  override name = 'Crash';
}

const fileEffects = [
  'write',
  'create',
  'makeDirectory',
  'rename',
  'link',
  'symbolicLink',
  'changeMode',
  'changeOwner',
  'remove',
];
const serviceEffects = [
  'install',
  'uninstall',
  'enable',
  'disable',
  'start',
  'restart',
  'stop',
  'signal',
  'armTimer',
  'disarmTimer',
];

export class Effects {
  readonly host: Host;
  /** `files.rename /from /to`, one for each effect, oldest first. */
  readonly log: string[] = [];
  dead = false;
  /** Called before each effect takes place: an assertion, a pause, another unit's turn. */
  beforeEach: ((effect: string, index: number) => void | Promise<void>) | undefined;
  private crashAt: { index: number; when: 'before' | 'after'; error: Error } | undefined;
  private readonly held = new Set<FileLock>();

  constructor(host: Host) {
    this.host = {
      ...host,
      clock: this.guard('clock', host.clock, []),
      files: this.guard('files', host.files, fileEffects),
      locks: this.guard('locks', host.locks, ['tryLock']),
      commands: this.guard('commands', host.commands, []),
      http: this.guard('http', host.http, []),
      databases: this.guard('databases', host.databases, ['session']),
      services: this.guard('services', host.services, serviceEffects),
    };
  }

  get count(): number {
    return this.log.length;
  }

  /** Dies instead of the n-th effect from now on (1: the next). */
  crashBefore(n: number, error: Error = new Crash(`killed before effect ${n}`)): this {
    this.crashAt = { index: this.count + n, when: 'before', error };
    return this;
  }

  /** Dies when the n-th effect from now on is done. */
  crashAfter(n: number, error: Error = new Crash(`killed after effect ${n}`)): this {
    this.crashAt = { index: this.count + n, when: 'after', error };
    return this;
  }

  /** The process is gone: its locks are free. */
  async end(): Promise<void> {
    this.dead = true;
    for (const lock of this.held) await lock.release();
    this.held.clear();
  }

  private async dieWith(error: Error): Promise<never> {
    await this.end();
    throw error;
  }

  private guard<T extends object>(interfaceName: string, target: T, mutating: readonly string[]): T {
    return new Proxy(target, {
      get: (from, key) => {
        const member: unknown = Reflect.get(from, key);
        if (typeof member !== 'function') return member;
        if (typeof key === 'string' && mutating.includes(key)) {
          return (...args: unknown[]) =>
            this.effect(
              `${interfaceName}.${key} ${args.filter((arg) => typeof arg === 'string').join(' ')}`,
              () => Reflect.apply(member, from, args),
            );
        }
        return (...args: unknown[]): unknown => {
          if (this.dead) throw new Crash(`${interfaceName}.${String(key)} after the end of the process`);
          return Reflect.apply(member, from, args);
        };
      },
    });
  }

  private async effect(description: string, act: () => unknown): Promise<unknown> {
    if (this.dead) throw new Crash(`${description} after the end of the process`);
    this.log.push(description);
    const index = this.count;
    await this.beforeEach?.(description, index);
    const crash = this.crashAt?.index === index ? this.crashAt : undefined;
    if (crash?.when === 'before') await this.dieWith(crash.error);
    try {
      return this.adopt(description, await act());
    } finally {
      // Also when the effect failed: then that was the last thing it saw.
      if (crash !== undefined) await this.dieWith(crash.error);
    }
  }

  /** A lock is freed by the process's end; what a file's writer does are effects, too. */
  private adopt(description: string, result: unknown): unknown {
    if (isLock(result)) {
      this.held.add(result);
      return {
        release: async () => {
          if (this.dead) throw new Crash('release after the end of the process');
          this.held.delete(result);
          await result.release();
        },
      };
    }
    return isWriter(result)
      ? this.guard(`writer of ${description}:`, result, ['write', 'sync', 'close'])
      : result;
  }
}

function isLock(value: unknown): value is FileLock {
  return typeof value === 'object' && value !== null && 'release' in value;
}

function isWriter(value: unknown): value is FileWriter {
  return typeof value === 'object' && value !== null && 'sync' in value && 'close' in value;
}
