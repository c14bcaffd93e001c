// Web and workers in separate applications: keys are let in before a worker starts and revoked when it goes, workers follow web's
// address, host key and version.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bareKey, fingerprint } from '../../src/concourse/keys.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';
import { environment, keyOf, letIn, related, startsOf, web, worker } from './support/elsewhere.ts';

describe('two applications of this charm', () => {
  test('the workers of the second register with the web of the first, from a release of their own volume', async () => {
    const { d, relation } = await related();
    expect(d.statuses()).toEqual([
      'active: web 8.1.0 at http://10.0.0.10:8080, 3 workers',
      'active: worker 8.1.0',
    ]);
    expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
    expect(d.downloads).toEqual(['8.1.0', '8.1.0']);
    expect(d.juju.databag(relation, web)).toMatchObject({
      'tsa-host': '10.0.0.10:2222',
      'tsa-public-key': d.facts(web)['tsa-host-key'],
      'concourse-version': '8.1.0',
      'authorized-workers': JSON.stringify(
        ['workers/0', 'workers/1'].map((unit) => fingerprint(keyOf(d, unit))),
      ),
    });
    expect(d.juju.databag(relation, worker)).toMatchObject({ 'worker-public-key': keyOf(d, worker) });
    expect(await environment(d, worker)).toMatchObject({
      CONCOURSE_TSA_HOST: '10.0.0.10:2222',
      CONCOURSE_NAME: `workers-0-m${d.juju.model.uuid.slice(0, 8)}`,
    });
    // Peers are told of peers alone, and a unit that is no web says nothing of one.
    expect(JSON.parse(d.facts(web)['authorized-workers'] ?? '')).toEqual([
      fingerprint(keyOf(d, `${application}/1`)),
    ]);
    expect(d.juju.databag(relation, `${application}/1`)).not.toHaveProperty('tsa-host');
    expect(d.goal()).toHaveProperty('web-secret');
    expect(d.juju.databag('peers', 'workers')).not.toHaveProperty('web-secret');
  });

  test('a worker starts only once its key is let in, and web is never restarted for one', async () => {
    const d = new Deployment({ units: 1 });
    d.deployWorkers('workers', { units: 3 });
    const early: string[] = [];
    for (const unit of d.juju.units('workers')) {
      const { services } = d.machine(unit);
      const { onStart } = services;
      services.onStart = async (started) => {
        if (started.name === workerService && !letIn(d).includes(bareKey(keyOf(d, unit)))) early.push(unit);
        await onStart?.(started);
      };
    }
    await d.cluster.settle();
    d.juju.integrate(`${application}:tsa`, 'workers:flight');
    await d.cluster.settle();
    expect(d.statuses('workers')).toEqual([
      'active: worker 8.1.0',
      'active: worker 8.1.0',
      'active: worker 8.1.0',
    ]);
    expect(early).toEqual([]);
    expect(startsOf(d, web, webService)).toBe(1);
    expect(d.machine(web).services.signals.some(({ signal }) => signal === 'SIGHUP')).toBe(true);
  });

  test('units come and go while it runs: a key comes with one, and goes with it', async () => {
    const { d } = await related();
    const added = d.juju.addUnit('workers');
    await d.cluster.settle();
    expect(d.status(added)).toBe('active: worker 8.1.0');
    expect(letIn(d)).toContain(bareKey(keyOf(d, added)));
    const key = bareKey(keyOf(d, worker));
    d.juju.removeUnit(worker);
    await d.cluster.settle();
    expect(letIn(d)).not.toContain(key);
    expect(letIn(d)).toHaveLength(3);
    expect([...d.listed.keys()].filter((name) => name.startsWith('workers-0'))).toEqual([]);
    expect(startsOf(d, web, webService)).toBe(1);
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  });

  test('one that is removed by force is let in no more and forgotten, also where Juju still lists it', async () => {
    const { d, relation } = await related({ updateStatusMs: 300_000 });
    const key = bareKey(keyOf(d, worker));
    const name = (await environment(d, worker))['CONCOURSE_NAME'] ?? '';
    await d.powerOff(worker);
    d.listed.set(name, 'stalled');
    d.juju.model.relations.get(relation)?.ghosts.add(worker);
    d.juju.removeUnit(worker, { force: true });
    await d.cluster.advance(400_000);
    expect(letIn(d)).not.toContain(key);
    expect([...d.listed.keys()].filter((each) => each.startsWith('workers-0'))).toEqual([]);
  });

  test('workers follow web’s version, never ahead of it, and go back with it', async () => {
    const { d } = await related();
    const ahead: string[] = [];
    for (const unit of d.juju.units('workers')) {
      const { services } = d.machine(unit);
      const { onStart } = services;
      services.onStart = async (started) => {
        const runs = await d.runs(web, webService);
        if (started.name === workerService && started.environment['CHARM_RELEASE'] !== runs) ahead.push(unit);
        await onStart?.(started);
      };
    }
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.workersRun('workers')).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses('workers')).toEqual(['active: worker 8.2.0', 'active: worker 8.2.0']);
    expect(d.juju.databag('peers', 'workers')).toMatchObject({ version: '8.2.0', 'upgrade-id': '2' });
    await d.cluster.action(d.unit(0), 'rollback');
    await d.cluster.settle();
    expect(await d.runs(web, webService)).toBe('8.1.0');
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
    expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
    expect(ahead).toEqual([]);
    const refused = await d.cluster.action(worker, 'rollback');
    expect(refused.status).toBe('failed');
    expect(refused.message).toBe('concourse-ci decides the version: go back there, and these workers follow');
  });

  test('a version that web does not answer with is none that workers follow', async () => {
    const { d } = await related();
    d.silentWeb.add('8.2.0');
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.advance(200_000);
    expect(await d.runs(web, webService)).toBe('8.2.0');
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  });

  test('the workers’ own option version and the charm’s pin move nothing, and the option is refused in words', async () => {
    const { d } = await related();
    d.juju.configure('workers', { version: '8.2.0' });
    await d.cluster.settle();
    expect(d.statuses('workers')).toEqual(
      [0, 1].map(
        () =>
          'blocked: juju config workers --reset version: it says 8.2.0, but concourse-ci decides, and runs 8.1.0',
      ),
    );
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
    d.juju.configure('workers', { version: '8.1.0' });
    d.pins.push('8.2.0');
    d.juju.refresh('workers', d.files);
    await d.cluster.settle();
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
    expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
  });

  test('web moves to another unit: workers register there, and the unit that was web says nothing more', async () => {
    const { d, relation } = await related();
    await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
    await d.cluster.settle();
    expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe('10.0.0.11:2222');
    expect(d.juju.databag(relation, web)).not.toHaveProperty('tsa-host');
    expect(letIn(d, d.unit(1))).toContain(bareKey(keyOf(d, worker)));
    expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
  });

  test('the relation ends: workers retire and say what to type; made again, they are back', async () => {
    const { d, relation } = await related();
    d.juju.removeRelation(relation);
    await d.cluster.settle();
    expect(d.statuses('workers')).toEqual(
      [0, 1].map(
        () => 'blocked: juju integrate workers:flight WEB:tsa: mode=worker, and these workers have no web',
      ),
    );
    expect(await d.workersRun('workers')).toEqual([undefined, undefined]);
    expect(letIn(d)).toHaveLength(1);
    expect([...d.listed.keys()]).toEqual(['concourse-ci-1']);
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    d.juju.integrate(`${application}:tsa`, 'workers:flight');
    await d.cluster.settle();
    expect(d.statuses('workers')).toEqual(['active: worker 8.2.0', 'active: worker 8.2.0']);
    expect(d.downloads).toEqual(['8.1.0', '8.1.0', '8.2.0', '8.2.0']);
  });

  test('two applications of workers, one of which goes: the other’s keys stay', async () => {
    const { d, relation } = await related();
    d.deployWorkers('gpu', { units: 1 });
    d.juju.integrate(`${application}:tsa`, 'gpu:flight');
    await d.cluster.settle();
    expect(d.status(web)).toBe('active: web 8.1.0 at http://10.0.0.10:8080, 4 workers');
    d.juju.removeRelation(relation);
    await d.cluster.settle();
    expect(letIn(d).sort()).toEqual(
      [`${application}/1`, 'gpu/0'].map((unit) => bareKey(keyOf(d, unit))).sort(),
    );
    expect(d.status('gpu/0')).toBe('active: worker 8.1.0');
  });

  test('web says nothing before it answers, and workers wait for it, in words', async () => {
    const d = new Deployment({ units: 1, config: { 'postgres-uri': '' } });
    d.deployWorkers('workers', { units: 1 });
    const relation = d.juju.integrate(`${application}:tsa`, 'workers:flight');
    await d.cluster.settle();
    expect(d.juju.databag(relation, web)).not.toHaveProperty('tsa-host');
    expect(d.status(worker)).toBe(
      'waiting: for concourse-ci to say where workers register, and which version it runs',
    );
    expect(d.downloads).toEqual(['8.1.0']);
  });

  test('while web is away its word stands, and so do the workers', async () => {
    const { d, relation } = await related();
    await d.powerOff(web);
    d.juju.configure('workers', { 'log-level': 'debug' });
    await d.cluster.advance(60_000);
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
    await d.powerOn(web);
    await d.cluster.advance(60_000);
    expect(d.juju.databag(relation, web)).toMatchObject({ 'concourse-version': '8.1.0' });
    expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
  });

  test('a relation on the wrong side is named, and what runs goes on', async () => {
    const { d } = await related();
    d.cluster.deploy('other', { files: d.files, units: 0 });
    d.juju.configure('workers', { mode: 'worker' });
    d.juju.configure(application, { mode: 'auto' });
    d.juju.integrate('other:tsa', `${application}:flight`);
    await d.cluster.settle();
    expect(d.status(web)).toMatch(/^blocked: juju config concourse-ci mode=worker, or juju remove-relation /);
    expect(await d.runs(web, webService)).toBe('8.1.0');
    d.deployWorkers('gpu', { units: 0 });
    d.juju.integrate('workers:tsa', 'gpu:flight');
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(/^blocked: juju remove-relation workers:tsa …: mode=worker/);
    expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  });
});

test('an application with neither relation asks for them once in each unit’s life', async () => {
  const d = new Deployment({ units: 3, updateStatusMs: 300_000 });
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(900_000);
  const asked = d.ran.filter((line) => /^relation-ids .*\b(tsa|flight)$/.test(line));
  expect(asked).toHaveLength(2 * 3);
  for (const unit of d.juju.units(application))
    for (const endpoint of ['tsa', 'flight'])
      expect(
        existsSync(
          join(d.machine(unit).paths.run, 'concourse-ci', `${unit.replace('/', '-')}.${endpoint}.json`),
        ),
      ).toBe(false);
});
