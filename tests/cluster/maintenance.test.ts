// Maintenance windows: a release that is fetched ahead, upgrades that are held, and a backup before the database is migrated.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment } from './support/deployment.ts';
import { watch } from './support/invariants.ts';

const to = (d: Deployment, version: string) => d.juju.configure(application, { version });
const released = (d: Deployment, version: string) => existsSync(join(d.volume, 'releases', version));

describe('hold', () => {
  test('keeps every upgrade from starting, and resume starts the one that was asked for', async () => {
    const d = await Deployment.settled();
    const seen = watch(d);
    expect(await d.cluster.action(d.unit(0), 'hold')).toMatchObject({
      status: 'completed',
      results: { held: 'true' },
    });
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.downloads).toEqual(['8.1.0']);
    expect(seen.stops()).toEqual({});
    expect(d.status(d.unit(0))).toBe(
      'active: juju run concourse-ci/leader resume starts the upgrade to 8.2.0: upgrades are held',
    );
    expect(await d.cluster.action(d.unit(0), 'resume')).toMatchObject({
      results: { held: 'false', version: '8.2.0', result: 'the upgrade to 8.2.0 starts' },
    });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('holds a refresh, too, refuses the action upgrade, and lets a rollback through', async () => {
    const d = await Deployment.settled();
    to(d, '8.2.0');
    await d.cluster.settle();
    await d.cluster.action(d.unit(0), 'hold');
    expect(await d.cluster.action(d.unit(0), 'upgrade')).toMatchObject({
      status: 'failed',
      message: 'juju run concourse-ci/leader resume first: upgrades are held',
    });
    d.juju.resetConfig(application, ['version']);
    d.pins.push('8.3.0');
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
    await d.cluster.action(d.unit(0), 'rollback');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
  });

  test('survives a change of the leader, and a new web unit', async () => {
    const d = await Deployment.settled();
    await d.cluster.action(d.unit(0), 'hold');
    d.juju.setLeader(application, d.unit(1));
    await d.cluster.settle();
    to(d, '8.2.0');
    await d.cluster.settle();
    await d.cluster.action(d.unit(1), 'move-web', { unit: d.unit(2) });
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
    expect(d.goal()).toMatchObject({ hold: 'true', installer: d.unit(2) });
    await d.cluster.action(d.unit(1), 'resume');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
    expect(d.goal()['hold']).toBeUndefined();
  });

  test('that comes while workers stop lets that upgrade end', async () => {
    const d = await Deployment.settled();
    to(d, '8.2.0');
    while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
    await d.cluster.action(d.unit(0), 'hold');
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  });

  test('keeps units with volumes of their own from fetching ahead', async () => {
    const d = new Deployment({ units: 2 });
    d.ownVolume.add(d.unit(1));
    await d.cluster.settle();
    await d.cluster.action(d.unit(0), 'hold');
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.downloads).toEqual(['8.1.0', '8.1.0']);
    await d.cluster.action(d.unit(0), 'resume');
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0']);
  });

  test.each(['hold', 'resume'])('%s: only the leader, and twice is as good as once', async (action) => {
    const d = await Deployment.settled({ units: 2 });
    expect(await d.cluster.action(d.unit(1), action)).toMatchObject({
      status: 'failed',
      message: `this unit does not lead: juju run concourse-ci/leader ${action}`,
    });
    await d.cluster.action(d.unit(0), action);
    expect(await d.cluster.action(d.unit(0), action)).toMatchObject({
      status: 'completed',
      results: { result: action === 'hold' ? 'upgrades are held already' : 'upgrades were not held' },
    });
  });
});

describe('prefetch', () => {
  test('brings a release without touching what runs, and the upgrade to it downloads nothing', async () => {
    const d = await Deployment.settled();
    const seen = watch(d);
    const action = await d.cluster.action(d.unit(0), 'prefetch', { version: '8.2.0' });
    expect(action).toMatchObject({ status: 'completed', results: { version: '8.2.0', downloaded: 'true' } });
    expect(action.log.map(({ message }) => message)).toContain('downloading Concourse 8.2.0');
    await d.cluster.settle();
    expect(seen.stops()).toEqual({});
    expect(d.installed()).toBe('8.1.0');
    expect(d.leftovers()).toEqual([]);
    // A hook that tidies up leaves it alone.
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(released(d, '8.2.0')).toBe(true);
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
    expect(d.downloads).toEqual(['8.1.0', '8.2.0']);
  });

  test('takes what an upgrade would go to, held or not, and says so when it is there', async () => {
    const d = await Deployment.settled({ units: 2 });
    await d.cluster.action(d.unit(0), 'hold');
    to(d, '8.3.0');
    await d.cluster.settle();
    expect(await d.cluster.action(d.unit(0), 'prefetch')).toMatchObject({ results: { version: '8.3.0' } });
    expect(await d.cluster.action(d.unit(0), 'prefetch')).toMatchObject({
      results: {
        downloaded: 'false',
        result: '8.3.0 was on the volume already: an upgrade to it downloads nothing',
      },
    });
    expect(d.installed()).toBe('8.1.0');
  });

  test('one after another: the first goes with the next tidying', async () => {
    const d = await Deployment.settled({ units: 1 });
    await d.cluster.action(d.unit(0), 'prefetch', { version: '8.2.0' });
    await d.cluster.action(d.unit(0), 'prefetch', { version: '8.3.0' });
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect([released(d, '8.2.0'), released(d, '8.3.0')]).toEqual([false, true]);
  });

  test('fails clearly: on another unit, for a release that is not there, with a wrong digest, while the lock is held', async () => {
    const d = await Deployment.settled({ units: 2 });
    const message = async (unit: string, params: Record<string, string>) => {
      const action = await d.cluster.action(unit, 'prefetch', params);
      expect(action.status).toBe('failed');
      return action.message;
    };
    expect(await message(d.unit(1), {})).toBe('this unit does not install: juju run concourse-ci/0 prefetch');
    expect(await message(d.unit(0), { version: '8.9.9' })).toMatch(/8\.9\.9/);
    expect(await message(d.unit(0), { version: 'newest' })).toMatch(/version.*three numbers/);
    expect(await message(d.unit(0), { version: '8.2.0', sha256: 'a'.repeat(64) })).toMatch(/aaaa/);
    const lock = await d.holdLock(d.unit(1));
    expect(await message(d.unit(0), { version: '8.2.0' })).toMatch(/held by concourse-ci\/1/);
    await lock.release();
    expect(released(d, '8.2.0')).toBe(false);
    // None of it is held against the next upgrade.
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
  });
});

