// Upgrades of all units together: the plain one, and the ways in which units, leaders and machines get in its way.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, webService } from './support/deployment.ts';
import { watch } from './support/invariants.ts';

const to = (d: Deployment, version: string) => d.juju.configure(application, { version });

describe('an upgrade', () => {
  test('moves all units together: prepare, acknowledgements, complete', async () => {
    const d = await Deployment.settled({ units: 4 });
    const seen = watch(d);
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.2.0']);
    expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
    expect(d.downloads).toEqual(['8.1.0', '8.2.0']);
    expect(seen.states()).toEqual(['prepare', 'complete']);
    expect(d.facts(d.unit(0))).toMatchObject({
      'upgrade-id': '2',
      'upgrade-outcome': 'upgraded',
      'installed-version': '8.2.0',
    });
    expect(d.facts(d.unit(0))['upgrade-deadline']).toBeUndefined();
    expect(seen.stops()).toEqual({ 'concourse-ci/1': 1, 'concourse-ci/2': 1, 'concourse-ci/3': 1 });
    expect(d.leftovers()).toEqual([]);
    expect(d.cluster.timers).toEqual([]);
  });

  test('begins with a refresh to a charm that pins a newer release', async () => {
    const d = await Deployment.settled();
    d.pins.push('8.2.0');
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  });

  test('does not begin with a refresh while upgrade-hold is set, and does with the action', async () => {
    const d = await Deployment.settled({ config: { 'upgrade-hold': true } });
    d.pins.push('8.2.0');
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    const action = await d.cluster.action(d.unit(0), 'upgrade');
    expect(action).toMatchObject({ status: 'completed', results: { version: '8.2.0' } });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  });

  test('that cannot be downloaded stops no worker', async () => {
    const d = await Deployment.settled();
    const seen = watch(d);
    to(d, '8.9.9');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: /);
    expect(seen.stops()).toEqual({});
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
  });

  test('that failed is tried again by itself later, and at once when the source changes or the operator asks', async () => {
    const d = await Deployment.settled({ units: 1 });
    const bytes = d.mirrored.get('8.2.0') ?? Buffer.alloc(0);
    d.mirrored.set('8.2.0', bytes.subarray(0, 100));
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^blocked: .*next try in \d+s/);
    d.mirrored.set('8.2.0', bytes);
    const tried = d.downloads.length;
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(d.downloads).toHaveLength(tried);
    await d.cluster.action(d.unit(0), 'upgrade');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
  });

  test('whose web does not answer still lets the workers come back, and says what to read and type', async () => {
    const d = await Deployment.settled();
    d.silentWeb.add('8.2.0');
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.facts(d.unit(0))['upgrade-state']).toBe('complete');
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: juju ssh .*journalctl.*juju run concourse-ci\/leader rollback: web 8\.2\.0 does not answer/,
    );
  });

  test('to an older version is refused with the action to type, and changes nothing', async () => {
    const d = await Deployment.settled({ config: { version: '8.2.0' } });
    const seen = watch(d);
    to(d, '8.1.0');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: juju config concourse-ci version=8\.2\.0: 8\.1\.0 is older than that, and not on the volume/,
    );
    expect(seen.stops()).toEqual({});
    expect(d.installed()).toBe('8.2.0');
  });

  test('to an older version that is on the volume is refused with the action that goes there', async () => {
    const d = await Deployment.settled({ units: 2 });
    to(d, '8.2.0');
    await d.cluster.settle();
    to(d, '8.1.0');
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: juju run concourse-ci\/leader rollback version=8\.1\.0: 8\.1\.0 is older/,
    );
    expect(d.installed()).toBe('8.2.0');
    await d.cluster.action(d.unit(0), 'rollback', { version: '8.1.0' });
    await d.cluster.settle();
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    expect(d.installed()).toBe('8.1.0');
  });

  test('a version that changes while workers stop calls the upgrade off, and the next one goes through', async () => {
    const d = await Deployment.settled();
    const seen = watch(d);
    to(d, '8.2.0');
    while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
    to(d, '8.3.0');
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.3.0', '8.3.0']);
    expect(seen.states().at(-1)).toBe('complete');
    expect(d.installed()).toBe('8.3.0');
  });

  test('keeps the release before, and takes away what is older', async () => {
    const d = await Deployment.settled();
    for (const version of ['8.2.0', '8.3.0']) {
      to(d, version);
      await d.cluster.settle();
    }
    const status = await d.cluster.action(d.unit(0), 'status', { format: 'json' });
    expect(JSON.parse(String(status.results['json'])).versions['on-volume']).toBe('8.2.0, 8.3.0');
  });
});

