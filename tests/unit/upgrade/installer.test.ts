// The installer's table, row by row.
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../../src/observed.ts';
import { installerStep } from '../../../src/upgrade/installer.ts';
import {
  asInstaller,
  goalOf,
  installerFacts,
  volumeOf,
  webRunning,
  workerFacts,
} from '../../support/observed.ts';

const target = goalOf({ version: '8.2.0', 'upgrade-id': 2 });
const both = { volume: volumeOf(['8.1.0', '8.2.0']), goal: target };
const preparing = (now: number, facts = {}) =>
  installerFacts('8.1.0', {
    'upgrade-state': 'prepare',
    'upgrade-id': 2,
    'upgrade-to': '8.2.0',
    'upgrade-deadline': now + 120_000,
    ...facts,
  });
const ready = (id: number) =>
  workerFacts('', { 'running-worker': undefined, 'upgrade-ready': true, 'upgrade-id': id });
const step = (o: Observed) => installerStep(o, o.goal ?? goalOf());
const doings = (o: Observed) => step(o).effects.map((effect) => effect.do);

describe('before an upgrade', () => {
  test('a goal that is met asks for nothing', () => {
    expect(step(asInstaller())).toMatchObject({ effects: [], statuses: [] });
  });

  test('the first release is staged and switched to without prepare', () => {
    const empty = asInstaller({ facts: {}, volume: volumeOf([]), web: webRunning('8.1.0', { up: false }) });
    expect(step(empty).effects).toMatchObject([{ do: 'stage', version: '8.1.0', digest: undefined }]);
    const staged = asInstaller({
      facts: {},
      volume: volumeOf(['8.1.0'], { installed: undefined, marker: undefined }),
    });
    expect(doings(staged)).toEqual(['switch']);
    expect(step(staged).facts['upgrade-state']).toBeUndefined();
  });

  test('a newer target is staged while workers keep running', () => {
    const o = asInstaller({ goal: target });
    expect(doings(o)).toEqual(['stage']);
    expect(step(o).facts['upgrade-state']).toBeUndefined();
  });

  test('a release that cannot be staged stops no worker, and is tried again after a while', () => {
    const failure = { code: 'not-found', message: 'no such release', transient: false };
    const o = asInstaller({
      goal: target,
      failures: new Map([['stage', failure]]),
      memory: {
        staging: { wish: '8.2.0 2  ', failures: 1, notBefore: 1_800_000_060_000, message: 'no such release' },
      },
    });
    const { effects, facts, statuses, wakeAt } = step(o);
    expect(effects).toEqual([]);
    expect(facts['upgrade-state']).toBeUndefined();
    expect(statuses).toEqual([{ status: 'blocked', message: 'no such release; next try in 60s' }]);
    expect(wakeAt).toBe(1_800_000_060_000);
  });

  test('an older target is refused, naming both versions and the action to type', () => {
    const volume = volumeOf(['8.1.0', '8.0.0']);
    const o = asInstaller({ goal: goalOf({ version: '8.0.0', 'upgrade-id': 2 }), volume });
    const { effects, statuses } = step(o);
    expect(effects).toEqual([]);
    expect(statuses[0]?.status).toBe('blocked');
    expect(statuses[0]?.message).toMatch(/rollback version=8\.0\.0.*8\.1\.0/);
  });

  test('an older target that is not on the volume is refused with an action that can be done', () => {
    const { statuses } = step(asInstaller({ goal: goalOf({ version: '8.0.0', 'upgrade-id': 2 }) }));
    expect(statuses[0]?.message).toMatch(/^juju config concourse-ci version=8\.1\.0: 8\.0\.0 is older/);
  });

  test('a unit that speaks a newer protocol keeps any upgrade from beginning', () => {
    const o = asInstaller({
      ...both,
      peers: new Map([['concourse-ci/1', workerFacts('8.1.0', { protocol: 2 })]]),
    });
    expect(step(o)).toMatchObject({ effects: [], statuses: [{ status: 'waiting' }] });
  });

  test('a marker that disagrees with bin is mended from bin, before anything else', () => {
    const o = asInstaller({ goal: target, volume: volumeOf(['8.1.0'], { marker: '8.2.0' }) });
    expect(step(o).effects).toEqual([{ do: 'mend-marker', version: '8.1.0' }]);
  });
});

