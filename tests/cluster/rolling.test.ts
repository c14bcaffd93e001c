// Workers that follow web a few at a time, with a canary before them, and none after one that does not come up.
import { expect, test } from 'vitest';
import { application, Deployment, webService, workerService } from './support/deployment.ts';
import { related, web, worker } from './support/elsewhere.ts';

const rolling = (units: number, more: Record<string, string | number> = {}) =>
  Deployment.settled({ units, config: { 'upgrade-strategy': 'rolling', ...more } });

/** What all workers ran at each start of one: - for those that did not. */
function watch(d: Deployment): string[] {
  const seen: string[] = [];
  for (const unit of d.juju.units(application)) {
    const { services } = d.machine(unit);
    const { onStart } = services;
    services.onStart = async (started) => {
      const runs = (await d.workersRun()).map((version) => version ?? '-').join(' ');
      const { name, environment } = started;
      const what = name === webService ? 'web' : unit.split('/')[1];
      seen.push(`${what} to ${environment['CHARM_RELEASE']}: ${runs}`);
      await onStart?.(started);
    };
  }
  return seen;
}

test('web switches first, nobody stops for it, and workers follow one by one', async () => {
  const d = await rolling(4);
  const seen = watch(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(seen).toEqual([
    'web to 8.2.0: 8.1.0 8.1.0 8.1.0',
    '1 to 8.2.0: - 8.1.0 8.1.0',
    '2 to 8.2.0: 8.2.0 - 8.1.0',
    '3 to 8.2.0: 8.2.0 8.2.0 -',
  ]);
  expect(d.statuses()).toEqual([
    'active: web 8.2.0 at http://10.0.0.10:8080, 3 workers',
    ...Array.from({ length: 3 }, () => 'active: worker 8.2.0'),
  ]);
  expect(d.facts(web)).not.toHaveProperty('upgrade-turn');
  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0', '8.1.0']);
  expect(seen).toHaveLength(8);
});

test('max-unavailable of them at a time', async () => {
  const d = await rolling(5, { 'max-unavailable': 2 });
  d.juju.agentDown(d.unit(1));
  d.juju.agentDown(d.unit(2));
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(JSON.parse(d.facts(web)['upgrade-turn'] ?? '')).toEqual([d.unit(1), d.unit(2)]);
  expect(d.status(web)).toBe(
    'maintenance: workers go to 8.2.0: now concourse-ci/1, concourse-ci/2; 2 to follow',
  );
  expect(d.status(d.unit(3))).toBe('active: worker 8.1.0; goes to 8.2.0 when it is its turn');
  d.juju.agentUp(d.unit(1));
  d.juju.agentUp(d.unit(2));
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.2.0', '8.2.0']);
});

test('the first that does not register keeps the others where they are, and rollback brings all back', async () => {
  const d = await rolling(3);
  d.machine(d.unit(1)).services.onStart = undefined;
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(400_000);
  expect(await d.workersRun()).toEqual(['8.2.0', '8.1.0']);
  expect(d.status(d.unit(1))).toBe('waiting: worker 8.2.0 is registering');
  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.advance(60_000);
  expect(await d.runs(web, webService)).toBe('8.1.0');
  expect((await d.workersRun())[1]).toBe('8.1.0');
});

test('a canary goes first, and the others after resume', async () => {
  const d = await rolling(4, { 'upgrade-strategy': 'canary', 'max-unavailable': 2 });
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(600_000);
  expect(await d.workersRun()).toEqual(['8.2.0', '8.1.0', '8.1.0']);
  expect(d.status(web)).toMatch(/^active: /);
  const leader = d.juju.leader(application) ?? web;
  expect(d.statuses().join('\n')).toContain(
    'juju run concourse-ci/leader resume moves 2 more workers to 8.2.0: 1 run it',
  );
  const resumed = await d.cluster.action(leader, 'resume');
  expect(resumed.results).toMatchObject({ held: 'false', result: 'the other workers go to 8.2.0' });
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.2.0']);
  expect(d.status(web)).toBe('active: web 8.2.0 at http://10.0.0.10:8080, 3 workers');
});

test('hold stops it between two workers', async () => {
  const d = await rolling(4);
  d.juju.agentDown(d.unit(1));
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  await d.cluster.action(d.unit(0), 'hold');
  d.juju.agentUp(d.unit(1));
  await d.cluster.advance(600_000);
  expect(await d.workersRun()).toEqual(['8.2.0', '8.1.0', '8.1.0']);
  await d.cluster.action(d.unit(0), 'resume');
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.2.0']);
});

test('another installer goes on in the middle, and no release goes under a worker that waits', async () => {
  const d = await Deployment.settled({
    units: 5,
    config: { 'upgrade-strategy': 'canary' },
    updateStatusMs: 300_000,
  });
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.1.0', '8.1.0', '8.1.0']);
  d.juju.removeUnit(web);
  await d.cluster.advance(900_000);
  const versions = await d.workersRun();
  expect(versions.filter((version) => version === '8.1.0').length).toBeGreaterThan(0);
  await d.cluster.action(d.juju.leader(application) ?? '', 'resume');
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0', '8.2.0']);
});

test('where Concourse gives no builds to workers of before, all go together', async () => {
  const d = await rolling(3, { version: '8.2.0' });
  const seen = watch(d);
  d.juju.configure(application, { version: '8.3.0' });
  await d.cluster.settle();
  expect(seen[0]).toBe('web to 8.3.0: - -');
  expect(await d.workersRun()).toEqual(['8.3.0', '8.3.0']);
});

test('builds end first where they shall, one worker after the other', async () => {
  const d = await rolling(3, { 'worker-drain': 'land' });
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(60_000);
  expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  for (const number of [1, 2])
    expect(d.machine(d.unit(number)).services.signals.map(({ signal }) => signal)).toContain('SIGUSR1');
});

test('workers elsewhere go in turn by the strategy of their own application, whatever web’s is', async () => {
  const { d } = await related({}, { 'upgrade-strategy': 'rolling' });
  const starts: string[] = [];
  for (const unit of [web, ...d.juju.units('workers')]) {
    const { services } = d.machine(unit);
    const { onStart } = services;
    services.onStart = async (started) => {
      if (started.name !== workerService || unit !== web)
        starts.push(`${unit}: ${(await d.workersRun('workers')).map((version) => version ?? '-').join(' ')}`);
      await onStart?.(started);
    };
  }
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(starts).toEqual([`${web}: 8.1.0 8.1.0`, 'workers/1: 8.1.0 -', 'workers/0: - 8.2.0']);
  expect(d.status(worker)).toBe('active: worker 8.2.0');
  d.juju.configure(application, { 'upgrade-strategy': 'rolling' });
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.1.0' });
  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.settle();
  expect(await d.workersRun('workers')).toEqual(['8.1.0', '8.1.0']);
});

test('a hold that ends does not stand for the canary', async () => {
  const d = await Deployment.settled({ units: 4, config: { 'upgrade-strategy': 'canary' } });
  await d.cluster.action(d.unit(0), 'hold');
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  await d.cluster.action(d.unit(0), 'resume');
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.1.0', '8.1.0']);
});

test('a worker that is out of service is no canary', async () => {
  const d = await Deployment.settled({ units: 4, config: { 'upgrade-strategy': 'canary' } });
  await d.cluster.action(d.unit(3), 'retire-worker');
  await d.cluster.settle();
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(60_000);
  expect((await d.workersRun())[0]).toBe('8.2.0');
});