describe('a rollback', () => {
  test('goes back for all units, and the version left is not gone back to by itself', async () => {
    const d = await Deployment.settled();
    d.pins.push('8.2.0');
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    expect(await d.cluster.action(d.unit(0), 'rollback')).toMatchObject({
      status: 'completed',
      results: { version: '8.1.0' },
    });
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
    expect(d.downloads).toEqual(['8.1.0', '8.2.0']);
    await d.cluster.action(d.unit(0), 'upgrade');
    await d.cluster.settle();
    expect(d.installed()).toBe('8.2.0');
  });

  test('that is not over yet is given up by upgrade', async () => {
    const d = await Deployment.settled();
    d.pins.push('8.2.0');
    d.juju.refresh(application, d.files);
    await d.cluster.settle();
    d.juju.agentDown(d.unit(2));
    await d.cluster.action(d.unit(0), 'rollback');
    await d.cluster.settle();
    expect(d.facts(d.unit(0))['upgrade-state']).toBe('prepare');
    expect((await d.cluster.action(d.unit(0), 'upgrade')).results).toMatchObject({
      result: 'Concourse 8.2.0 is installed already: the change to 8.1.0 is given up',
    });
    d.juju.agentUp(d.unit(2), { rebooted: false });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('to a release that is not there is refused, naming those that are', async () => {
    const d = await Deployment.settled();
    const action = await d.cluster.action(d.unit(0), 'rollback', { version: '8.0.0' });
    expect(action).toMatchObject({ status: 'failed' });
    expect(action.message).toMatch(/cannot go back from 8\.1\.0 to 8\.0\.0; no older one is on the volume/);
  });
});

describe('the four stories that were tried on a real Juju', () => {
  test('one worker’s machine is frozen: after the deadline the others go on, and it follows when it thaws', async () => {
    const d = await Deployment.settled({ units: 4, config: { 'upgrade-ready-timeout': '10s' } });
    d.juju.agentDown(d.unit(3));
    to(d, '8.2.0');
    await d.cluster.settle();
    expect(d.facts(d.unit(0))['upgrade-state']).toBe('prepare');
    expect(d.status(d.unit(0))).toMatch(/waiting until \d\d:\d\d:\d\dZ for concourse-ci\/3 to stop/);
    await d.cluster.advance(11_000);
    expect(d.facts(d.unit(0))['upgrade-state']).toBe('complete');
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.1.0']);
    d.juju.agentUp(d.unit(3), { rebooted: false });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('web’s machine loses power in prepare: workers come back after their own deadline, once, and web finishes later', async () => {
    const d = await Deployment.settled({ config: { 'upgrade-complete-timeout': '25s' } });
    const seen = watch(d);
    to(d, '8.2.0');
    while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
    await d.powerOff(d.unit(0));
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual([undefined, undefined]);
    await d.cluster.advance(26_000);
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    await d.cluster.advance(60_000);
    expect(seen.stops()).toEqual({ 'concourse-ci/1': 1, 'concourse-ci/2': 1 });
    await d.powerOn(d.unit(0));
    await d.cluster.advance(130_000);
    expect(d.installed()).toBe('8.2.0');
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('web’s machine is gone for good, removed by force: the next leader installs, and the upgrade goes on', async () => {
    const d = await Deployment.settled({ units: 4 });
    to(d, '8.2.0');
    while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
    await d.powerOff(d.unit(0));
    d.juju.removeUnit(d.unit(0), { force: true });
    await d.cluster.advance(600_000);
    const installer = d.goal()['installer'] ?? '';
    expect(installer).not.toBe(d.unit(0));
    expect(d.installed()).toBe('8.2.0');
    expect(await d.runs(installer, webService)).toBe('8.2.0');
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });

  test('the web unit that leads is removed in prepare: what it says while it dies is enough', async () => {
    const d = await Deployment.settled({ units: 4 });
    to(d, '8.2.0');
    while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
    d.juju.removeUnit(d.unit(0));
    await d.cluster.advance(600_000);
    expect(d.installed()).toBe('8.2.0');
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });
});

describe('what does not concern a worker', () => {
  test('costs no hook tool: the words of other workers, through a whole upgrade and a unit that joins', async () => {
    const d = await Deployment.settled({ units: 5 });
    d.cluster.history.length = 0;
    to(d, '8.2.0');
    await d.cluster.settle();
    d.juju.addUnit(application);
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(Array(5).fill('8.2.0'));
    const workers = d.cluster.history.filter(
      ({ unit, operation }) => unit !== d.unit(0) && operation.startsWith('peers-'),
    );
    const silent = workers.filter(({ toolCalls }) => toolCalls === 0);
    // The leader's words and web's concern every worker: prepare, complete, the goal, and the key that web lets in.
    expect(silent.length).toBeGreaterThan(workers.length / 2);
    const counted = Map.groupBy(
      d.cluster.history,
      ({ unit, toolCalls }) => `${unit === d.unit(5) ? 'new' : ''}${toolCalls === 0}`,
    );
    expect(counted.get('true')?.every(({ status }) => status === 'active' || status === 'waiting')).toBe(
      true,
    );
  });

  test('is nothing to the leader', async () => {
    const d = await Deployment.settled({ units: 3 });
    const note = join(d.machine(d.unit(1)).paths.run, 'concourse-ci/concourse-ci-1.quiet');
    expect(readFileSync(note, 'utf8')).toBe('concourse-ci/0\n');
    d.juju.setLeader(application, d.unit(1));
    await d.cluster.settle();
    // The leader may have to name another installer: whatever happens concerns it.
    expect(existsSync(note)).toBe(false);
  });
});

describe('reboots', () => {
  test('a worker that reboots while it is stopped stays stopped, and its deadline still counts', async () => {
    const d = await Deployment.settled({ units: 2, config: { 'upgrade-complete-timeout': '60s' } });
    to(d, '8.2.0');
    while (d.facts(d.unit(1))['upgrade-ready'] !== 'true') await d.cluster.step();
    await d.powerOff(d.unit(0));
    await d.powerOff(d.unit(1));
    await d.powerOn(d.unit(1));
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual([undefined]);
    await d.cluster.advance(61_000);
    expect(await d.workersRun()).toEqual(['8.1.0']);
  });
});

describe('leadership', () => {
  test('moving at any point of an upgrade changes nothing in its outcome', async () => {
    let steps = 0;
    for (let moveAt = 0; ; moveAt += 1) {
      const d = await Deployment.settled({ seed: moveAt + 1 });
      const seen = watch(d);
      to(d, '8.2.0');
      for (steps = 0; steps < moveAt; steps += 1) if ((await d.cluster.step()) === undefined) break;
      if (steps < moveAt) break;
      d.juju.setLeader(application, d.unit((moveAt % 2) + 1));
      await d.cluster.settle();
      const outcome = {
        move: moveAt,
        installer: d.goal()['installer'],
        runs: await d.workersRun(),
        states: seen.states(),
      };
      expect(outcome).toEqual({
        move: moveAt,
        installer: d.unit(0),
        runs: ['8.2.0', '8.2.0'],
        states: ['prepare', 'complete'],
      });
    }
    expect(steps).toBeGreaterThan(10);
  }, 180_000);

  test('a web that moves by action takes its place, its keys and its workers along', async () => {
    const d = await Deployment.settled();
    const key = d.facts(d.unit(0))['tsa-host-key'];
    const action = await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(2) });
    expect(action.status).toBe('completed');
    await d.cluster.settle();
    expect(d.facts(d.unit(2))).toMatchObject({ role: 'web', 'tsa-host-key': key, 'running-web': '8.1.0' });
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    expect(d.downloads).toEqual(['8.1.0']);
  });
});
