// What the actions on upgrades, the volume and the services answer, and how each of them fails. What they bring about is told where that
// belongs: upgrade.test.ts, volume.test.ts, drain.test.ts.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, webService, workerService } from './support/deployment.ts';

type Params = Record<string, string | boolean>;

async function ran(d: Deployment, number: number, name: string, params: Params = {}) {
  const { results } = await completed(d, number, name, params);
  return results;
}

async function completed(d: Deployment, number: number, name: string, params: Params) {
  const action = await d.cluster.action(d.unit(number), name, params);
  expect(action).toMatchObject({ status: 'completed' });
  return action;
}

async function refused(d: Deployment, number: number, name: string, params: Params = {}) {
  const action = await d.cluster.action(d.unit(number), name, params);
  expect(action).toMatchObject({ status: 'failed' });
  return String(action.message);
}

const starts = (d: Deployment, number: number) =>
  d.machine(d.unit(number)).services.starts.map(({ name }) => name);

describe('only the leader', () => {
  test.each<[string, Params]>([
    ['upgrade', {}],
    ['rollback', {}],
    ['move-web', { unit: 'concourse-ci/2' }],
  ])('runs %s; another unit says what to type', async (name, params) => {
    const d = await Deployment.settled();
    expect(await refused(d, 1, name, params)).toMatch(
      new RegExp(`^this unit does not lead: juju run ${application}/leader ${name}`),
    );
    expect(d.goal()['upgrade-id']).toBe('1');
  });
});

test('before there is a goal, whatever changes it or needs it says to wait', async () => {
  const d = new Deployment({ units: 1, config: { version: 'latest' } });
  await d.cluster.settle();
  for (const [name, params] of [
    ['upgrade', {}],
    ['rollback', {}],
    ['move-web', { unit: d.unit(0) }],
    ['prune', {}],
    ['accept-volume', {}],
  ] as const)
    expect(await refused(d, 0, name, params)).toMatch(/^there is no goal yet: wait/);
  expect(await refused(d, 0, 'verify')).toBe('nothing is installed on the volume that this unit sees');
  expect(await refused(d, 0, 'restart-services')).toMatch(/^no Concourse service runs on this unit/);
  expect(await refused(d, 0, 'get-admin-password')).toMatch(/^the leader has not made the password yet/);
});

describe('status', () => {
  test('is a table for people, and data for programs, on every unit', async () => {
    const d = await Deployment.settled({ units: 2 });
    for (const number of [0, 1]) {
      const text = Object.values(await ran(d, number, 'status')).join('\n');
      expect(text).toContain('8.1.0');
      const { json } = await ran(d, number, 'status', { format: 'json' });
      expect(JSON.parse(String(json))).toMatchObject({
        versions: { target: '8.1.0', installed: '8.1.0' },
      });
    }
  });

  test('tells of a unit where nothing runs, and of a volume that is not there', async () => {
    const d = await Deployment.settled({ units: 1 });
    await d.machine(d.unit(0)).services.stop(webService);
    d.machine(d.unit(0)).mounts = [];
    rmSync(d.volume, { recursive: true });
    const { json } = await ran(d, 0, 'status', { format: 'json' });
    expect(JSON.parse(String(json))).toMatchObject({
      versions: { installed: null, 'running-web': null },
      services: { 'web-answers': null },
    });
  });

  test('in a format that there is not is refused before anything runs', async () => {
    const d = await Deployment.settled({ units: 1 });
    const action = await d.cluster.action(d.unit(0), 'status', { format: 'yaml' });
    expect(action.status).not.toBe('completed');
  });
});

describe('upgrade', () => {
  test('with nothing to do says so, and changes nothing', async () => {
    const d = await Deployment.settled({ units: 1 });
    expect(await ran(d, 0, 'upgrade')).toMatchObject({
      version: '8.1.0',
      result: 'Concourse 8.1.0 is installed already: nothing to do',
    });
    expect(d.goal()['upgrade-id']).toBe('1');
  });

  test('names the version and the number of what begins', async () => {
    const d = await Deployment.settled({ units: 1, config: { 'upgrade-hold': true } });
    d.pins.push('8.2.0');
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    expect(await ran(d, 0, 'upgrade')).toMatchObject({ version: '8.2.0', 'upgrade-id': '2' });
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
  });
});

describe('rollback', () => {
  test('says where it cannot go, and where it can', async () => {
    const d = await Deployment.settled({ units: 1 });
    expect(await refused(d, 0, 'rollback')).toBe(
      'no release was installed before 8.1.0; no older one is on the volume',
    );
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await refused(d, 0, 'rollback', { version: '7.9.0' })).toBe(
      'cannot go back from 8.2.0 to 7.9.0; on the volume: 8.1.0',
    );
    // Forwards is not back.
    expect(await refused(d, 0, 'rollback', { version: '8.3.0' })).toMatch(/^cannot go back from 8\.2\.0/);
    expect(d.installed()).toBe('8.2.0');
    expect(await ran(d, 0, 'rollback')).toMatchObject({ version: '8.1.0' });
  });
});

describe('move-web', () => {
  test('refuses a unit that is web already, that is not there, or that is on another volume', async () => {
    const d = new Deployment({ units: 3 });
    d.ownVolume.add(d.unit(2));
    await d.cluster.settle();
    expect(await refused(d, 0, 'move-web', { unit: d.unit(0) })).toBe(`${d.unit(0)} is the web unit already`);
    expect(await refused(d, 0, 'move-web', { unit: 'concourse-ci/9' })).toMatch(
      /^concourse-ci\/9 is not a living unit of concourse-ci; there are concourse-ci\/0/,
    );
    expect(await refused(d, 0, 'move-web', { unit: d.unit(2) })).toMatch(/is on another volume/);
    expect(d.goal()['installer']).toBe(d.unit(0));
  });
});