describe('prepare', () => {
  test('S1: a staged target is announced with a deadline, and the hook ends', () => {
    const o = asInstaller(both);
    const { effects, facts, wakeAt } = step(o);
    expect(effects).toEqual([]);
    expect(facts).toMatchObject({
      'upgrade-state': 'prepare',
      'upgrade-id': 2,
      'upgrade-to': '8.2.0',
      'upgrade-deadline': o.now + 120_000,
    });
    expect(wakeAt).toBe(o.now + 120_000);
  });

  test('with nobody expected, the same hook goes on to the switch', () => {
    const o = asInstaller({ ...both, peers: new Map(), living: new Set(['concourse-ci/0']) });
    expect(doings(o)).toEqual(['switch']);
    expect(step(o).facts['upgrade-state']).toBe('prepare');
  });

  test('S2: one missing acknowledgement holds the switch back until the deadline, and not longer', () => {
    const o = asInstaller(both);
    const peers = new Map([
      ['concourse-ci/1', ready(2)],
      ['concourse-ci/2', workerFacts('8.1.0')],
    ]);
    const facts = preparing(o.now);
    expect(doings({ ...o, facts, peers })).toEqual([]);
    expect(step({ ...o, facts, peers }).statuses[0]?.message).toContain('concourse-ci/2');
    const late = { ...o, facts, published: facts, peers, now: o.now + 120_000 };
    expect(doings(late)).toEqual(['switch']);
  });

  test('S2: the deadline runs from when others can read of it, whatever else the hook takes its time for', () => {
    const o = asInstaller({
      ...both,
      facts: preparing(1_800_000_000_000),
      published: installerFacts('8.1.0'),
    });
    const { effects, facts } = step({ ...o, now: 1_800_000_000_000 + 200_000 });
    expect(effects).toEqual([]);
    expect(facts['upgrade-deadline']).toBe(1_800_000_000_000 + 320_000);
  });

  test('a unit that Juju has not introduced yet holds the switch back', () => {
    const peers = new Map([['concourse-ci/1', ready(2)]]);
    const o = asInstaller({ ...both, facts: preparing(1_800_000_000_000), peers, unmet: ['concourse-ci/2'] });
    expect(step(o)).toMatchObject({ effects: [], statuses: [{ status: 'waiting' }] });
  });

  test('a unit whose agent is lost and that was never introduced is waited for as others are: until the deadline', () => {
    const peers = new Map([['concourse-ci/1', ready(2)]]);
    const lost = ['concourse-ci/2'];
    const o = asInstaller({ ...both, facts: preparing(1_800_000_000_000), peers, lost });
    expect(doings(o)).toEqual([]);
    expect(step(o).statuses[0]?.message).toContain('concourse-ci/2');
    expect(doings({ ...o, published: o.facts, now: o.now + 120_000 })).toEqual(['switch']);
  });

  test('an acknowledgement of an earlier upgrade does not count', () => {
    const o = asInstaller(both);
    const peers = new Map([['concourse-ci/1', ready(1)]]);
    expect(doings({ ...o, facts: preparing(o.now), peers })).toEqual([]);
  });

  test.each([
    ['has left', { leaving: true }, ['concourse-ci/0', 'concourse-ci/1']],
    ['was removed by force, which goal-state alone tells', {}, ['concourse-ci/0']],
    [
      'is on a volume of its own',
      { 'volume-id': '22222222-2222-4222-8222-222222222222' },
      ['concourse-ci/0', 'concourse-ci/1'],
    ],
    ['is web', { role: 'web' as const }, ['concourse-ci/0', 'concourse-ci/1']],
  ])('nobody waits for a unit that %s', (_why, facts, living) => {
    const o = asInstaller(both);
    const peers = new Map([['concourse-ci/1', workerFacts('8.1.0', facts)]]);
    expect(doings({ ...o, facts: preparing(o.now), peers, living: new Set(living) })).toEqual(['switch']);
  });

  test('a deadline further off than its length has passed: the clock was set back', () => {
    const o = asInstaller(both);
    const facts = preparing(o.now + 3_600_000);
    expect(doings({ ...o, facts, published: facts })).toEqual(['switch']);
  });

  test('a goal that has moved on calls the upgrade off before the switch', () => {
    const o = asInstaller({ ...both, goal: goalOf({ version: '8.3.0', 'upgrade-id': 3 }) });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({
      'upgrade-state': 'complete',
      'upgrade-outcome': 'unchanged',
      'upgrade-deadline': undefined,
    });
  });

  test('a staged release that is gone ends the upgrade unchanged', () => {
    const o = asInstaller({ goal: target });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({
      'upgrade-outcome': 'unchanged',
      'upgrade-error': 'release 8.2.0 is gone from the volume',
    });
  });

  test('a release that does not verify ends the upgrade unchanged, with the reason', () => {
    const failure = { code: 'broken', message: 'bin/concourse has 3 bytes', transient: false };
    const o = asInstaller({ ...both, failures: new Map([['switch', failure]]), peers: new Map() });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({
      'upgrade-state': 'complete',
      'upgrade-outcome': 'unchanged',
      'upgrade-error': 'bin/concourse has 3 bytes',
    });
  });

  test('a rollback that ended unchanged names both ways out', () => {
    const o = asInstaller({
      volume: volumeOf(['8.2.0', '8.1.0']),
      goal: { ...target, version: '8.1.0', 'skip-version': '8.2.0' },
    });
    const facts = {
      ...o.facts,
      'upgrade-id': 2,
      'upgrade-outcome': 'unchanged',
      'upgrade-error': 'full',
    } as const;
    expect(step({ ...o, facts }).statuses[0]?.message).toBe(
      'juju run concourse-ci/leader rollback version=8.1.0 tries again, upgrade gives it up: rollback to 8.1.0 failed: full',
    );
  });

  test('a lock that is busy is waited for by timer', () => {
    const failure = { code: 'lock-busy', message: 'concourse-ci/4 installs since 12:00', transient: true };
    const o = asInstaller({ ...both, failures: new Map([['switch', failure]]), peers: new Map() });
    const { facts, statuses, wakeAt } = step({ ...o, facts: preparing(o.now) });
    expect(facts['upgrade-state']).toBeUndefined();
    expect(statuses).toEqual([{ status: 'waiting', message: 'concourse-ci/4 installs since 12:00' }]);
    expect(wakeAt).toBeGreaterThan(o.now);
  });

  test('an installer that is a worker too stops its own worker first, and keeps it stopped', () => {
    const o = asInstaller({ ...both, peers: new Map() });
    const facts = preparing(o.now, { role: 'web,worker' });
    const running = { ...o.worker, up: true };
    expect(step({ ...o, facts, worker: running })).toMatchObject({
      effects: [{ do: 'stop-worker' }],
      holdWorker: true,
    });
    expect(step({ ...o, facts })).toMatchObject({ effects: [{ do: 'switch' }], holdWorker: true });
    // Another unit's worker on this machine is not its own.
    expect(step({ ...o, facts, worker: { ...running, otherUnit: 'concourse-ci/4' } })).toMatchObject({
      effects: [{ do: 'switch' }],
    });
  });
});

