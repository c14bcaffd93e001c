// What becomes of a worker that stops: it keeps its builds or lands for an upgrade, and retires when it goes for good, so that
// web never keeps one that is gone.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, workerService } from './support/deployment.ts';

const signals = (d: Deployment, unit: string) =>
  d
    .machine(unit)
    .services.signals.filter(({ name }) => name === workerService)
    .map(({ signal }) => signal);
const upgrade = async (d: Deployment) => {
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.advance(180_000);
};

describe('an upgrade', () => {
  test('signals no worker whose builds are kept', async () => {
    const d = await Deployment.settled();
    await upgrade(d);
    expect(signals(d, d.unit(1))).toEqual([]);
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  });

  test('lands workers where that is wanted, each once', async () => {
    const d = await Deployment.settled({ config: { 'worker-drain': 'land' } });
    await upgrade(d);
    expect([1, 2].map((number) => signals(d, d.unit(number)))).toEqual([['SIGUSR1'], ['SIGUSR1']]);
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    expect(d.cluster.timers).toEqual([]);
  });

  test('waits for builds that do not end no longer than the worker lands, and less than for an acknowledgement', async () => {
    const d = await Deployment.settled({ config: { 'worker-drain': 'land', 'worker-drain-timeout': '1h' } });
    d.busy.add(d.unit(1));
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.advance(100_000);
    expect(d.status(d.unit(1))).toMatch(/^waiting: for builds to end before the upgrade to 8\.2\.0/);
    expect(d.facts(d.unit(0))['upgrade-state']).toBe('prepare');
    // The installer waits for 120 s: it did not have to switch without this one.
    await d.cluster.advance(10_000);
    expect(d.facts(d.unit(0))).toMatchObject({ 'upgrade-outcome': 'upgraded' });
    expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  });

  test('that is called off finds a worker that lands running again', async () => {
    const d = await Deployment.settled({ config: { 'worker-drain': 'land' } });
    d.busy.add(d.unit(1));
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.advance(20_000);
    expect(d.status(d.unit(1))).toContain('for builds to end');
    d.juju.configure(application, { version: '8.1.0' });
    await d.cluster.settle();
    expect(d.installed()).toBe('8.1.0');
    expect(await d.workersRun()).toEqual(['8.1.0', '8.1.0']);
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  });
});

describe('a unit that goes', () => {
  test('retires its worker, and leaves no shim and nothing in the list of web', async () => {
    const d = await Deployment.settled();
    d.juju.removeUnit(d.unit(1));
    await d.cluster.settle();
    expect(signals(d, d.unit(1))).toEqual(['SIGUSR2']);
    expect(d.scripts).toContain('concourse-ci/1 removed');
    expect([...d.listed.keys()]).toEqual(['concourse-ci-2']);
  });

  test('is not kept by builds that do not end: its worker is stopped after the time for it, and web forgets it', async () => {
    const d = await Deployment.settled({ config: { 'worker-drain-timeout': '5m' } });
    d.busy.add(d.unit(1));
    const started = d.clock.now();
    d.juju.removeUnit(d.unit(1));
    d.listed.set('concourse-ci-1', 'stalled');
    await d.cluster.settle();
    expect(d.juju.units(application)).not.toContain(d.unit(1));
    expect(d.clock.now() - started).toBeGreaterThanOrEqual(300_000);
    expect(d.scripts).toContain('concourse-ci/1 removed');
    expect([...d.listed.keys()]).toEqual(['concourse-ci-2']);
  });

  test('by force is forgotten by web once it has missed its heartbeat, and web is not woken for ever', async () => {
    const d = await Deployment.settled();
    d.juju.agentDown(d.unit(1));
    d.juju.removeUnit(d.unit(1), { force: true });
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.advance(600_000);
    expect(d.listed.get('concourse-ci-1')).toBe('running');
    expect(d.cluster.timers).toEqual([]);
    d.listed.set('concourse-ci-1', 'stalled');
    d.juju.configure(application, { 'log-level': 'info' });
    await d.cluster.settle();
    expect([...d.listed.keys()]).toEqual(['concourse-ci-2']);
  });

  test('by force is forgotten also by a web that did not remember whom it let in', async () => {
    const d = await Deployment.settled();
    const memory = join(d.machine(d.unit(0)).paths.memory, 'concourse-ci-0.json');
    const { workers: _, ...rest } = JSON.parse(readFileSync(memory, 'utf8'));
    writeFileSync(memory, JSON.stringify(rest));
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    d.juju.agentDown(d.unit(1));
    d.juju.removeUnit(d.unit(1), { force: true });
    d.listed.set('concourse-ci-1', 'stalled');
    d.juju.configure(application, { 'log-level': 'info' });
    await d.cluster.settle();
    expect([...d.listed.keys()]).toEqual(['concourse-ci-2']);
  });
});

test('a worker that becomes web retires', async () => {
  const d = await Deployment.settled();
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  expect(signals(d, d.unit(1))).toContain('SIGUSR2');
  expect(await d.runs(d.unit(1), workerService)).toBeUndefined();
});

test('a worker that systemd is about to start again, and that becomes web, is started no more', async () => {
  const d = await Deployment.settled();
  const { services } = d.machine(d.unit(1));
  services.failing(workerService);
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  const { [workerService]: worker } = await services.show([workerService]);
  expect(worker).toMatchObject({ active: 'inactive', enabled: false });
  expect(d.status(d.unit(1))).toMatch(/^active: web 8\.1\.0/);
});

test('a worker that becomes web, and finds none to tell that it retires, is forgotten by itself', async () => {
  const d = await Deployment.settled();
  d.busy.add(d.unit(1));
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  expect(d.listed.get('concourse-ci-1')).toBe('running');
  d.listed.set('concourse-ci-1', 'stalled');
  await d.cluster.advance(120_000);
  expect([...d.listed.keys()].sort()).toEqual(['concourse-ci-0', 'concourse-ci-2']);
});

test('a worker that is stopped for an upgrade, and becomes web since its installer is lost, retires', async () => {
  const d = await Deployment.settled();
  d.juju.agentDown(d.unit(2));
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(d.status(d.unit(1))).toMatch(/^waiting: .*8\.2\.0/);
  const [lost, heir] = [d.unit(0), d.unit(1)];
  d.juju.agentDown(lost);
  d.juju.removeUnit(lost, { force: true });
  d.listed.set('concourse-ci-1', 'stalled');
  await d.cluster.advance(400_000);
  expect(d.status(heir)).toMatch(/web 8\.2\.0/);
  expect(d.scripts).toContain(`${heir} removed`);
  expect([...d.listed.keys()]).not.toContain('concourse-ci-1');
});