describe('require-backup', () => {
  const asks =
    'blocked: back up the database, then juju run concourse-ci/leader upgrade backup-done=true: 8.2.0 migrates it';

  test('stages, stops nobody, asks for a backup, and goes on when it is told of one', async () => {
    const d = await Deployment.settled({ config: { 'require-backup': true } });
    const seen = watch(d);
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(asks);
    expect(released(d, '8.2.0')).toBe(true);
    expect(seen.stops()).toEqual({});
    // An upgrade that says nothing of a backup asks again.
    await d.cluster.action(d.unit(0), 'upgrade');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(asks);
    await d.cluster.action(d.unit(0), 'upgrade', { 'backup-done': true });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  });

  test('the backup counts for that upgrade, and not for the one after it, nor for the way back', async () => {
    const d = await Deployment.settled({ units: 2, config: { 'require-backup': true } });
    to(d, '8.2.0');
    await d.cluster.settle();
    await d.cluster.action(d.unit(0), 'upgrade', { 'backup-done': true });
    await d.cluster.settle();
    await d.cluster.action(d.unit(0), 'rollback');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      'blocked: back up the database, then juju run concourse-ci/leader rollback version=8.1.0 backup-done=true: 8.1.0 migrates it',
    );
    await d.cluster.action(d.unit(0), 'rollback', { version: '8.1.0', 'backup-done': true });
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
    to(d, '8.3.0');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: back up the database/);
    d.juju.configure(application, { 'require-backup': false });
    await d.cluster.settle();
    expect(d.installed()).toBe('8.3.0');
  });

  test('asks for nothing where the schemas are the same, and does ask where a release does not tell', async () => {
    const d = await Deployment.settled({ units: 1, config: { 'require-backup': true } });
    d.schemas.set('8.2.0', '810');
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
    d.schemas.set('8.3.0', 'panic');
    to(d, '8.3.0');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: back up the database/);
  });
});

describe('run-migrations', () => {
  const run = (d: Deployment, params: Record<string, boolean> = {}, unit = d.unit(0)) =>
    d.cluster.action(unit, 'run-migrations', params);

  test('finds nothing to do where web has done it, and says where the database is', async () => {
    const d = await Deployment.settled({ units: 2 });
    expect(await run(d)).toMatchObject({
      status: 'completed',
      results: { version: '8.1.0', supported: '810', before: '810', after: '810' },
    });
  });

  test('takes the database up while web is down, under the lock, and web comes back', async () => {
    const d = await Deployment.settled({ units: 2 });
    d.schema = '700';
    expect((await run(d, { 'dry-run': true })).results).toMatchObject({ before: '700', after: '700' });
    expect(await run(d)).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(
        /^web runs, and migrates the database by itself: .*force=true stops it first$/,
      ),
    });
    const done = await run(d, { force: true });
    expect(done).toMatchObject({ status: 'completed', results: { before: '700', after: '810' } });
    expect(done.log.map(({ message }) => message)).toEqual(['migrating the database from schema 700 to 810']);
    await d.cluster.advance(5_000);
    expect(d.status(d.unit(0))).toMatch(/^active: web/);
    expect(d.leftovers()).toEqual([]);
  });

  test('fails clearly: elsewhere, for a newer database, for a migration that fails, while the lock is held', async () => {
    const d = await Deployment.settled({ units: 2 });
    const failure = async (params = {}, unit = d.unit(0)) => {
      const action = await run(d, params, unit);
      expect(action.status).toBe('failed');
      return action.message;
    };
    expect(await failure({}, d.unit(1))).toBe(
      'this unit does not install: juju run concourse-ci/0 run-migrations',
    );
    d.schema = '900';
    expect(await failure()).toMatch(
      /^the database is at schema 900, and Concourse 8\.1\.0 supports 810: upgrade/,
    );
    d.schema = 'broken';
    expect(await failure({ force: true })).toMatch(/^concourse migrate failed: error: migration failed; /);
    await d.cluster.advance(5_000);
    expect(d.status(d.unit(0))).toMatch(/^active: web/);
    d.schema = '700';
    const lock = await d.holdLock(d.unit(1));
    expect(await failure({ force: true })).toMatch(/held by concourse-ci\/1/);
    await lock.release();
    expect(d.schema).toBe('700');
  });
});
