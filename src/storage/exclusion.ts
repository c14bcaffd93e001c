// Whether flock keeps units on different machines apart on this volume. Each worker's service holds a lock in the unit's
// own folder for as long as the worker runs, and writes the time into the locked file. Whoever gets that lock on another
// machine, while the time goes on, has the proof that flock does not exclude. Nothing but what the operator is told depends
// on it: renames and the fence keep the volume whole.
import { hasCode } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { volumeCodes } from './failures.ts';
import { workerFolder } from './worker-folder.ts';

/** `had`: the locks that this machine got, with what was in the file; of a worker that is just not running, the proof of
 * nothing. `missing`: the file system has no flock at all. */
export type FlockLook =
  | { kind: 'excludes' | 'missing' }
  | { kind: 'had'; signs: Readonly<Record<string, string>> };

const mostLooks = 3;

/** Tries, without waiting, the locks that the workers of `units` hold on other machines: three of them at most. One that is
 * refused is enough to know. */
export async function lookAtFlock(host: Host, units: readonly string[]): Promise<FlockLook> {
  const signs: Record<string, string> = {};
  for (const unit of units.slice(0, mostLooks)) {
    const file = workerFolder(host, unit).lockPath;
    try {
      const sign = await host.files.readText(file);
      // A worker of an older revision of the charm holds none.
      if (sign === undefined) continue;
      const lock = await host.locks.tryLock(file);
      if (lock === undefined) return { kind: 'excludes' };
      await lock.release();
      signs[unit] = sign;
    } catch (error) {
      if (hasCode(error, 'ENOLCK', 'ENOTSUP', 'ENOSYS')) return { kind: 'missing' };
      // ENOENT: that unit has just gone.
      if (!hasCode(error, 'ENOENT', ...volumeCodes)) throw error;
    }
  }
  return { kind: 'had', signs };
}
