// A worker's table, row by row.
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../../src/observed.ts';
import { workerStep } from '../../../src/upgrade/worker.ts';
import {
  asWorker,
  goalOf,
  installerFacts,
  planFor,
  stoppedWorker,
  volumeOf,
  web,
  workerFacts,
  workerRunning,
} from '../../support/observed.ts';

const target = goalOf({ version: '8.2.0', 'upgrade-id': 2 });
const step = (o: Observed, shared = true) => workerStep(o, o.goal ?? goalOf(), o.peers.get(web), shared);
const doings = (o: Observed, shared = true) => step(o, shared).effects.map((effect) => effect.do);
const saying = (facts: ReturnType<typeof installerFacts>) => new Map([[web, facts]]);
const prepare = installerFacts('8.1.0', {
  'upgrade-state': 'prepare',
  'upgrade-id': 2,
  'upgrade-to': '8.2.0',
});
const stopped = { ...stoppedWorker, plan: planFor('8.1.0') };

describe('on an ordinary day', () => {
  test('a registered worker is left alone, and is active', () => {
    expect(step(asWorker())).toMatchObject({
      effects: [],
      statuses: [{ status: 'active', message: 'worker 8.1.0' }],
    });
  });

  test('a worker waits while nobody has installed anything', () => {
    const o = asWorker({
      peers: saying({ role: 'web', protocol: 1 }),
      worker: stoppedWorker,
      volume: volumeOf([]),
    });
    expect(step(o)).toMatchObject({ effects: [], statuses: [{ status: 'waiting' }] });
  });

  test('it starts what the volume names, once web lets its key in', () => {
    const o = asWorker({ worker: stopped });
    expect(doings(o)).toEqual(['start-worker']);
    const unknown = asWorker({
      worker: stopped,
      peers: saying(installerFacts('8.1.0', { 'authorized-workers': [] })),
    });
    expect(step(unknown)).toMatchObject({ effects: [], statuses: [{ status: 'waiting' }] });
  });

  test('it has its folder before it has a plan, and a key before that', () => {
    expect(doings(asWorker({ worker: stoppedWorker }))).toEqual(['prepare-worker-folder']);
    expect(doings(asWorker({ worker: { ...stoppedWorker, publicKey: undefined } }))).toEqual([
      'make-worker-key',
    ]);
  });

  test('another configuration restarts it, the same one does not', () => {
    const other = workerRunning('8.1.0', { runningConfiguration: 'of yesterday' });
    expect(doings(asWorker({ worker: other }))).toEqual(['start-worker']);
  });

  test('it starts nothing while the volume and the databag disagree', () => {
    const o = asWorker({ worker: stopped, volume: volumeOf(['8.2.0', '8.1.0']) });
    expect(step(o)).toMatchObject({ effects: [], statuses: [{ status: 'waiting' }] });
  });

  test('one that runs goes on meanwhile, and looks again by itself: nobody tells of a switch that is seen late', () => {
    const o = asWorker({ volume: volumeOf(['8.2.0', '8.1.0']) });
    expect(step(o)).toMatchObject({
      effects: [],
      statuses: [{ status: 'active', message: 'worker 8.1.0' }],
      wakeAt: o.now + 10_000,
    });
  });

  test('a worker that is not registered is looked at again soon, and says what its log says', () => {
    const o = asWorker({
      worker: workerRunning('8.1.0', { registration: 'unregistered', complaint: 'host key mismatch' }),
    });
    expect(step(o).statuses).toEqual([
      { status: 'waiting', message: 'worker 8.1.0 is registering: host key mismatch' },
    ]);
    expect(step(o).wakeAt).toBe(o.now + 15_000);
  });

  test('a work directory stays while the worker in it has not retired', () => {
    const worker = { ...stoppedWorker, moving: true, retirable: true };
    expect(step(asWorker({ worker })).effects).toEqual([{ do: 'retire-worker' }]);
    const failure = { code: 'systemd', message: 'systemctl kill failed', transient: true };
    const failed = asWorker({ worker, failures: new Map([['retire-worker', failure]]) });
    expect(step(failed)).toMatchObject({ effects: [], wakeAt: failed.now + 30_000 });
  });

  test('two workers on one machine: the second is blocked and touches nothing', () => {
    const o = asWorker({ worker: { ...stoppedWorker, otherUnit: 'concourse-ci/2' } });
    expect(step(o)).toMatchObject({ effects: [], statuses: [{ status: 'blocked' }] });
  });
});

