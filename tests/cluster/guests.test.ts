// Web and workers of separate applications on one volume: it is found out by its id, and only web's application installs there.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { application, Deployment, webService } from './support/deployment.ts';
import { web, worker } from './support/elsewhere.ts';

async function sharing(units = 2) {
  const d = new Deployment({ units: 1 });
  d.guests.add('workers');
  d.deployWorkers('workers', { units });
  const relation = d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  return { d, relation };
}

/** Two webs, each with a volume of its own; the one whose volume the workers share is removed. */
async function webHasLeft(): Promise<Deployment> {
  const d = new Deployment({ units: 0, config: { mode: 'web' } });
  d.ownVolume.add(`${application}/1`);
  for (const _ of [0, 1]) d.juju.addUnit(application);
  d.guests.add('workers');
  d.deployWorkers('workers');
  d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  d.juju.removeUnit(web);
  await d.cluster.settle();
  return d;
}

test('one download, one release, workers of both from it', async () => {
  const { d, relation } = await sharing();
  expect(d.downloads).toEqual(['8.1.0']);
  expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
  const id = d.facts(web)['volume-id'];
  expect(d.facts(worker)['volume-id']).toBe(id);
  expect(d.juju.databag(relation, web)['volume-id']).toBe(id);
  expect(readdirSync(join(d.volume, 'worker')).sort()).toEqual(['workers-0', 'workers-1']);
});

test('an upgrade: one download, all are stopped while web switches, and what they ran stays until they have left it', async () => {
  const { d } = await sharing();
  const seen: unknown[] = [];
  const { services } = d.machine(web);
  const { onStart } = services;
  services.onStart = async (started) => {
    if (started.name === webService) seen.push(await d.workersRun('workers'));
    await onStart?.(started);
  };
  for (const version of ['8.2.0', '8.3.0']) {
    d.juju.configure(application, { version });
    await d.cluster.settle();
  }
  expect(d.downloads).toEqual(['8.1.0', '8.2.0', '8.3.0']);
  expect(seen).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  expect(d.statuses('workers')).toEqual(['active: worker 8.3.0', 'active: worker 8.3.0']);
  expect(readdirSync(join(d.volume, 'releases')).sort()).toEqual(['8.2.0', '8.3.0']);
});

test('no release goes under a worker of the other application that has not been heard', async () => {
  const { d } = await sharing();
  d.juju.agentDown('workers/1');
  for (const version of ['8.2.0', '8.3.0']) {
    d.juju.configure(application, { version });
    await d.cluster.advance(200_000);
  }
  expect(await d.workersRun('workers')).toEqual(['8.3.0', '8.1.0']);
  expect(existsSync(join(d.volume, 'releases/8.1.0'))).toBe(true);
  d.juju.agentUp('workers/1');
  await d.cluster.advance(60_000);
  expect(await d.workersRun('workers')).toEqual(['8.3.0', '8.3.0']);
});

test('what installs is asked of web’s application, and pruning leaves the other one’s folders', async () => {
  const { d } = await sharing();
  for (const action of ['prune', 'prefetch'])
    expect(await d.cluster.action(worker, action)).toMatchObject({
      status: 'failed',
      message: `the volume is web's: juju run ${application}/leader ${action}`,
    });
  expect((await d.cluster.action(web, 'prune')).results).toMatchObject({ 'worker-folders': 'none' });
  expect(existsSync(join(d.volume, 'worker/workers-0'))).toBe(true);
});

test('an operator who accepts the volume on a worker makes no installer of it', async () => {
  const { d } = await sharing();
  expect((await d.cluster.action(worker, 'accept-volume')).status).toBe('completed');
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(d.downloads).toEqual(['8.1.0', '8.2.0']);
  expect(d.statuses('workers')).toEqual(['active: worker 8.2.0', 'active: worker 8.2.0']);
});

test('web goes to another volume: workers say so, and their own one installs there once the operator says whose it is', async () => {
  const d = await webHasLeft();
  expect(d.statuses('workers').sort()[1]).toBe(
    "blocked: juju run workers/leader accept-volume, or mount web's: concourse-ci installs on another volume now",
  );
  expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  await d.cluster.action(d.juju.leader('workers') ?? '', 'accept-volume');
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(60_000);
  expect(d.statuses('workers')).toEqual(['active: worker 8.2.0', 'active: worker 8.2.0']);
});

test('the relation ends: the workers retire, and write nothing on the volume', async () => {
  const { d, relation } = await sharing();
  d.juju.removeRelation(relation);
  await d.cluster.settle();
  expect(await d.workersRun('workers')).toEqual([undefined, undefined]);
  expect(d.statuses('workers')[0]).toMatch(/^blocked: juju integrate workers:flight WEB:tsa/);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  expect(d.statuses('workers')).toEqual(['active: worker 8.2.0', 'active: worker 8.2.0']);
  expect(d.downloads).toEqual(['8.1.0', '8.2.0']);
});

test('workers on a volume that web has left do not delay its upgrades', async () => {
  const d = await webHasLeft();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(200_000);
  expect(await d.runs(d.unit(1), webService)).toBe('8.2.0');
});
