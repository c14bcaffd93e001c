// Units, applications and relations of a web and its workers elsewhere that go: nobody's key, name or address is left behind.
import { expect, test } from 'vitest';
import { bareKey } from '../../src/concourse/keys.ts';
import { sshKey } from '../support/observed.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';
import {
  deployPythonWorkers,
  environment,
  keyOf,
  letIn,
  related,
  startsOf,
  web,
  worker,
} from './support/elsewhere.ts';

test.each(['3.6', '4.0'] as const)('on Juju %s the application of workers goes', async (profile) => {
  const { d } = await related({ profile });
  d.juju.removeApplication('workers');
  await d.cluster.advance(120_000);
  expect(d.juju.model.applications.has('workers')).toBe(false);
  expect(letIn(d)).toEqual([bareKey(keyOf(d, `${application}/1`))]);
  expect([...d.listed.keys()]).toEqual(['concourse-ci-1']);
  expect(d.status(web)).toBe('active: web 8.1.0 at http://10.0.0.10:8080, 1 worker');
  expect(startsOf(d, web, webService)).toBe(1);
});

test.each(['3.6', '4.0'] as const)(
  'on Juju %s web’s application goes: workers retire, in words',
  async (profile) => {
    const { d } = await related({ profile });
    d.juju.removeApplication(application);
    await d.cluster.advance(120_000);
    expect(await d.workersRun('workers')).toEqual([undefined, undefined]);
    for (const status of d.statuses('workers'))
      expect(status).toMatch(/^blocked: juju integrate workers:flight /);
  },
);

test('web’s unit is removed by force, and Juju goes on listing it: workers register with its successor alone', async () => {
  const { d, relation } = await related({ updateStatusMs: 300_000 });
  await d.powerOff(web);
  d.juju.model.relations.get(relation)?.ghosts.add(web);
  d.juju.removeUnit(web, { force: true });
  await d.cluster.advance(400_000);
  expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe('10.0.0.11:2222');
  expect(letIn(d, `${application}/1`)).toContain(bareKey(keyOf(d, worker)));
  expect(d.statuses('workers')).toEqual(['active: worker 8.1.0', 'active: worker 8.1.0']);
});

test('web’s unit goes, and there is no other: workers stay as they are, and register when there is one', async () => {
  const { d } = await related({ units: 1 });
  d.juju.removeUnit(web);
  await d.cluster.advance(60_000);
  expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
  const starts = startsOf(d, worker, workerService);
  const next = d.juju.addUnit(application);
  await d.cluster.advance(120_000);
  expect(d.status(next)).toMatch(/^active: web 8\.1\.0 .*2 workers$/);
  expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe('10.0.0.11:2222');
  expect(startsOf(d, worker, workerService)).toBe(starts + 1);
});

test('a relation that is made for another web leads there, and nothing of the first is left', async () => {
  const { d, relation } = await related();
  d.juju.removeRelation(relation);
  await d.cluster.settle();
  d.deployWorkers('second', { units: 1, config: { mode: 'all', 'postgres-uri': d.postgres } });
  d.juju.grantSecret('postgres', 'second');
  await d.cluster.settle();
  d.juju.integrate('second:tsa', 'workers:flight');
  await d.cluster.advance(60_000);
  const address = d.juju.databag('peers', 'second/0')['tsa-address'];
  expect((await environment(d, worker))['CONCOURSE_TSA_HOST']).toBe(address);
  expect(letIn(d, 'second/0')).toContain(bareKey(keyOf(d, worker)));
  expect(letIn(d)).toEqual([bareKey(keyOf(d, `${application}/1`))]);
});

test('the work of web for one more worker does not grow with their number, and units that are no web do none', async () => {
  const d = await Deployment.settled({ units: 2 });
  const keys = Object.fromEntries([...Array(12).keys()].map((n) => [`python-worker/${n}`, sshKey(20 + n)]));
  deployPythonWorkers(d, keys);
  d.juju.integrate(`${application}:tsa`, 'python-worker:flight');
  await d.cluster.settle();
  expect(letIn(d)).toHaveLength(13);
  const events = (unit: string) =>
    d.cluster.history.filter(
      (each) => each.unit === unit && /^tsa-relation-(joined|changed)$/.test(each.operation),
    );
  const costs = events(web).map(({ toolCalls }) => toolCalls);
  expect(costs.length).toBeGreaterThan(12);
  // The first reads all that is there.
  expect(Math.max(...costs.slice(-4))).toBeLessThanOrEqual(Math.max(...costs.slice(1, 5)));
  expect(events(`${application}/1`).map(({ toolCalls }) => toolCalls)).toEqual(costs.map(() => 0));
});