test('no upgrade begins while web runs and could not be restarted: workers would find it on the old release', () => {
  const missing = { status: 'blocked' as const, message: 'juju grant-secret …' };
  const o = asInstaller({ goal: target, volume: volumeOf(['8.1.0', '8.2.0']) });
  expect(step(o).facts['upgrade-state']).toBe('prepare');
  expect(step({ ...o, web: webRunning('8.1.0', { plan: { missing } }) })).toMatchObject({
    effects: [],
    wakeAt: o.now + 30_000,
  });
  // Where it does not run there is nothing to lose.
  const down = webRunning('8.1.0', { plan: { missing }, up: false });
  expect(step({ ...o, web: down }).facts['upgrade-state']).toBe('prepare');
});

describe('after the switch', () => {
  const switched = { volume: volumeOf(['8.2.0', '8.1.0']), goal: target };

  test('S6: complete is not said before web answers with the new version', () => {
    const o = asInstaller({ ...switched, web: webRunning('8.2.0', { answers: undefined }) });
    expect(step({ ...o, facts: preparing(o.now) }).effects).toEqual([{ do: 'await-web', version: '8.2.0' }]);
    const old = asInstaller({ ...switched, web: webRunning('8.1.0') });
    expect(step({ ...old, facts: preparing(o.now) }).facts['upgrade-state']).toBeUndefined();
  });

  test('workers do not wait for a web that another unit of this machine keeps from starting', () => {
    const web = webRunning('8.1.0', { otherUnit: 'other-ci/4' });
    const o = asInstaller({ ...switched, web });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({ 'upgrade-state': 'complete' });
  });

  test('S7: complete, upgraded', () => {
    const o = asInstaller({ ...switched, web: webRunning('8.2.0') });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({
      'upgrade-state': 'complete',
      'upgrade-outcome': 'upgraded',
      'installed-version': '8.2.0',
    });
  });

  test('a web that does not come up holds no worker hostage', () => {
    const failure = { code: 'silent', message: 'no answer in 60s', transient: false };
    const o = asInstaller({
      ...switched,
      web: webRunning('8.2.0', { answers: undefined }),
      failures: new Map([['await-web', failure]]),
    });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({
      'upgrade-state': 'complete',
      'upgrade-outcome': 'upgraded',
    });
  });

  test('an upgrade whose switch is done is finished even if the goal has moved on', () => {
    const o = asInstaller({
      ...switched,
      goal: goalOf({ version: '8.3.0', 'upgrade-id': 3 }),
      web: webRunning('8.2.0'),
    });
    expect(step({ ...o, facts: preparing(o.now) }).facts).toMatchObject({ 'upgrade-outcome': 'upgraded' });
  });

  test('an id with an outcome is over: nothing more happens for it', () => {
    const facts = installerFacts('8.1.0', {
      'upgrade-state': 'complete',
      'upgrade-id': 2,
      'upgrade-outcome': 'unchanged',
      'upgrade-error': 'disk on fire',
    });
    const { effects, statuses } = step(asInstaller({ ...both, facts }));
    expect(effects).toEqual([]);
    expect(statuses[0]?.message).toContain('disk on fire');
  });

  test('a new installer that finds the goal met tells whoever still waits', () => {
    const facts = workerFacts('8.2.0', { role: 'web', 'upgrade-id': 2, 'upgrade-ready': undefined });
    const o = asInstaller({ ...switched, goal: goalOf({ version: '8.2.0', 'upgrade-id': 3 }), facts });
    expect(step(o).facts).toMatchObject({
      'upgrade-state': 'complete',
      'upgrade-id': 3,
      'upgrade-outcome': 'upgraded',
    });
  });
});

describe('rollback', () => {
  const back = goalOf({ version: '8.1.0', 'upgrade-id': 3, 'skip-version': '8.2.0' });
  const o = asInstaller({ goal: back, volume: volumeOf(['8.2.0', '8.1.0']), web: webRunning('8.2.0') });

  test('runs through prepare like any upgrade', () => {
    expect(step(o).facts).toMatchObject({ 'upgrade-state': 'prepare', 'upgrade-to': '8.1.0' });
  });

  test('takes the database down with the newer binary in the switch', () => {
    const facts = preparing(o.now, { 'upgrade-id': 3, 'upgrade-to': '8.1.0' });
    expect(step({ ...o, facts, peers: new Map() }).effects).toMatchObject([
      { do: 'switch', version: '8.1.0', from: '8.2.0', migrateDown: true },
    ]);
  });
});
