// Volumes: the application's, one of a unit's own, one that is lost, foreign, read-only, or held by another.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, workerService } from './support/deployment.ts';
import { watch } from './support/invariants.ts';

const notMounted = (d: Deployment, unit: string) => {
  d.machine(unit).mounts = [];
};

describe('which volume is it', () => {
  test('a unit without the shared volume keeps a release of its own, and follows the upgrade without being waited for', async () => {
    const d = await Deployment.settled({ units: 2 });
    d.ownVolume.add(d.unit(2));
    d.juju.addUnit(application);
    await d.cluster.settle();
    expect(d.status(d.unit(2))).toBe('active: worker 8.1.0, on a volume of its own');
    expect(d.downloads).toEqual(['8.1.0', '8.1.0']);
    expect(d.facts(d.unit(2))['volume-id']).not.toBe(d.facts(d.unit(0))['volume-id']);
    const seen = watch(d);
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(seen.stops()).toEqual({ 'concourse-ci/1': 1 });
    expect(d.facts(d.unit(2))['upgrade-ready']).toBe('false');
  });

  test('where nothing is mounted and no directory is there, a unit of shared-storage=auto makes its own', async () => {
    const d = new Deployment({ units: 1 });
    d.machine(d.unit(0));
    rmSync(d.volume, { recursive: true });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^active: /);
  });

  test('shared-storage=required blocks a unit on another volume, saying what to mount', async () => {
    const d = await Deployment.settled({ units: 2, config: { 'shared-storage': 'required' } });
    d.ownVolume.add(d.unit(2));
    d.juju.addUnit(application);
    await d.cluster.settle();
    expect(d.status(d.unit(2))).toMatch(/^blocked: mount the shared volume at \/var\/lib\/concourse/);
    expect(d.downloads).toEqual(['8.1.0']);
  });

  test('shared-storage=required: the installer, too, refuses a path that is not a mount', async () => {
    const d = new Deployment({ units: 1, config: { 'shared-storage': 'required' } });
    notMounted(d, d.unit(0));
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: mount the shared volume.*nothing is mounted there/);
    expect(d.downloads).toEqual([]);
  });

  test('a volume that is gone blocks, and what runs goes on running; when it is back, so is the unit', async () => {
    const d = await Deployment.settled();
    const away = `${d.volume}.away`;
    renameSync(d.volume, away);
    mkdirSync(d.volume);
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    for (const unit of [0, 1, 2]) {
      expect(d.status(d.unit(unit))).toMatch(
        /^blocked: \/var\/lib\/concourse is not the volume of before: mount it again/,
      );
    }
    expect(await d.runs(d.unit(1), workerService)).toBe('8.1.0');
    rmSync(d.volume, { recursive: true });
    renameSync(away, d.volume);
    d.juju.configure(application, { 'log-level': 'info' });
    await d.cluster.settle();
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('accept-volume takes an empty volume in place of a lost one, and installs anew there', async () => {
    const d = await Deployment.settled({ units: 2 });
    rmSync(d.volume, { recursive: true });
    mkdirSync(d.volume);
    expect(await d.cluster.action(d.unit(0), 'accept-volume')).toMatchObject({ status: 'completed' });
    await d.cluster.settle();
    expect(d.status(d.unit(1))).toMatch(/^blocked: .*accept-volume/);
    await d.cluster.action(d.unit(1), 'accept-volume');
    await d.cluster.advance(60_000);
    // Web would look for the old work directory's volumes under the old name.
    const { environment } = d.machine(d.unit(1)).services.starts.at(-1) ?? {};
    expect(environment?.['CONCOURSE_NAME']).toBe('concourse-ci-1-1');
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    expect(d.downloads).toEqual(['8.1.0', '8.1.0']);
    expect(d.goal()['volume-id']).toBe(d.facts(d.unit(0))['volume-id']);
  });

  test('another application’s volume is left alone until it is accepted', async () => {
    const d = new Deployment({ units: 1 });
    mkdirSync(d.volume, { recursive: true });
    const foreign = {
      uuid: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
      modelUuid: 'elsewhere',
      application: 'other-ci',
    };
    writeFileSync(join(d.volume, '.volume-id'), JSON.stringify(foreign));
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: volume belongs to other-ci/);
    expect(d.downloads).toEqual([]);
    await d.cluster.action(d.unit(0), 'accept-volume');
    await d.cluster.advance(60_000);
    expect(d.status(d.unit(0))).toMatch(/^active: /);
    expect(d.goal()['volume-id']).toBe(foreign.uuid);
  });

  test('an unpacked release that somebody left there is moved aside, not lost', async () => {
    const d = new Deployment({ units: 1 });
    mkdirSync(join(d.volume, 'bin'), { recursive: true });
    writeFileSync(join(d.volume, 'bin/concourse'), 'by hand');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^active: /);
    expect(d.binTarget()).toBe('releases/8.1.0/bin');
    expect(d.setAside()).toEqual(['bin/concourse']);
  });
});

