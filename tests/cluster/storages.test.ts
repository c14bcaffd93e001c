// Juju's storages: a disk for the worker's containers, and a volume for a unit alone; they come before the unit installs or
// later, and go while it works.
import { existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, webService, workerService } from './support/deployment.ts';

const worker = `${application}/1`;
const signals = (d: Deployment) => d.machine(worker).services.signals.map(({ signal }) => signal);
const environment = async (d: Deployment) =>
  (await d.machine(worker).services.show([workerService]))[workerService]?.environment;
const workPath = (d: Deployment) => join(d.volume, 'worker/concourse-ci-1/work_dir');
const storageOf = (d: Deployment, unit: string, name: string) => {
  const found = [...d.juju.model.storage.values()].find((each) => each.unit === unit && each.name === name);
  if (found === undefined) throw new Error(`${unit} has no storage ${name}`);
  return found.id;
};

describe('worker-scratch', () => {
  test('that is there from the start carries the work directory, with a link on the volume', async () => {
    const d = await Deployment.settled({ storage: ['worker-scratch'] });
    const place = join(d.scratch(worker), 'concourse-ci-1');
    expect(await environment(d)).toMatchObject({
      CONCOURSE_WORK_DIR: place,
      CONCOURSE_NAME: 'concourse-ci-1',
    });
    expect(readlinkSync(workPath(d))).toBe(place);
  });

  test('that comes later takes the worker over: it retires, and begins anew there under another name', async () => {
    const d = await Deployment.settled();
    writeFileSync(join(workPath(d), 'of-yesterday'), '');
    const scratch = join(d.scratch(worker), 'concourse-ci-1');
    d.juju.addStorage(worker, 'worker-scratch');
    await d.cluster.settle();
    expect(signals(d)).toEqual(['SIGUSR2']);
    expect(await environment(d)).toMatchObject({
      CONCOURSE_WORK_DIR: scratch,
      CONCOURSE_NAME: 'concourse-ci-1-1',
    });
    expect(readlinkSync(workPath(d))).toBe(scratch);
    expect(d.status(worker)).toMatch(/^active/);
  });

  test('that goes leaves a worker that retired first, and begins anew on the volume', async () => {
    const d = await Deployment.settled({ storage: ['worker-scratch'] });
    d.juju.detachStorage(storageOf(d, worker, 'worker-scratch'));
    await d.cluster.settle();
    expect(signals(d)).toEqual(['SIGUSR2']);
    expect(await environment(d)).toMatchObject({
      CONCOURSE_WORK_DIR: workPath(d),
      CONCOURSE_NAME: 'concourse-ci-1-1',
    });
    expect(lstatSync(workPath(d)).isDirectory()).toBe(true);
  });

  test('that goes with its unit ends the worker once, and does not begin it anew', async () => {
    const d = await Deployment.settled({ storage: ['worker-scratch'] });
    const starts = d.machine(worker).services.starts.length;
    d.juju.removeUnit(worker);
    await d.cluster.settle();
    expect(signals(d)).toEqual(['SIGUSR2']);
    expect(d.machine(worker).services.starts).toHaveLength(starts);
    expect(existsSync(join(d.volume, 'worker/concourse-ci-1'))).toBe(false);
    expect(existsSync(join(d.scratch(worker), 'concourse-ci-1'))).toBe(false);
  });

  test('that comes while the worker is stopped for an upgrade finds it retired before its work directory goes', async () => {
    const d = await Deployment.settled({ config: { 'upgrade-hold': true } });
    d.juju.agentDown(d.unit(2));
    d.juju.configure(application, { version: '8.2.0', 'upgrade-hold': false });
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(/^waiting: .*8\.2\.0/);
    expect(d.scripts).toEqual([]);
    d.juju.addStorage(worker, 'worker-scratch');
    await d.cluster.settle();
    expect(d.scripts).toContain(`${worker} removed`);
    d.juju.agentUp(d.unit(2), { rebooted: false });
    await d.cluster.advance(180_000);
    expect(await environment(d)).toMatchObject({
      CONCOURSE_WORK_DIR: join(d.scratch(worker), 'concourse-ci-1'),
    });
    expect(d.status(worker)).toMatch(/^active/);
  });

  test('that went with its unit is not missed by a wake-up before the unit stops', async () => {
    const d = await Deployment.settled({ storage: ['worker-scratch'] });
    const { services } = d.machine(worker);
    const starts = services.starts.length;
    const wake = 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch';
    await services.armTimer('concourse-ci-1-wake', 600_000, ['juju-exec', '-u', worker, '--', wake]);
    d.juju.removeUnit(worker);
    const here = () => [...d.juju.model.storage.values()].some(({ unit }) => unit === worker);
    while (here()) await d.cluster.step(worker);
    expect(d.cluster.timers).toEqual([]);
    // It was due already, and waited for the hook that ran.
    d.juju.exec(worker, wake);
    await d.cluster.settle();
    expect(services.starts).toHaveLength(starts);
    expect(d.juju.units(application)).not.toContain(worker);
  });

  test('is found again by a unit that has lost its memory', async () => {
    const d = await Deployment.settled({ storage: ['worker-scratch'] });
    writeFileSync(join(d.machine(worker).paths.memory, 'concourse-ci-1.json'), '{');
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(signals(d)).toEqual([]);
    expect((await environment(d))?.['CONCOURSE_WORK_DIR']).toBe(join(d.scratch(worker), 'concourse-ci-1'));
  });
});

