// An upgrade of web that its workers in other applications go along with: their release lies ready before web begins, they stop on
// web's word, and start with it again.
import { expect, test } from 'vitest';
import { respond } from '../support/fake-http.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';
import { related, web, worker } from './support/elsewhere.ts';

/** What ran elsewhere at each start of web on a release. */
function watchWeb(d: Deployment): { to: string | undefined; elsewhere: (string | undefined)[] }[] {
  const seen: { to: string | undefined; elsewhere: (string | undefined)[] }[] = [];
  const { services } = d.machine(web);
  const { onStart } = services;
  services.onStart = async (started) => {
    if (started.name === webService)
      seen.push({ to: started.environment['CHARM_RELEASE'], elsewhere: await d.workersRun('workers') });
    await onStart?.(started);
  };
  return seen;
}

const both = (version: string | undefined) => [version, version];
const up = (version: string) => both(`active: worker ${version}`);

test('workers elsewhere have the release ready first, stop before web switches, and come back on what web runs', async () => {
  const { d, relation } = await related();
  const starts = watchWeb(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(starts).toEqual([{ to: '8.2.0', elsewhere: both(undefined) }]);
  expect(d.downloads).toEqual(['8.1.0', '8.1.0', '8.2.0', '8.2.0']);
  expect(d.statuses('workers')).toEqual(up('8.2.0'));
  expect(await d.workersRun('workers')).toEqual(both('8.2.0'));
  expect(d.juju.databag(relation, web)).toMatchObject({
    'upgrade-state': 'complete',
    'upgrade-id': '2',
    webs: '[0]',
  });
  expect(d.juju.databag(relation, worker)).toMatchObject({ 'upgrade-id': '2', 'upgrade-ready': 'false' });
  // One stop, one start: what the workers' application has for a goal begins no upgrade of its own.
  for (const unit of d.juju.units('workers'))
    expect(d.machine(unit).services.starts.filter(({ name }) => name === workerService)).toHaveLength(2);

  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.settle();
  expect(starts.at(-1)).toEqual({ to: '8.1.0', elsewhere: both(undefined) });
  expect(await d.workersRun('workers')).toEqual(both('8.1.0'));
  expect(d.statuses('workers')).toEqual(up('8.1.0'));
});

test('a unit that joins the workers in the middle of an upgrade is no hostage, and ends on what web runs', async () => {
  const { d } = await related();
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(web)['upgrade-state'] !== 'prepare') await d.cluster.step();
  const added = d.juju.addUnit('workers');
  await d.cluster.settle();
  expect(d.status(added)).toBe('active: worker 8.2.0');
});

test('where the release cannot be had, workers go on with theirs, web with its upgrade, and they follow once it can', async () => {
  const { d } = await related();
  let lacking = true;
  for (const unit of d.juju.units('workers')) {
    const { http } = d.machine(unit);
    const { onOpen } = http;
    http.onOpen = async (url, options) =>
      lacking && url.includes('8.2.0') ? respond(url, 'not found', { status: 404 }) : onOpen(url, options);
  }
  const starts = watchWeb(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(60_000);
  expect(starts).toEqual([{ to: '8.2.0', elsewhere: both('8.1.0') }]);
  expect(d.statuses('workers')[0]).toMatch(/^waiting: worker 8\.1\.0 goes on with web 8\.2\.0: .*no digest/);
  expect(await d.workersRun('workers')).toEqual(both('8.1.0'));
  lacking = false;
  await d.cluster.advance(3_700_000);
  expect(await d.workersRun('workers')).toEqual(both('8.2.0'));
  expect(d.statuses('workers')).toEqual(up('8.2.0'));
});

test('a frozen worker elsewhere is waited for until the deadline, and follows when it thaws', async () => {
  const { d } = await related();
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(web)['upgrade-state'] !== 'prepare') await d.cluster.step();
  d.juju.agentDown('workers/1');
  await d.cluster.advance(60_000);
  expect(d.status(web)).toMatch(/^maintenance: upgrade to 8\.2\.0: waiting until .* for workers\/1 to stop/);
  expect(await d.runs(web, webService)).toBe('8.1.0');
  await d.cluster.advance(70_000);
  expect(await d.runs(web, webService)).toBe('8.2.0');
  expect(await d.workersRun('workers')).toEqual(['8.2.0', '8.1.0']);
  d.juju.agentUp('workers/1');
  await d.cluster.advance(30_000);
  expect(await d.workersRun('workers')).toEqual(both('8.2.0'));
});

