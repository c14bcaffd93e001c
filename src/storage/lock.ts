// The install lock: flock for the units that share a kernel or an honest file system, a lease for the rest. It saves
// downloads; what keeps the volume whole is that every change is a rename out of the holder's own staging folder.
import path from 'node:path';
import { hasCode, unless } from '../host/errors.ts';
import type { FileLock, Host } from '../host/host.ts';
import { LockBusy, VolumeFailure, volumeCodes } from './failures.ts';
import { type Held, holdVolume } from './held.ts';
import { type Holder, parseHolder } from './holder.ts';
import { defaultTiming, type Lease, type LeaseTiming, LeaseWatch, seeLease, takeLease } from './lease.ts';
import { type Layout, layoutOf } from './layout.ts';
import { sweep } from './sweep.ts';

export interface LockOptions {
  unit: string;
  /** For people: "staging 8.2.0". */
  purpose: string;
  /** How long another holder is waited for. Above 20 s, a lease whose holder died on another machine is taken over; below,
   * that takes another hook. */
  waitMs: number;
  signal?: AbortSignal;
  timing?: LeaseTiming;
}

const pollLeastMs = 100;
const pollMostMs = 1_000;

/** Runs `work` while this unit alone may change the shared part of the volume. Leftovers of holders that died are swept
 * before it starts. Throws `LockBusy` when the lock is not to be had within `waitMs`, `VolumeFailure` when the volume
 * cannot be written, `LeaseLost` when the lock was lost on the way; `held.signal` aborts then, too. */
export async function withInstallLock<T>(
  host: Host,
  options: LockOptions,
  work: (held: Held) => Promise<T>,
): Promise<T> {
  const layout = layoutOf(host.paths.volume);
  const self = await describeSelf(host, options);
  const { lock, lease } = await acquire(host, layout, self, options);
  try {
    await asVolumeFailure(layout, async () => {
      await host.files.write(layout.lock, `${JSON.stringify(self)}\n`, { mode: 0o644 });
      await sweep(host, layout, lease, self);
    });
    const signal =
      options.signal === undefined ? lease.signal : AbortSignal.any([options.signal, lease.signal]);
    return await work(holdVolume({ host, layout, lease, self, signal }));
  } finally {
    await giveBack(host, layout, self, lease, lock);
  }
}

export async function describeSelf(host: Host, options: { unit: string; purpose: string }): Promise<Holder> {
  return {
    unit: options.unit,
    purpose: options.purpose,
    host: ((await host.files.readText('/proc/sys/kernel/hostname')) ?? '').trim(),
    bootId: await host.bootId(),
    pid: host.processId,
    since: new Date(host.clock.now()).toISOString(),
    token: host.random.bytes(8).toString('hex'),
  };
}

interface Acquired {
  lock: FileLock;
  lease: Lease;
}

async function acquire(host: Host, layout: Layout, self: Holder, options: LockOptions): Promise<Acquired> {
  const start = host.clock.monotonic();
  const watch = new LeaseWatch(host, layout, self);
  let lock: FileLock | undefined;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      lock ??= await asVolumeFailure(layout, () => tryFlock(host, layout));
      if (lock !== undefined) {
        const held = lock;
        const lease = await asVolumeFailure(layout, () =>
          takeLease(host, layout, self, watch, options.timing ?? defaultTiming),
        );
        if (lease !== undefined) {
          lock = undefined;
          return { lock: held, lease };
        }
      }
      const waitedMs = host.clock.monotonic() - start;
      const leftMs = options.waitMs - waitedMs;
      if (leftMs <= 0) throw new LockBusy(await namedHolder(host, layout), waitedMs);
      await host.clock.wait(Math.min(leftMs, jittered(host)), options.signal);
    }
  } finally {
    await lock?.release();
  }
}

/** A file system without flock leaves the lease alone to decide. */
async function tryFlock(host: Host, layout: Layout): Promise<FileLock | undefined> {
  try {
    return await host.locks.tryLock(layout.lock);
  } catch (error) {
    if (hasCode(error, 'ENOLCK', 'ENOTSUP', 'ENOSYS')) return { release: async () => {} };
    throw error;
  }
}

/** Who holds it, as far as the volume tells: the lease's record, else what the lock file says. */
export async function namedHolder(host: Host, layout: Layout): Promise<Holder | undefined> {
  const lease = await seeLease(host, layout);
  return lease?.holder ?? parseHolder(await host.files.readText(layout.lock));
}

async function giveBack(
  host: Host,
  layout: Layout,
  self: Holder,
  lease: Lease,
  lock: FileLock,
): Promise<void> {
  try {
    // Only what is still ours: after a lost lease the text names the next holder.
    const named = parseHolder(await host.files.readText(layout.lock));
    if (named?.token === self.token) {
      await unless(host.files.rename(layout.progress, path.join(lease.folder, 'progress')), 'ENOENT');
      await host.files.write(layout.lock, '', { mode: 0o644 });
    }
    await lease.release();
  } finally {
    await lock.release();
  }
}

/** Contenders that started together must not ask in step for ever. */
function jittered(host: Host): number {
  const [byte = 0] = host.random.bytes(1);
  return pollLeastMs + ((pollMostMs - pollLeastMs) * byte) / 256;
}

async function asVolumeFailure<T>(layout: Layout, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (hasCode(error, ...volumeCodes, 'ENOENT', 'ENOTDIR')) {
      throw new VolumeFailure(`cannot take the install lock on ${layout.root}`, error.code ?? '', {
        cause: error,
      });
    }
    throw error;
  }
}