describe('concourse-data', () => {
  async function apart() {
    const d = new Deployment({ units: 2, storage: ['concourse-data'] });
    for (const unit of [d.unit(0), worker]) d.ownVolume.add(unit);
    await d.cluster.settle();
    return d;
  }

  test('is a volume of the unit alone: each downloads for itself, and they upgrade together', async () => {
    const d = await apart();
    expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
    expect(d.status(worker)).toContain('on a volume of its own');
    expect(d.downloads).toEqual(['8.1.0', '8.1.0']);
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.workersRun()).toEqual(['8.2.0']);
  });

  test('that is detached is not in use any more, and runs again once it is back', async () => {
    const d = await apart();
    d.juju.detachStorage(storageOf(d, worker, 'concourse-data'));
    await d.cluster.settle();
    expect(signals(d)).toEqual(['SIGUSR2']);
    expect(await d.runs(worker, workerService)).toBeUndefined();
    expect(d.status(worker)).toMatch(/^blocked: juju attach-storage concourse-ci\/1 concourse-data\/\d+: /);
    // Still mounted: nothing begins.
    await d.cluster.advance(120_000);
    expect(await d.runs(worker, workerService)).toBeUndefined();

    const { mounts } = d.machine(worker);
    d.machine(worker).mounts = [];
    const identity = join(d.machine(worker).paths.volume, '.volume-id');
    const kept = readFileSync(identity, 'utf8');
    writeFileSync(identity, '');
    await d.cluster.advance(120_000);
    expect(d.status(worker)).toMatch(/^blocked: .*/);
    expect(await d.runs(worker, workerService)).toBeUndefined();

    d.machine(worker).mounts = mounts;
    writeFileSync(identity, kept);
    d.juju.addStorage(worker, 'concourse-data');
    await d.cluster.advance(120_000);
    expect(d.status(worker)).toMatch(/^active/);
    expect(await d.runs(worker, workerService)).toBe('8.1.0');
  });

  test('of web that is detached takes web along', async () => {
    const d = await apart();
    d.juju.detachStorage(storageOf(d, d.unit(0), 'concourse-data'));
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
    expect(await d.runs(worker, workerService)).toBe('8.1.0');
  });

  test('goes with its unit before anything else does, and nothing runs from it then', async () => {
    const d = await apart();
    const seen: string[] = [];
    d.everyProcess = (unit, process) => {
      process.beforeEach = (effect) => void (unit === d.unit(0) && seen.push(effect));
    };
    d.juju.removeUnit(d.unit(0));
    while (storageIsThere(d)) await d.cluster.step();
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
    await d.cluster.settle();
    expect(seen.filter((effect) => effect.startsWith('services.restart'))).toEqual([]);
    expect(d.juju.units(application)).toEqual([worker]);
  });

  const storageIsThere = (d: Deployment) =>
    [...d.juju.model.storage.values()].some((each) => each.unit === d.unit(0));
});
