// The install lock: exclusion, bounded waiting, takeover, and the fence that stops a holder that was overtaken.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LeaseLost, LockBusy, VolumeFailure } from '../../../src/storage/failures.ts';
import type { Held } from '../../../src/storage/held.ts';
import { withInstallLock } from '../../../src/storage/lock.ts';
import { openVolume } from '../../../src/storage/volume.ts';
import { hasCode } from '../../../src/host/errors.ts';
import type { Host } from '../../../src/host/host.ts';
import { Crash } from '../../support/effects.ts';
import { FakeMachine } from '../../support/fake-host.ts';
import { LockTable } from '../../support/lock-table.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const web = 'concourse-ci/0';
const worker = 'concourse-ci/1';

let directory: string;
let volume: string;
let clock: VirtualClock;
let locks: LockTable;
let one: FakeMachine;
let two: FakeMachine;

beforeEach(async () => {
  directory = await temporaryDirectory();
  volume = path.join(directory, 'volume');
  clock = new VirtualClock();
  locks = new LockTable();
  one = new FakeMachine({ directory: path.join(directory, 'one'), clock, volume, locks, seed: 1 });
  two = new FakeMachine({ directory: path.join(directory, 'two'), clock, volume, locks, seed: 2 });
});

const options = (unit: string, waitMs = 0) => ({ unit, purpose: 'staging 8.2.0', waitMs });

/** A release as the stager leaves it. */
async function stage(held: Held, version: string): Promise<string> {
  const area = await held.staging(version);
  const staged = path.join(area.directory, version);
  await mkdir(path.join(staged, 'bin'), { recursive: true });
  await writeFile(path.join(staged, 'bin/concourse'), version);
  await writeFile(path.join(staged, '.manifest.json'), '{}');
  return staged;
}

async function install(held: Held, version: string): Promise<void> {
  await held.releaseVersion(version, await stage(held, version));
  await held.switchTo(version);
  await held.writeMarker(version);
}

describe('exclusion', () => {
  it('a second unit is refused while the first holds the lock, and the refusal names the holder', async () => {
    await withInstallLock(one.process().host, options(web), async () => {
      const attempt = withInstallLock(two.process().host, options(worker, 3_000), async () => 'in');
      const busy = await attempt.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(busy).toBeInstanceOf(LockBusy);
      expect(String(busy)).toContain(
        'concourse-ci/0 (pid 1001 on machine-1) since 2026-01-01T00:00:00.000Z: staging 8.2.0',
      );
    });
    expect(clock.monotonic() - Date.UTC(2026, 0, 1)).toBeGreaterThanOrEqual(3_000);
  });

  it('a unit that waits gets the lock when the holder gives it back', async () => {
    const order: string[] = [];
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const first = withInstallLock(one.process().host, options(web), async () => {
      start();
      await clock.wait(2_000);
      order.push('first');
    });
    await started;
    await withInstallLock(
      two.process().host,
      options(worker, 3_600_000),
      async () => void order.push('second'),
    );
    await first;
    expect(order).toEqual(['first', 'second']);
  });

  it('the lease excludes where flock lies', async () => {
    locks.lying = true;
    await withInstallLock(one.process().host, options(web), async () => {
      await expect(
        withInstallLock(two.process().host, options(worker, 5_000), async () => {}),
      ).rejects.toThrow(LockBusy);
    });
  });

  it('the lease excludes where flock is not supported', async () => {
    const unsupported = () => Promise.reject(Object.assign(new Error('flock'), { code: 'ENOLCK' }));
    const withoutFlock = (machine: FakeMachine) => ({
      ...machine.process().host,
      locks: { tryLock: unsupported },
    });
    await withInstallLock(withoutFlock(one), options(web), async () => {
      await expect(
        withInstallLock(withoutFlock(two), options(worker, 5_000), async () => {}),
      ).rejects.toThrow(LockBusy);
    });
  });

  it('flock excludes where the lease is gone', async () => {
    await withInstallLock(one.process().host, options(web), async () => {
      await two.process().host.files.remove(path.join(volume, '.install.lease'));
      const second = withInstallLock(two.process().host, options(worker, 5_000), async () => {});
      await expect(second).rejects.toThrow(LockBusy);
    });
  });

  it('a wait ends when its signal aborts', async () => {
    const stop = new AbortController();
    await withInstallLock(one.process().host, options(web), async () => {
      const waiting = withInstallLock(
        two.process().host,
        { ...options(worker, 3_600_000), signal: stop.signal },
        async () => {},
      );
      stop.abort(new Error('the unit is leaving'));
      await expect(waiting).rejects.toThrow('the unit is leaving');
    });
  });

  it('nothing is left when the work is done, nor when it throws', async () => {
    await withInstallLock(one.process().host, options(web), async (held) => {
      await stage(held, '8.2.0');
      await held.progress({ version: '8.2.0', unit: web, started: '2026-01-01T00:00:00Z', bytes: 1 });
    });
    const failing = withInstallLock(one.process().host, options(web), async (held) => {
      await stage(held, '8.2.0');
      throw new Error('no such mirror');
    });
    await expect(failing).rejects.toThrow('no such mirror');
    expect((await readdir(volume)).sort()).toEqual(['.install.lock', '.staging']);
    expect(await readdir(path.join(volume, '.staging'))).toEqual([]);
    expect(await readFile(path.join(volume, '.install.lock'), 'utf8')).toBe('');
  });
});

