// Several units that are web: some web answers all the time where the database stays as it is, and none of the old release does while
// it is migrated.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IngressProvider } from '../support/providers/ingress.ts';
import { application, Deployment, type DeploymentOptions, webService } from './support/deployment.ts';
import { environment, startsOf, worker } from './support/elsewhere.ts';

/** `units` webs here, and two workers in an application of their own. */
async function several(units = 3, options: DeploymentOptions = {}, own: readonly number[] = []) {
  const d = new Deployment({ units: 0, ...options, config: { mode: 'web', ...options.config } });
  for (const number of own) d.ownVolume.add(d.unit(number));
  for (let count = 0; count < units; count += 1) d.juju.addUnit(application);
  d.deployWorkers('workers');
  const relation = d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  return { d, relation };
}

const runs = (d: Deployment) =>
  Promise.all(d.juju.units(application).map((unit) => d.runs(unit, webService)));
const all = (count: number, version: string) => Array.from({ length: count }, () => version);

/** What all webs ran at each start of one: - for that one. */
function watch(d: Deployment): string[] {
  const seen: string[] = [];
  for (const unit of d.juju.units(application)) {
    const { services } = d.machine(unit);
    const { onStart } = services;
    services.onStart = async (started) => {
      if (started.name === webService)
        seen.push(
          `${unit.split('/')[1]} to ${started.environment['CHARM_RELEASE']}: ${(await runs(d)).map((version) => version ?? '-').join(' ')}`,
        );
      await onStart?.(started);
    };
  }
  return seen;
}

const schemasAlike = (d: Deployment) => {
  for (const version of ['8.1.0', '8.2.0', '8.3.0']) d.schemas.set(version, '1');
};

test('all units are web, with the same keys, and workers know each of them', async () => {
  const { d, relation } = await several();
  expect(d.statuses()).toEqual(
    [10, 11, 12].map((host) => `active: web 8.1.0 at http://10.0.0.${host}:8080, 2 workers`),
  );
  expect(d.downloads).toEqual(['8.1.0', '8.1.0']);
  const key = (unit: string, file: string) => readFileSync(join(d.machine(unit).paths.etc, file), 'utf8');
  for (const file of ['tsa_host_key', 'session_signing_key', 'authorized_worker_keys'])
    expect(new Set(d.juju.units(application).map((unit) => key(unit, file))).size).toBe(1);
  expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe(
    '10.0.0.10:2222,10.0.0.11:2222,10.0.0.12:2222',
  );
  expect(d.juju.databag(relation, d.unit(0))).toMatchObject({ webs: '[0,1,2]' });
  expect(d.juju.databag(relation, d.unit(1))).not.toHaveProperty('webs');
});

