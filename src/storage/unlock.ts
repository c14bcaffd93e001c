// Looks whether somebody holds the install lock, and clears one whose holder is gone.
import type { Host } from '../host/host.ts';
import { LockBusy } from './failures.ts';
import { describeHolder, type Holder } from './holder.ts';
import { layoutOf } from './layout.ts';
import { defaultTiming, isGone, type LeaseTiming, seeLease } from './lease.ts';
import { describeSelf, namedHolder, withInstallLock } from './lock.ts';

export interface LockState {
  /** `stale`: a record is left, and its holder is gone. */
  state: 'free' | 'held' | 'stale';
  holder?: Holder;
  /** What the answer rests on, in a sentence. */
  evidence: string;
}

const lookMs = 1_000;

/** May take as long as a lease needs to grow stale (15 s), when nothing but time can tell whether its holder lives. */
export async function examineLock(
  host: Host,
  unit: string,
  timing: LeaseTiming = defaultTiming,
): Promise<LockState> {
  const layout = layoutOf(host.paths.volume);
  if ((await host.files.lstat(layout.lock)) === undefined)
    return { state: 'free', evidence: 'there is no lock file' };
  const holder = await namedHolder(host, layout);
  const who = holder === undefined ? {} : { holder };
  const lock = await host.locks.tryLock(layout.lock);
  if (lock === undefined) return { state: 'held', ...who, evidence: `${layout.lock} is locked right now` };
  await lock.release();
  const lease = await seeLease(host, layout);
  if (lease === undefined) {
    if (holder === undefined)
      return { state: 'free', evidence: 'nobody has it locked, and no record is left' };
    return {
      state: 'stale',
      holder,
      evidence: 'nobody has it locked; only the record of its last holder is left',
    };
  }
  const self = await describeSelf(host, { unit, purpose: 'examining the lock' });
  if (holder !== undefined && (await isGone(host, holder, self))) {
    return {
      state: 'stale',
      holder,
      evidence: `nobody has it locked, and ${describeHolder(holder)} has ended`,
    };
  }
  const start = host.clock.monotonic();
  while (host.clock.monotonic() - start < timing.staleMs) {
    await host.clock.wait(Math.min(lookMs, timing.staleMs));
    const now = await seeLease(host, layout);
    if (now?.fingerprint === lease.fingerprint) continue;
    return now === undefined
      ? { state: 'free', evidence: 'its holder has just given it back' }
      : { state: 'held', ...who, evidence: 'its lease is being renewed' };
  }
  return {
    state: 'stale',
    ...who,
    evidence: `nobody has it locked, and its lease was not renewed for ${timing.staleMs} ms`,
  };
}

/** Takes a stale lock over and gives it back, which sweeps what its holder left; what was found. Throws `LockBusy` for one
 * that is held. */
export async function breakStaleLock(
  host: Host,
  unit: string,
  timing: LeaseTiming = defaultTiming,
): Promise<LockState> {
  const found = await examineLock(host, unit, timing);
  if (found.state === 'held') throw new LockBusy(found.holder, 0);
  if (found.state === 'stale') {
    const waitMs = timing.staleMs + 5 * lookMs;
    await withInstallLock(host, { unit, purpose: 'clearing a stale lock', waitMs, timing }, async () => {});
  }
  return found;
}
