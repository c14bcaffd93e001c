// A worker that an operator takes out of service: it lands or retires, stays down whatever happens, and comes back when it is told to.
import { describe, expect, test } from 'vitest';
import { application, Deployment, workerService } from './support/deployment.ts';

const worker = (d: Deployment) => d.runs(d.unit(1), workerService);
const back = (d: Deployment) => d.cluster.action(d.unit(1), 'restart-services');
const failure = async (d: Deployment, unit: string, name: string, params = {}) => {
  const action = await d.cluster.action(unit, name, params);
  expect(action.status, action.message).toBe('failed');
  return action.message;
};

describe.each([
  ['land-worker', 'landed', 'SIGUSR1'],
  ['retire-worker', 'retired', 'SIGUSR2'],
] as const)('%s', (name, state, signal) => {
  test('takes the worker out of service until restart-services brings it back', async () => {
    const d = await Deployment.settled();
    expect(await d.cluster.action(d.unit(1), name)).toMatchObject({
      status: 'completed',
      results: { state },
    });
    expect(d.machine(d.unit(1)).services.signals.map((each) => each.signal)).toEqual([signal]);
    await d.cluster.advance(10_000);
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(await worker(d)).toBeUndefined();
    expect(d.status(d.unit(1))).toBe(
      `blocked: juju run concourse-ci/1 restart-services brings the worker back: it has ${state}`,
    );
    expect((await d.cluster.action(d.unit(1), name)).results).toMatchObject({
      state,
      result: `the worker has ${state} already`,
    });
    expect((await back(d)).results).toMatchObject({ worker: 'starts in a moment: it was out of service' });
    await d.cluster.advance(10_000);
    expect(await worker(d)).toBe('8.1.0');
    expect(d.status(d.unit(1))).toMatch(/^active: worker 8\.1\.0/);
  });

  test('holds through an upgrade, which does not wait for it', async () => {
    const d = await Deployment.settled();
    await d.cluster.action(d.unit(1), name);
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.advance(10_000);
    expect(d.facts(d.unit(0))).toMatchObject({ 'installed-version': '8.2.0', 'upgrade-state': 'complete' });
    expect([await worker(d), await d.runs(d.unit(2), workerService)]).toEqual([undefined, '8.2.0']);
    await back(d);
    await d.cluster.advance(10_000);
    expect(await worker(d)).toBe('8.2.0');
  });

  test('is refused where there is no worker, and while it is stopped for an upgrade', async () => {
    const d = await Deployment.settled();
    expect(await failure(d, d.unit(0), name)).toBe('this unit is no worker: see the action status');
    d.juju.configure(application, { version: '8.2.0' });
    while (d.facts(d.unit(1))['upgrade-ready'] !== 'true') await d.cluster.step();
    expect(await failure(d, d.unit(1), name)).toBe(
      'the worker is stopped for an upgrade: try again when that has ended',
    );
    await d.cluster.settle();
    await d.machine(d.unit(1)).services.stop(workerService);
    if (name === 'land-worker')
      expect(await failure(d, d.unit(1), name)).toBe('no worker runs on this unit: see the action status');
  });

  test('that crashes anywhere leaves a worker that restart-services brings back', async () => {
    const d = await Deployment.settled({ units: 2 });
    for (let n = 1; n < 8; n += 1) {
      d.nextProcess.set(d.unit(1), (process) => process.crashBefore(n));
      await d.cluster.action(d.unit(1), name);
      await d.cluster.advance(60_000);
      await back(d);
      await d.cluster.advance(60_000);
      expect(d.status(d.unit(1)), `before effect ${n}`).toMatch(/^active: worker/);
    }
  }, 240_000);
});

describe('builds that do not end', () => {
  test('land-worker fails in its time, and the worker is down when they have ended', async () => {
    const d = await Deployment.settled();
    d.busy.add(d.unit(1));
    const action = await d.cluster.action(d.unit(1), 'land-worker', { timeout: '40s' });
    expect(action).toMatchObject({ status: 'failed', results: { state: 'landing' } });
    expect(action.message).toBe(
      'builds still run after 40 s: the worker goes on landing, and is down when they end',
    );
    expect(action.log.map(({ message }) => message)).toEqual(['landing for 15 s', 'landing for 30 s']);
    await d.cluster.advance(2_000);
    expect(d.status(d.unit(1))).toBe('waiting: for builds to end: the worker lands, and takes no new ones');
    await d.machine(d.unit(1)).services.exit(workerService, 'success');
    await d.cluster.advance(60_000);
    expect(d.status(d.unit(1))).toMatch(/^blocked: .*it has landed/);
  });

  test('an upgrade that stops a worker which still lands brings it back: its builds wait for it', async () => {
    const d = await Deployment.settled();
    d.busy.add(d.unit(1));
    await d.cluster.action(d.unit(1), 'land-worker', { timeout: '1s' });
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.advance(60_000);
    expect(await worker(d)).toBe('8.2.0');
  });

  test('retire-worker ends them when its time is over, and says so', async () => {
    const d = await Deployment.settled();
    d.busy.add(d.unit(1));
    const action = await d.cluster.action(d.unit(1), 'retire-worker', { timeout: '5s' });
    expect(action.results).toMatchObject({
      state: 'stopped',
      result: expect.stringMatching(/stopped with builds on it/),
    });
    expect(await worker(d)).toBeUndefined();
  });
});

test('a landed worker comes back with a reboot, a retired one does not', async () => {
  const d = await Deployment.settled();
  await d.cluster.action(d.unit(1), 'land-worker');
  await d.cluster.action(d.unit(2), 'retire-worker');
  for (const unit of [d.unit(1), d.unit(2)]) {
    await d.powerOff(unit);
    await d.powerOn(unit);
  }
  await d.cluster.advance(60_000);
  expect(await worker(d)).toBe('8.1.0');
  expect(await d.runs(d.unit(2), workerService)).toBeUndefined();
  expect(d.status(d.unit(2))).toMatch(/^blocked: .*it has retired/);
});
