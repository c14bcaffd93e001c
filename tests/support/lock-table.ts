// flock among machines in one process, honest or lying.
import { open, realpath } from 'node:fs/promises';
import type { FileLock, Locks } from '../../src/host/host.ts';

/** The locks of one storage: give it to every machine that shares it. */
export class LockTable implements Locks {
  /** Everybody gets every lock, as on sshfs. */
  lying = false;
  private readonly held = new Set<string>();

  async tryLock(file: string): Promise<FileLock | undefined> {
    await (await open(file, 'a', 0o644)).close();
    const key = await realpath(file);
    if (this.lying) return { release: async () => {} };
    if (this.held.has(key)) return undefined;
    this.held.add(key);
    let released = false;
    return {
      release: async () => {
        if (!released) this.held.delete(key);
        released = true;
      },
    };
  }
}
