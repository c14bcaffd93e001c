// The option volume-driver: what workers are told, what is said of it, and what becomes of the volumes when it changes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, workerService } from './support/deployment.ts';

const worker = `${application}/1`;
const environment = async (d: Deployment) =>
  (await d.machine(worker).services.show([workerService]))[workerService]?.environment ?? {};
const driver = async (d: Deployment) => (await environment(d))['CONCOURSE_BAGGAGECLAIM_DRIVER'];
const workPath = (d: Deployment) => join(d.volume, 'worker/concourse-ci-1/work_dir');
const statePath = (d: Deployment) => join(d.volume, 'worker/concourse-ci-1/state.json');
const said = async (d: Deployment) =>
  JSON.parse(String((await d.cluster.action(worker, 'status', { format: 'json' })).results['json'])).worker;

describe('volume-driver=auto', () => {
  test('overlay, on a volume that carries it; the status action and the log say so and why', async () => {
    const d = await Deployment.settled();
    expect(await driver(d)).toBe('overlay');
    expect((await said(d))['volume-driver']).toBe(
      'overlay: the work directory is ext4, which carries overlayfs',
    );
    expect(d.juju.log.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('volume driver overlay: '),
    );
  });

  test('copies, where containers lie on the machine’s own disk and that cannot carry overlayfs', async () => {
    const d = new Deployment();
    Object.assign(d.machine(worker), { space: { type: 'nfs' }, localSpace: { type: 'overlayfs' } });
    await d.cluster.settle();
    expect(await driver(d)).toBe('naive');
    expect((await said(d))['volume-driver']).toMatch(/^naive: the work directory is overlayfs/);
  });

  test('where nothing serves, the worker is blocked with what to attach', async () => {
    const d = new Deployment();
    Object.assign(d.machine(worker), { space: { type: 'nfs' }, localSpace: { type: 'nfs' } });
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(
      /^blocked: attach the storage worker-scratch: the work directory is nfs/,
    );
  });

  test('a work directory of an earlier revision is left as it is: no driver is named, and nothing begins anew', async () => {
    const d = await Deployment.settled();
    const { workDirectory } = JSON.parse(readFileSync(statePath(d), 'utf8'));
    const { driver: _, driverReason: __, ...before } = workDirectory;
    writeFileSync(statePath(d), JSON.stringify({ workDirectory: before }));
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(await driver(d)).toBeUndefined();
    expect((await environment(d))['CONCOURSE_NAME']).toBe('concourse-ci-1');
    d.juju.configure(application, { 'volume-driver': 'overlay' });
    await d.cluster.settle();
    expect((await environment(d))['CONCOURSE_NAME']).toBe('concourse-ci-1');
  });
});

describe('another driver', () => {
  test('retires the worker, begins with an empty work directory under another name, and stays when auto comes back', async () => {
    const d = await Deployment.settled();
    mkdirSync(join(workPath(d), 'overlays/work'), { recursive: true });
    d.juju.configure(application, { 'volume-driver': 'naive' });
    await d.cluster.settle();
    expect(d.machine(worker).services.signals.map(({ signal }) => signal)).toEqual(['SIGUSR2']);
    expect(d.scripts).toContain(`${worker} removed`);
    expect(await environment(d)).toMatchObject({
      CONCOURSE_BAGGAGECLAIM_DRIVER: 'naive',
      CONCOURSE_NAME: 'concourse-ci-1-1',
      CONCOURSE_WORK_DIR: workPath(d),
    });
    expect(existsSync(join(workPath(d), 'overlays'))).toBe(false);
    d.juju.configure(application, { 'volume-driver': 'auto' });
    await d.cluster.settle();
    expect(await driver(d)).toBe('naive');
    expect(d.machine(worker).services.signals).toHaveLength(1);
  });

  test('empties the work directory on a worker-scratch as well, which stays attached', async () => {
    const d = await Deployment.settled({ storage: ['worker-scratch'] });
    const place = join(d.scratch(worker), 'concourse-ci-1');
    mkdirSync(join(place, 'volumes/live/one'), { recursive: true });
    d.juju.configure(application, { 'volume-driver': 'naive' });
    await d.cluster.settle();
    expect(await environment(d)).toMatchObject({
      CONCOURSE_WORK_DIR: place,
      CONCOURSE_BAGGAGECLAIM_DRIVER: 'naive',
    });
    expect(existsSync(join(place, 'volumes'))).toBe(false);
  });

  test('that cannot be: blocked with what to do, and the worker and its volumes stay as they are', async () => {
    const d = await Deployment.settled();
    const starts = d.machine(worker).services.starts.length;
    writeFileSync(join(workPath(d), 'of-yesterday'), '');
    d.juju.configure(application, { 'volume-driver': 'btrfs' });
    await d.cluster.settle();
    expect(d.status(worker)).toBe(
      'blocked: juju config concourse-ci volume-driver=auto, or attach a worker-scratch that is btrfs: the work directory is ext4, and the driver btrfs needs btrfs',
    );
    expect(d.machine(worker).services.signals).toEqual([]);
    expect(d.machine(worker).services.starts).toHaveLength(starts);
    expect(await driver(d)).toBe('overlay');
    expect(existsSync(join(workPath(d), 'of-yesterday'))).toBe(true);
    // An upgrade is not the moment to lose it.
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.runs(worker, workerService)).toBe('8.2.0');
    expect(d.status(worker)).toMatch(/^blocked: .*volume-driver/);
    d.juju.configure(application, { 'volume-driver': 'auto' });
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(/^active/);
  });

  test('is the option’s alone: extra-worker-env is told so', async () => {
    const d = await Deployment.settled();
    d.juju.configure(application, { 'extra-worker-env': 'CONCOURSE_BAGGAGECLAIM_DRIVER=naive' });
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(/CONCOURSE_BAGGAGECLAIM_DRIVER is set by the option volume-driver/);
  });
});