describe('a holder that died', () => {
  const dieHolding = async (machine: FakeMachine, unit: string) => {
    const process = machine.process();
    const death = withInstallLock(process.host, options(unit), async (held) => {
      await stage(held, '8.2.0');
      await held.progress({ version: '8.2.0', unit, started: '2026-01-01T00:00:00Z', bytes: 1 });
      process.crashBefore(1);
      await held.writeMarker('8.2.0');
    });
    await expect(death).rejects.toThrow(Crash);
  };

  it('is followed at once by the next hook of the same unit, which sweeps what it left', async () => {
    await dieHolding(one, web);
    expect(await readdir(path.join(volume, '.staging'))).toHaveLength(2);
    const before = clock.monotonic();
    await withInstallLock(one.process().host, options(web), async () => {
      expect(await readdir(path.join(volume, '.staging'))).toHaveLength(1);
      expect(existsSync(path.join(volume, '.download_in_progress'))).toBe(false);
    });
    expect(clock.monotonic()).toBe(before);
  });

  it('is followed at once by another unit of the same machine', async () => {
    await dieHolding(one, web);
    const before = clock.monotonic();
    await withInstallLock(one.process().host, options(worker), async () => {});
    expect(clock.monotonic()).toBe(before);
  });

  it('is followed by a unit of another machine when its lease has not changed for 15 s, whatever the clocks say', async () => {
    await dieHolding(one, web);
    clock.wallOffsetMs = -3_600_000;
    await expect(
      withInstallLock(two.process().host, options(worker, 10_000), async () => {}),
    ).rejects.toThrow(LockBusy);
    const before = clock.monotonic();
    await withInstallLock(two.process().host, options(worker, 30_000), async () => {});
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(15_000);
    expect(clock.monotonic() - before).toBeLessThan(18_000);
  });

  it('a unit of the same name on another machine is another model’s: its lease is left to time', async () => {
    await dieHolding(one, web);
    await expect(withInstallLock(two.process().host, options(web, 10_000), async () => {})).rejects.toThrow(
      LockBusy,
    );
  });

  it('is followed by one of two units that judge its lease dead at the same moment', async () => {
    await dieHolding(one, web);
    locks.lying = true;
    const three = new FakeMachine({
      directory: path.join(directory, 'three'),
      clock,
      volume,
      locks,
      seed: 3,
    });
    const [slow, quick] = [two.process(), three.process()];
    const taken = Promise.withResolvers<void>();
    const judged = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<unknown>();
    // The slow one stops just before it takes the dead lease away; by then the quick one has done so and has its own there,
    // and stops before it sweeps the slow one's folder.
    slow.beforeEach = async (effect) => {
      if (!/rename .*\.install\.lease .*\/stale$/.test(effect)) return;
      judged.resolve();
      await taken.promise;
    };
    quick.beforeEach = async (effect) => {
      if (effect.includes('rename') && effect.endsWith('/stale')) await judged.promise;
      if (!effect.startsWith(`files.write ${path.join(volume, '.install.lock')}`)) return;
      taken.resolve();
      await answered.promise;
    };
    const first = withInstallLock(slow.host, options(worker, 20_000), async () => 'slow').catch(
      (error: unknown) => error,
    );
    const second = withInstallLock(quick.host, options('concourse-ci/2', 20_000), async (held) => {
      await held.assertHeld();
      return 'quick';
    });
    void first.then(answered.resolve);
    expect(await first).toBeInstanceOf(LockBusy);
    expect(await second).toBe('quick');
  });

  it('can die at any effect: the next hook completes, and the volume is whole at every instant', async () => {
    const measured = one.process();
    await withInstallLock(measured.host, options(web), (held) => install(held, '8.1.0'));
    const rehearsal = one.process();
    await withInstallLock(rehearsal.host, options(web), (held) => install(held, '8.2.0'));
    expect(rehearsal.count).toBeGreaterThan(20);
    for (let n = 1; n <= rehearsal.count; n += 1) {
      for (const when of ['crashBefore', 'crashAfter'] as const) {
        const machine = new FakeMachine({ directory: path.join(directory, `${when}-${n}`), clock, seed: n });
        await withInstallLock(machine.process().host, options(web), (held) => install(held, '8.1.0'));
        const dying = machine.process();
        dying[when](n);
        await expect(
          withInstallLock(dying.host, options(web), (held) => install(held, '8.2.0')),
        ).rejects.toThrow(Crash);
        const seen = await openVolume(machine.process().host).observe();
        expect(seen.state === 'present' && ['8.1.0', '8.2.0'].includes(seen.installed ?? '')).toBe(true);
        const next = machine.process();
        await withInstallLock(next.host, options(web), (held) => install(held, '8.2.0'));
        const after = await openVolume(next.host).observe();
        expect(after).toMatchObject({
          installed: '8.2.0',
          marker: '8.2.0',
          previous: '8.1.0',
          staging: [],
          problems: [],
        });
        expect((await readdir(machine.paths.volume)).sort()).toEqual(
          ['.install.lock', '.installed_version', '.previous_version', '.staging', 'bin', 'releases'].sort(),
        );
      }
    }
  });
});