describe('a volume in trouble', () => {
  test('read-only: blocked, naming it, and the next try comes by itself', async () => {
    const d = new Deployment({ units: 1 });
    d.machine(d.unit(0)).mounts = [
      { mountPoint: d.volume, type: 'ext4', source: '/dev/vdb', options: ['ro'] },
    ];
    d.everyProcess = (_unit, process) => {
      process.beforeEach = (effect) => {
        if (effect.startsWith('files.') && effect.includes(d.volume))
          throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
      };
    };
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*read-only/);
    expect(d.downloads).toEqual([]);
  });

  test('noexec: blocked, saying how to remount', async () => {
    const d = new Deployment({ units: 1 });
    d.machine(d.unit(0)).mounts = [
      { mountPoint: d.volume, type: 'nfs4', source: 'server:/v', options: ['rw', 'noexec'] },
    ];
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*noexec.*remount/);
  });

  test('full: the status says how much is missing, nothing is left behind, and workers go on', async () => {
    const d = await Deployment.settled();
    d.machine(d.unit(0)).space = { type: 'ext4', freeBytes: 1000 };
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*(MB|GB)/);
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    expect(d.leftovers()).toEqual([]);
  });

  test('a lock that another holds is waited for, within bounds, naming the holder', async () => {
    const d = await Deployment.settled({ units: 1 });
    const held = await d.holdLock('concourse-ci/7');
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^waiting: .*held by concourse-ci\/7/);
    expect(await d.cluster.action(d.unit(0), 'unlock')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('it lives'),
    });
    await held.release();
    await d.cluster.advance(60_000);
    expect(d.installed()).toBe('8.2.0');
  });

  test('a lock whose holder is gone goes by the action unlock, which says what it found', async () => {
    const d = await Deployment.settled({ units: 1 });
    await d.abandonLock('concourse-ci/7');
    const action = await d.cluster.action(d.unit(0), 'unlock');
    expect(action).toMatchObject({ status: 'completed', results: { state: 'stale' } });
    expect(String(action.results['holder'])).toContain('concourse-ci/7');
    expect(d.leftovers()).toEqual([]);
  });

  test('a damaged release is found by verify, which names the file', async () => {
    const d = await Deployment.settled({ units: 1 });
    expect(await d.cluster.action(d.unit(0), 'verify')).toMatchObject({ status: 'completed' });
    writeFileSync(join(d.volume, 'releases/8.1.0/bin/gdn'), 'abc');
    expect(await d.cluster.action(d.unit(0), 'verify')).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/bin\/gdn has other contents/),
    });
  });

  test('a damaged release is staged anew by rollback and upgrade', async () => {
    const d = await Deployment.settled({ units: 2 });
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    writeFileSync(join(d.volume, 'releases/8.2.0/bin/gdn'), 'abc');
    expect((await d.cluster.action(d.unit(0), 'verify')).message).toMatch(/rollback, then upgrade/);
    for (const action of ['rollback', 'upgrade']) {
      expect(await d.cluster.action(d.unit(0), action)).toMatchObject({ status: 'completed' });
      await d.cluster.settle();
    }
    expect(d.downloads).toEqual(['8.1.0', '8.2.0', '8.2.0']);
    expect(await d.cluster.action(d.unit(0), 'verify')).toMatchObject({
      status: 'completed',
      results: { version: '8.2.0' },
    });
    expect(await d.workersRun()).toEqual(['8.2.0']);
  });
});