describe('verify', () => {
  test('counts what it has read', async () => {
    const d = await Deployment.settled({ units: 2 });
    for (const number of [0, 1]) {
      const results = await ran(d, number, 'verify');
      expect(results['result']).toMatch(/^all [1-9][0-9]* files of 8\.1\.0 are as they were staged$/);
    }
  });

  test('on a worker sends to the installer, who can mend it', async () => {
    const d = await Deployment.settled({ units: 2 });
    writeFileSync(join(d.volume, 'releases/8.1.0/bin/gdn'), 'abc');
    expect(await refused(d, 1, 'verify')).toMatch(/juju run concourse-ci\/0 verify, then rollback/);
  });
});

describe('prune', () => {
  test('removes what nobody runs and folders of units that are gone; dry-run only names them', async () => {
    const d = await Deployment.settled({ units: 2 });
    const stale = join(d.volume, 'worker/concourse-ci-7');
    mkdirSync(stale, { recursive: true });
    const dry = await ran(d, 0, 'prune', { 'dry-run': true });
    expect(dry).toMatchObject({ 'worker-folders': 'concourse-ci/7', result: 'nothing was removed: dry-run' });
    expect((await ran(d, 0, 'prune'))['result']).toBe('removed');
    expect((await ran(d, 0, 'prune'))['worker-folders']).toBe('none');
  });

  test('is the installer’s, and waits for no lock for ever', async () => {
    const d = await Deployment.settled({ units: 2 });
    expect(await refused(d, 1, 'prune')).toBe('this unit does not install: juju run concourse-ci/0 prune');
    const held = await d.holdLock('concourse-ci/7');
    expect(await refused(d, 0, 'prune')).toMatch(/held by concourse-ci\/7.*: it lives, so its lock stays/);
    await held.release();
  });

  test('of a volume that cannot be used says why', async () => {
    const d = await Deployment.settled({ units: 1 });
    const { mounts } = d.machine(d.unit(0));
    for (const mount of mounts) mount.options.push('noexec');
    expect(await refused(d, 0, 'prune')).toMatch(/is mounted noexec/);
    expect(await refused(d, 0, 'accept-volume')).toMatch(/^the volume cannot be accepted: .*noexec/);
  });
});

test('a file server that is silent is not touched: what needs the volume says so, and status tells the rest', async () => {
  const d = await Deployment.settled({ units: 1 });
  const machine = d.machine(d.unit(0));
  const { onCommand } = machine;
  machine.mounts = machine.mounts.map((mount) => ({ ...mount, type: 'nfs4', source: 'files:/srv' }));
  machine.onCommand = (command, args, env) =>
    command === 'stat' ? { code: 124, stdout: '', stderr: '' } : onCommand(command, args, env);
  const { json } = await ran(d, 0, 'status', { format: 'json' });
  expect(JSON.parse(String(json))).toMatchObject({
    volume: { problems: expect.stringContaining('does not answer: is files:/srv (nfs4) up') },
    disk: { 'release-bytes': null },
  });
  for (const action of ['unlock', 'restart-services', 'verify'])
    expect(await refused(d, 0, action)).toMatch(/does not answer/);
  expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
});

test('unlock with nothing to remove says so', async () => {
  const d = await Deployment.settled({ units: 1 });
  expect(await ran(d, 0, 'unlock')).toMatchObject({
    holder: 'nobody',
    result: 'there was nothing to remove',
  });
});

describe('get-admin-password', () => {
  test('tells name and password, also where web is not', async () => {
    const d = await Deployment.settled({ units: 2 });
    const [web, worker] = [await ran(d, 0, 'get-admin-password'), await ran(d, 1, 'get-admin-password')];
    expect(web).toMatchObject({ username: 'admin', password: expect.stringMatching(/^[0-9a-f]{48}$/) });
    expect(worker).toEqual(web);
  });
});

describe('restart-services', () => {
  test('restarts what runs on the unit, once, and waits for it', async () => {
    const d = await Deployment.settled({ units: 2 });
    for (const [number, service, results] of [
      [0, webService, { web: 'restarted, and answers as 8.1.0' }],
      [1, workerService, { worker: 'restarted, and registered' }],
    ] as const) {
      const before = starts(d, number).length;
      expect(await ran(d, number, 'restart-services')).toMatchObject(results);
      expect(starts(d, number).slice(before)).toEqual([service]);
    }
  });

  test('fails where web does not come back, in the words of its status', async () => {
    const d = await Deployment.settled({ units: 1 });
    d.silentWeb.add('8.1.0');
    expect(await refused(d, 0, 'restart-services')).toMatch(/8\.1\.0/);
  });

  test('leaves a worker alone that an upgrade has not reached yet', async () => {
    const d = await Deployment.settled({ units: 2 });
    // `bin` has been switched, and this worker has not been told.
    rmSync(join(d.volume, 'bin'));
    mkdirSync(join(d.volume, 'releases/8.2.0'));
    const before = starts(d, 1).length;
    const results = await ran(d, 1, 'restart-services');
    expect(results['worker']).toMatch(/^not restarted: it runs 8\.1\.0, and the volume names nothing$/);
    expect(starts(d, 1)).toHaveLength(before);
  });
});