describe('a race for the lease alone, where flock says yes to both', () => {
  /** Unit two, which goes on just as unit one has looked and found nothing, and which has the lock for a moment. */
  async function race(change: (host: Host) => Host, at: RegExp): Promise<string[]> {
    locks.lying = true;
    const order: string[] = [];
    const process = one.process();
    let raced = false;
    process.beforeEach = async (effect) => {
      if (raced || !at.test(effect)) return;
      raced = true;
      const theirs = Promise.withResolvers<void>();
      void withInstallLock(two.process().host, options(worker), async () => {
        order.push('two');
        theirs.resolve();
        await clock.wait(2_000);
      });
      await theirs.promise;
    };
    await withInstallLock(change(process.host), options(web, 30_000), async () => void order.push('one'));
    return order;
  }

  it('who comes second waits', async () => {
    expect(await race((host) => host, /rename .*\.install\.lease$/)).toEqual(['two', 'one']);
  });

  it('on sshfs too, which answers EPERM to whatever fails', async () => {
    const sshfs = (host: Host): Host => ({
      ...host,
      files: {
        ...host.files,
        rename: async (from, to) => {
          try {
            await host.files.rename(from, to);
          } catch (error) {
            if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
            throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
          }
        },
      },
    });
    expect(await race(sshfs, /rename .*\.install\.lease$/)).toEqual(['two', 'one']);
  });

  it('and who is swept away while it prepares for it', async () => {
    expect(await race((host) => host, /write .*\/token/)).toEqual(['two', 'one']);
  });
});