test('an upgrade that migrates nothing: one web after the other, and workers follow the first', async () => {
  const { d } = await several();
  schemasAlike(d);
  const seen = watch(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(seen).toEqual([
    '0 to 8.2.0: - 8.1.0 8.1.0',
    '1 to 8.2.0: 8.2.0 - 8.1.0',
    '2 to 8.2.0: 8.2.0 8.2.0 -',
  ]);
  expect(await d.workersRun('workers')).toEqual(['8.2.0', '8.2.0']);
  expect(d.statuses().every((status) => status.startsWith('active: web 8.2.0'))).toBe(true);
  expect(d.downloads).toEqual(['8.1.0', '8.1.0', '8.2.0', '8.2.0']);
});

test('a web that does not come up with the new release keeps the others on the old one', async () => {
  const { d } = await several();
  schemasAlike(d);
  d.silentWeb.add('8.2.0');
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(120_000);
  expect(await runs(d)).toEqual(['8.2.0', '8.1.0', '8.1.0']);
  expect(d.status(d.unit(1))).toBe(
    'waiting: for web on concourse-ci/0 to answer with 8.2.0: then this one follows',
  );
  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.advance(60_000);
  expect(await runs(d)).toEqual(all(3, '8.1.0'));
  expect(d.statuses().every((status) => status.startsWith('active: web 8.1.0'))).toBe(true);
});

test('an upgrade that migrates: all other webs stop, one migrates and answers, then the rest', async () => {
  const { d } = await several();
  const seen = watch(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(seen[0]).toBe('0 to 8.2.0: - - -');
  expect(seen).toHaveLength(3);
  expect(await runs(d)).toEqual(all(3, '8.2.0'));
  expect(d.statuses().every((status) => status.startsWith('active: web 8.2.0'))).toBe(true);
  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.settle();
  expect(seen[3]).toBe('0 to 8.1.0: - - -');
  expect(await runs(d)).toEqual(all(3, '8.1.0'));
  for (const unit of d.juju.units(application)) expect(startsOf(d, unit, webService)).toBe(3);
});

test('a web that does not stop keeps the database from being migrated, and the action tries again', async () => {
  const { d } = await several();
  d.juju.agentDown(d.unit(2));
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(130_000);
  expect(await runs(d)).toEqual(all(3, '8.1.0'));
  expect(d.status(d.unit(0))).toBe(
    'blocked: juju run concourse-ci/leader upgrade tries again: upgrade to 8.2.0 failed: web on concourse-ci/2 did not stop',
  );
  expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  d.juju.agentUp(d.unit(2));
  await d.cluster.action(d.unit(0), 'upgrade');
  await d.cluster.advance(60_000);
  expect(await runs(d)).toEqual(all(3, '8.2.0'));
});

test('the installer is gone in the middle of a migration: another takes over, and all webs end on the new release', async () => {
  const { d, relation } = await several(3, { updateStatusMs: 300_000 });
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(d.unit(1))['upgrade-ready'] !== 'true') await d.cluster.step();
  await d.powerOff(d.unit(0));
  d.juju.removeUnit(d.unit(0), { force: true });
  await d.cluster.advance(900_000);
  expect(await runs(d)).toEqual(all(2, '8.2.0'));
  expect(await d.workersRun('workers')).toEqual(['8.2.0', '8.2.0']);
  expect(d.juju.databag(relation, d.goal()['installer'] ?? '')).toMatchObject({ webs: '[1,2]' });
  expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe('10.0.0.11:2222,10.0.0.12:2222');
});

test('web on volumes of their own: each fetches the release first, then they go one by one', async () => {
  const { d } = await several(3, {}, [1, 2]);
  schemasAlike(d);
  expect(d.downloads).toHaveLength(4);
  const seen = watch(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(seen).toEqual([
    '0 to 8.2.0: - 8.1.0 8.1.0',
    '1 to 8.2.0: 8.2.0 - 8.1.0',
    '2 to 8.2.0: 8.2.0 8.2.0 -',
  ]);
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(2) });
  await d.cluster.settle();
  expect(d.goal()).toMatchObject({ installer: d.unit(2) });
  // Workers of 8.3.0 are of another kind: webs of both releases at once would each have none for some builds.
  d.juju.configure(application, { version: '8.3.0' });
  await d.cluster.settle();
  expect(await runs(d)).toEqual(all(3, '8.3.0'));
  expect(seen[3]).toBe('2 to 8.3.0: - - -');
});

test('units come and go: a new one is web as well, and one that goes is none', async () => {
  const { d, relation } = await several(2);
  const added = d.juju.addUnit(application);
  await d.cluster.settle();
  expect(d.status(added)).toBe('active: web 8.1.0 at http://10.0.0.12:8080, 2 workers');
  d.juju.removeUnit(d.unit(0));
  await d.cluster.settle();
  expect(await runs(d)).toEqual(all(2, '8.1.0'));
  expect(d.juju.databag(relation, d.goal()['installer'] ?? '')).toMatchObject({ webs: '[1,2]' });
  expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(await runs(d)).toEqual(all(2, '8.2.0'));
});

test('an ingress has each web, and one that has just come the installer’s address until it answers', async () => {
  const { d } = await several(2);
  const ingress = new IngressProvider(d.stage);
  ingress.integrate();
  await d.cluster.settle();
  expect(ingress.backends()).toEqual(['http://10.0.0.10:8080', 'http://10.0.0.11:8080']);
  const seen = new Set<string>();
  d.juju.addUnit(application);
  while (await d.cluster.step()) seen.add((ingress.backends() ?? ['none']).join(' '));
  expect([...seen].at(-1)).toBe('http://10.0.0.10:8080 http://10.0.0.11:8080 http://10.0.0.12:8080');
  // Between its joining and the end of its first hook there.
  expect([...seen].filter((backends) => backends === 'none').length).toBeLessThanOrEqual(1);
});

test('one that joins while the only web is about to migrate waits with all the others', async () => {
  const { d } = await several(1);
  const seen = watch(d);
  d.juju.agentDown('workers/1');
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(60_000);
  d.juju.addUnit(application);
  await d.cluster.advance(200_000);
  expect(seen[0]).toBe('0 to 8.2.0: - -');
  expect(await runs(d)).toEqual(all(2, '8.2.0'));
});

test('one that is being removed, and whose agent is away, keeps the database from being migrated', async () => {
  const { d } = await several();
  d.juju.agentDown(d.unit(2));
  d.juju.removeUnit(d.unit(2));
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(130_000);
  expect(await runs(d)).toEqual(all(3, '8.1.0'));
  d.juju.agentUp(d.unit(2));
  await d.cluster.advance(30_000);
  await d.cluster.action(d.juju.leader(application) ?? '', 'upgrade');
  await d.cluster.advance(60_000);
  expect(await runs(d)).toEqual(all(2, '8.2.0'));
});