test('web is gone in the middle: workers elsewhere come back at their own deadline, and once more with web', async () => {
  const { d } = await related();
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(web)['upgrade-state'] !== 'prepare') await d.cluster.step();
  d.juju.agentDown(`${application}/1`);
  await d.cluster.advance(20_000);
  expect(await d.workersRun('workers')).toEqual(both(undefined));
  await d.powerOff(web);
  await d.cluster.advance(300_000);
  expect(await d.workersRun('workers')).toEqual(both('8.1.0'));
  await d.powerOn(web);
  d.juju.agentUp(`${application}/1`);
  await d.cluster.advance(200_000);
  expect(await d.runs(web, webService)).toBe('8.2.0');
  expect(await d.workersRun('workers')).toEqual(both('8.2.0'));
});

test('an upgrade that is called off brings workers elsewhere back as they were', async () => {
  const { d } = await related();
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(web)['upgrade-state'] !== 'prepare') await d.cluster.step();
  d.juju.agentDown(`${application}/1`);
  await d.cluster.advance(20_000);
  expect(await d.workersRun('workers')).toEqual(both(undefined));
  d.juju.configure(application, { version: '8.1.0' });
  await d.cluster.advance(20_000);
  expect(await d.workersRun('workers')).toEqual(both('8.1.0'));
  expect(d.statuses('workers')).toEqual(up('8.1.0'));
});

test('an application of workers that is held is not waited for, goes on, and follows when it is resumed', async () => {
  const { d } = await related();
  expect((await d.cluster.action(worker, 'hold')).status).toBe('completed');
  await d.cluster.settle();
  const starts = watchWeb(d);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(starts).toEqual([{ to: '8.2.0', elsewhere: both('8.1.0') }]);
  expect(await d.workersRun('workers')).toEqual(both('8.1.0'));
  expect(d.status(worker)).toBe(
    'active: juju run workers/leader resume starts the upgrade to 8.2.0: upgrades are held',
  );
  await d.cluster.action(worker, 'resume');
  await d.cluster.settle();
  expect(await d.workersRun('workers')).toEqual(both('8.2.0'));
});

test('a unit with an empty volume of its own that joins while web is gone in the middle gets what web runs', async () => {
  const { d } = await related();
  d.ownVolume.add('workers/2');
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(web)['upgrade-state'] !== 'prepare') await d.cluster.step();
  await d.powerOff(web);
  const added = d.juju.addUnit('workers');
  await d.cluster.advance(400_000);
  expect(d.status(added)).toMatch(/^waiting: for /);
  await d.powerOn(web);
  await d.cluster.advance(200_000);
  expect(d.status(added)).toBe('active: worker 8.2.0, on a volume of its own');
});

test('workers on web’s volume that follow in turn are not waited for', async () => {
  const d = new Deployment({ units: 1 });
  d.guests.add('workers');
  d.deployWorkers('workers', { units: 2, config: { 'upgrade-strategy': 'rolling' } });
  d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(20_000);
  expect(await d.runs(web, webService)).toBe('8.2.0');
});

test('a roll that was not over does not keep workers from stopping where all must', async () => {
  const d = new Deployment({ units: 1 });
  d.deployWorkers('workers', { units: 3, config: { 'upgrade-strategy': 'canary' } });
  d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(40_000);
  d.juju.configure(application, { version: '8.3.0' });
  await d.cluster.advance(40_000);
  expect(await d.runs(web, webService)).toBe('8.3.0');
});

test('what a worker answered to one web is no answer to the next, whose upgrades have the same numbers', async () => {
  const d = new Deployment({ units: 1 });
  d.deployWorkers('workers', { units: 1 });
  const relation = d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  d.juju.removeRelation(relation);
  await d.cluster.settle();
  d.deployWorkers('other', {
    units: 1,
    config: { mode: 'web', version: '8.2.0', 'postgres-uri': d.postgres },
  });
  d.juju.grantSecret('postgres', 'other');
  d.juju.integrate('other:tsa', 'workers:flight');
  await d.cluster.advance(60_000);
  d.juju.configure('other', { version: '8.3.0' });
  await d.cluster.advance(30_000);
  expect(await d.workersRun('workers')).toEqual(['8.3.0']);
  expect(d.facts('workers/0')['upgrade-id']).toBe(d.facts('other/0')['upgrade-id']);
});

test('whichever unit installs for the workers, their volume follows web', async () => {
  const { d } = await related();
  expect(
    (await d.cluster.action(d.juju.leader('workers') ?? '', 'move-web', { unit: 'workers/1' })).status,
  ).toBe('completed');
  await d.cluster.settle();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(d.statuses('workers')).toEqual(up('8.2.0'));
});