describe('a holder that was overtaken', () => {
  /** Runs `change` as unit one, frozen just before its n-th rename; meanwhile the whole lock passes to unit two. */
  const frozenBefore = async (
    what: RegExp,
    change: (held: Held) => Promise<void>,
    meanwhile: (held: Held) => Promise<void>,
  ) => {
    locks.lying = true;
    const process = one.process();
    const frozen = withInstallLock(process.host, options(web), async (held) => {
      let froze = false;
      process.beforeEach = async (effect) => {
        if (froze || !what.test(effect)) return;
        froze = true;
        await withInstallLock(two.process().host, options(worker, 60_000), meanwhile);
      };
      await change(held);
    });
    return frozen.then(
      () => undefined,
      (error: unknown) => error,
    );
  };

  it('thaws into nothing: neither its release, nor its link, nor its marker gets into place', async () => {
    const cases: [RegExp, (held: Held) => Promise<void>][] = [
      [
        /rename .*\/releases\/8\.2\.0$/,
        async (held) => held.releaseVersion('8.2.0', await stage(held, '8.2.0')),
      ],
      [/rename .*\/bin$/, async (held) => install(held, '8.2.0')],
      [/rename .*\.installed_version$/, (held) => held.writeMarker('8.2.0')],
      [
        /rename .*\.download_in_progress$/,
        (held) => held.progress({ version: '8.2.0', unit: web, started: '2026-01-01T00:00:00Z', bytes: 1 }),
      ],
    ];
    for (const [what, change] of cases) {
      const error = await frozenBefore(what, change, (held) => install(held, '8.3.0'));
      expect(error, String(what)).toBeInstanceOf(LeaseLost);
      const seen = await openVolume(two.process().host).observe();
      expect(seen, String(what)).toMatchObject({ installed: '8.3.0', marker: '8.3.0', staging: [] });
      expect(existsSync(path.join(volume, '.download_in_progress'))).toBe(false);
    }
  });

  it('does not take away what the next holder has put into place', async () => {
    await withInstallLock(one.process().host, options(web), async (held) => {
      await install(held, '8.2.0');
      await install(held, '8.3.0');
    });
    const error = await frozenBefore(
      /rename .*\/releases\/8\.2\.0 /,
      (held) => held.removeRelease('8.2.0'),
      (held) => held.switchTo('8.2.0'),
    );
    expect(error).toBeInstanceOf(LeaseLost);
    expect(await openVolume(two.process().host).observe()).toMatchObject({
      installed: '8.2.0',
      problems: [],
    });
  });

  it('is told before it changes anything more', async () => {
    locks.lying = true;
    await withInstallLock(one.process().host, options(web), async (held) => {
      const staged = await stage(held, '8.2.0');
      await withInstallLock(two.process().host, options(worker, 60_000), (theirs) =>
        install(theirs, '8.3.0'),
      );
      await expect(held.assertHeld()).rejects.toThrow(LeaseLost);
      // Not: "it is not a finished release". What it had staged was swept away.
      await expect(held.releaseVersion('8.2.0', staged)).rejects.toThrow(LeaseLost);
      await expect(held.switchTo('8.2.0')).rejects.toThrow(LeaseLost);
      await expect(held.writeMarker('8.2.0')).rejects.toThrow(LeaseLost);
      await expect(held.staging('8.2.0')).rejects.toThrow(LeaseLost);
    });
    expect(await readFile(path.join(volume, '.installed_version'), 'utf8')).toBe('8.3.0\n');
  });

  it('hears of it by its signal, within a heartbeat', async () => {
    const timing = { updateMs: 1_000, staleMs: 2_000 };
    await withInstallLock(one.process().host, { ...options(web), timing }, async (held) => {
      await two.process().host.files.remove(path.join(volume, '.install.lease'));
      const reason: unknown = await new Promise((resolve) => {
        held.signal.addEventListener('abort', () => resolve(held.signal.reason));
      });
      expect(reason).toBeInstanceOf(LeaseLost);
    });
  });

  it('keeps its lease as long as it renews it', async () => {
    locks.lying = true;
    const timing = { updateMs: 1_000, staleMs: 2_000 };
    const lease = path.join(volume, '.install.lease');
    const record = async () => readFile(path.join(lease, (await readdir(lease))[0] ?? ''), 'utf8');
    await withInstallLock(one.process().host, { ...options(web), timing }, async (held) => {
      const before = await record();
      while ((await record()) === before) await new Promise((resolve) => setTimeout(resolve, 50));
      await held.assertHeld();
    });
  });
});

describe('the operator’s things', () => {
  it('a foreign layout is moved aside, whole, and survives a death on the way', async () => {
    const makeForeign = async (root: string) => {
      await mkdir(path.join(root, 'bin'), { recursive: true });
      await writeFile(path.join(root, 'bin/concourse'), 'theirs');
      await mkdir(path.join(root, 'fly-assets'));
      await writeFile(path.join(root, 'notes.txt'), 'keep');
    };
    await makeForeign(volume);
    const rehearsal = one.process();
    await withInstallLock(rehearsal.host, options(web), async (held) => void (await held.moveForeignAside()));
    for (let n = 1; n <= rehearsal.count; n += 1) {
      const machine = new FakeMachine({ directory: path.join(directory, `foreign-${n}`), clock, seed: n });
      await makeForeign(machine.paths.volume);
      const dying = machine.process();
      dying.crashBefore(n);
      const move = (process: typeof dying) =>
        withInstallLock(process.host, options(web), async (held) => void (await held.moveForeignAside()));
      await expect(move(dying)).rejects.toThrow(Crash);
      await move(machine.process());
      const kept = (await readdir(machine.paths.volume)).filter((name) => name.startsWith('.foreign-'));
      const found = await Promise.all(kept.map((name) => readdir(path.join(machine.paths.volume, name))));
      expect(found.flat().sort()).toEqual(['bin', 'fly-assets']);
      expect(existsSync(path.join(machine.paths.volume, 'notes.txt'))).toBe(true);
      expect(existsSync(path.join(machine.paths.volume, 'bin'))).toBe(false);
    }
  });

  it('a read-only volume and a missing one are named as such', async () => {
    const host = one.process().host;
    const readOnly = () => Promise.reject(Object.assign(new Error('EROFS'), { code: 'EROFS' }));
    const attempt = withInstallLock({ ...host, locks: { tryLock: readOnly } }, options(web), async () => {});
    await expect(attempt).rejects.toThrow(VolumeFailure);
    await expect(attempt).rejects.toThrow(
      `cannot take the install lock on ${volume}: it is read-only (EROFS)`,
    );
    const elsewhere = { ...host, paths: { ...host.paths, volume: path.join(directory, 'two/nowhere') } };
    await expect(withInstallLock(elsewhere, options(web), async () => {})).rejects.toThrow(
      'it is not there (ENOENT)',
    );
  });
});