describe('prepare', () => {
  test('W1: the own deadline is kept before anything stops', () => {
    const o = asWorker({ goal: target, peers: saying(prepare) });
    expect(step(o).effects).toEqual([{ do: 'begin-upgrade', id: 2, deadline: o.now + 300_000 }]);
  });

  test('W2: then the service is stopped, also when it merely would start at the next boot', () => {
    const upgrade = { id: 2, deadline: 1_800_000_300_000 };
    const o = asWorker({ goal: target, peers: saying(prepare), worker: workerRunning('8.1.0', { upgrade }) });
    expect(doings(o)).toEqual(['stop-worker']);
    expect(step(o).facts['upgrade-ready']).toBeUndefined();
    expect(doings({ ...o, worker: { ...stopped, upgrade, enabled: true } })).toEqual(['stop-worker']);
  });

  test('W3 and W4: the acknowledgement carries the id, and the deadline wakes the unit', () => {
    const upgrade = { id: 2, deadline: 1_800_000_300_000 };
    const o = asWorker({ goal: target, peers: saying(prepare), worker: { ...stopped, upgrade } });
    expect(step(o)).toMatchObject({
      effects: [],
      facts: { 'upgrade-id': 2, 'upgrade-ready': true },
      statuses: [{ status: 'waiting' }],
      wakeAt: 1_800_000_300_000,
    });
  });

  test('an acknowledgement of an earlier upgrade is not given again for this one', () => {
    const upgrade = { id: 1, deadline: 1_800_000_300_000 };
    const o = asWorker({ goal: target, peers: saying(prepare), worker: { ...stopped, upgrade } });
    expect(doings(o)).toEqual(['begin-upgrade']);
  });

  const late = { now: 1_800_000_300_000 };
  const upgrade = { id: 2, deadline: late.now };

  test('past its own deadline it starts what the volume names, and keeps the id that it gave up on', () => {
    const facts = workerFacts('', { 'running-worker': undefined, 'upgrade-ready': true, 'upgrade-id': 2 });
    const o = asWorker({
      ...late,
      goal: target,
      peers: saying(prepare),
      facts,
      worker: { ...stopped, upgrade },
    });
    expect(step(o)).toMatchObject({
      effects: [{ do: 'start-worker' }],
      facts: { 'upgrade-id': 2, 'upgrade-ready': false },
    });
  });

  test('it does not stop a second time for an upgrade that it gave up on', () => {
    const facts = workerFacts('8.1.0', { 'upgrade-id': 2 });
    const o = asWorker({
      ...late,
      goal: target,
      peers: saying(prepare),
      facts,
      worker: workerRunning('8.1.0', { upgrade }),
    });
    expect(step(o)).toMatchObject({ effects: [], facts: { 'upgrade-id': 2, 'upgrade-ready': false } });
    expect(doings({ ...o, now: late.now - 100_000 })).toEqual([]);
  });

  test('it says blocked when it cannot come back', () => {
    const failure = { code: 'broken', message: 'bin/concourse is missing', transient: false };
    const o = asWorker({
      ...late,
      goal: target,
      peers: saying(prepare),
      worker: { ...stopped, upgrade },
      failures: new Map([['start-worker', failure]]),
    });
    expect(step(o).statuses[0]).toMatchObject({ status: 'blocked' });
    expect(step(o).facts['upgrade-ready']).toBe(false);
  });

  test('a worker on a volume of its own acknowledges nothing and keeps running', () => {
    const o = asWorker({ goal: target, peers: saying(prepare) });
    expect(step(o, false)).toMatchObject({ effects: [], facts: { 'upgrade-ready': false } });
  });
});

describe('complete, and an installer that is gone', () => {
  const complete = installerFacts('8.2.0', {
    'upgrade-state': 'complete',
    'upgrade-id': 2,
    'upgrade-outcome': 'upgraded',
  });
  const upgrade = { id: 2, deadline: 1_800_000_300_000 };
  const acknowledged = workerFacts('', {
    'running-worker': undefined,
    'upgrade-ready': true,
    'upgrade-id': 2,
  });

  test('W5: the new release starts, and the unit is not ready any more', () => {
    const o = asWorker({
      goal: target,
      facts: acknowledged,
      peers: saying(complete),
      volume: volumeOf(['8.2.0', '8.1.0']),
      worker: { ...stopped, plan: planFor('8.2.0'), upgrade },
    });
    expect(step(o)).toMatchObject({
      effects: [{ do: 'start-worker', digest: complete['release-digest'] }],
      facts: { 'upgrade-id': 2, 'upgrade-ready': false },
    });
  });

  test('a worker that runs another release is restarted on the installed one', () => {
    const o = asWorker({
      goal: target,
      peers: saying(complete),
      volume: volumeOf(['8.2.0', '8.1.0']),
      worker: workerRunning('8.1.0', { plan: planFor('8.2.0') }),
    });
    expect(doings(o)).toEqual(['start-worker']);
  });

  test('while the volume is behind the word, a stopped worker stays stopped and ready, and looks again before long', () => {
    const o = asWorker({
      goal: target,
      facts: acknowledged,
      peers: saying(complete),
      worker: { ...stopped, upgrade },
    });
    expect(step(o)).toMatchObject({
      effects: [],
      facts: { 'upgrade-ready': true, 'upgrade-id': 2 },
      wakeAt: o.now + 10_000,
    });
    const late = upgrade.deadline - 1_000;
    expect(step({ ...o, now: late })).toMatchObject({ effects: [], wakeAt: upgrade.deadline });
  });

  test('a worker that does not see yet what the installer says it has installed looks again before long', () => {
    const o = asWorker({
      goal: target,
      peers: saying(complete),
      volume: { ...volumeOf([]), installed: undefined },
      worker: { ...stopped },
    });
    expect(step(o)).toMatchObject({ effects: [], wakeAt: o.now + 10_000 });
  });

  test('with the installer gone, a running worker goes on and a stopped one waits for its own deadline only', () => {
    expect(step(asWorker({ peers: new Map() }))).toMatchObject({
      effects: [],
      statuses: [{ status: 'active' }],
    });
    const o = asWorker({
      goal: target,
      facts: acknowledged,
      peers: new Map(),
      worker: { ...stopped, upgrade },
    });
    expect(step(o)).toMatchObject({ effects: [], wakeAt: upgrade.deadline });
    expect(doings({ ...o, now: upgrade.deadline })).toEqual(['start-worker']);
  });
});