describe('what a holder may do', () => {
  it('refuses a release without a manifest, one from elsewhere, and the removal of the installed one', async () => {
    await withInstallLock(one.process().host, options(web), async (held) => {
      const area = await held.staging('8.2.0');
      await mkdir(path.join(area.directory, '8.2.0'));
      await expect(held.releaseVersion('8.2.0', path.join(area.directory, '8.2.0'))).rejects.toThrow(
        '.manifest.json',
      );
      await expect(held.releaseVersion('8.2.0', '/tmp')).rejects.toThrow('not in the staging folder');
      await expect(held.switchTo('8.2.0')).rejects.toThrow('not a finished release');
      await install(held, '8.1.0');
      await expect(held.removeRelease('8.1.0')).rejects.toThrow('it stays');
      for (const hostile of ['../8.1.0', '8.1.0/..', '', '.', '8.1.0\n']) {
        await expect(held.staging(hostile)).rejects.toThrow('not a version');
        await expect(held.removeRelease(hostile)).rejects.toThrow('not a version');
      }
      await expect(held.removeWorkerFolder('../x/0')).rejects.toThrow('not a unit');
    });
  });

  it('replaces a broken release, switches back and forth, and remembers the one before', async () => {
    await mkdir(path.join(volume, 'releases/8.2.0/rubbish'), { recursive: true });
    await withInstallLock(one.process().host, options(web), async (held) => {
      await install(held, '8.1.0');
      await install(held, '8.2.0');
      expect(await readdir(path.join(volume, 'releases/8.2.0'))).toEqual(['.manifest.json', 'bin']);
      expect(await readlink(path.join(volume, 'bin'))).toBe('releases/8.2.0/bin');
      expect(await readFile(path.join(volume, '.previous_version'), 'utf8')).toBe('8.1.0\n');
      await held.switchTo('8.1.0');
      expect(await readFile(path.join(volume, '.previous_version'), 'utf8')).toBe('8.2.0\n');
      await held.removeRelease('8.2.0');
    });
    expect(await readdir(path.join(volume, 'releases'))).toEqual(['8.1.0']);
  });

  it('replaces a bin link that points elsewhere only when it was moved aside', async () => {
    await symlink('/opt/concourse/bin', path.join(volume, 'bin'));
    await withInstallLock(one.process().host, options(web), async (held) => {
      expect(await held.moveForeignAside()).toMatch(/\.foreign-2026-01-01-[0-9a-f]{16}$/);
      expect(await held.moveForeignAside()).toBeUndefined();
      await install(held, '8.1.0');
    });
  });

  it('syncs what it renames before the rename, and the directory after it', async () => {
    const process = one.process();
    const calls: string[] = [];
    const recorded = {
      ...process.host,
      files: {
        ...process.host.files,
        write: async (file: string, content: string | Uint8Array, how: { mode: number; sync?: boolean }) => {
          calls.push(`${how.sync ? 'write+sync' : 'write'} ${path.basename(file).replace(/^\d+-/, '')}`);
          await process.host.files.write(file, content, how);
        },
        rename: async (from: string, to: string) => {
          calls.push(`rename ${path.relative(volume, to)}`);
          await process.host.files.rename(from, to);
        },
        syncDirectory: async (file: string) => {
          calls.push(`sync ${path.relative(volume, file) || '.'}`);
        },
      },
    };
    await withInstallLock(recorded, options(web), async (held) => {
      await install(held, '8.1.0');
      calls.length = 0;
      await install(held, '8.2.0');
      expect(calls).toEqual([
        'rename releases/8.2.0',
        'sync releases',
        'write+sync .previous_version',
        'rename .previous_version',
        'sync .',
        'rename bin',
        'sync .',
        'write+sync .installed_version',
        'rename .installed_version',
        'sync .',
      ]);
    });
  });
});
