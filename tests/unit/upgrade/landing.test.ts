// A worker that lands for an upgrade: what it does when, and that no deadline of the upgrade moves for it.
import { describe, expect, test } from 'vitest';
import type { Observed, Settings } from '../../../src/observed.ts';
import { installerStep } from '../../../src/upgrade/installer.ts';
import { landingMs } from '../../../src/upgrade/landing.ts';
import { workerStep } from '../../../src/upgrade/worker.ts';
import {
  asInstaller,
  asWorker,
  defaultSettings,
  goalOf,
  installerFacts,
  volumeOf,
  web,
  workerRunning,
} from '../../support/observed.ts';

const target = goalOf({ version: '8.2.0', 'upgrade-id': 2 });
const now = 1_800_000_000_000;
const land: Settings = { ...defaultSettings, workerDrain: 'land' };
const prepare = (deadline = now + 120_000) =>
  installerFacts('8.1.0', {
    'upgrade-state': 'prepare',
    'upgrade-id': 2,
    'upgrade-to': '8.2.0',
    'upgrade-deadline': deadline,
  });
const worker = (differing: Partial<Observed> = {}) =>
  asWorker({ goal: target, settings: land, peers: new Map([[web, prepare()]]), ...differing });
const step = (o: Observed) => workerStep(o, target, o.peers.get(web), true);
const lands = (landUntil: number | undefined, enabled = true) =>
  workerRunning('8.1.0', { enabled, upgrade: { id: 2, deadline: now + 300_000, landUntil } });

describe('how long a worker may land', () => {
  test.each([
    ['its own option', {}, 90_000],
    ['not at all with keep', { workerDrain: 'keep' }, 0],
    ['less than the installer waits', { workerDrainTimeoutMs: 3_600_000 }, 105_000],
    [
      'longer, when the installer waits longer',
      {
        workerDrainTimeoutMs: 3_600_000,
        upgradeReadyTimeoutMs: 4_000_000,
        upgradeCompleteTimeoutMs: 5_000_000,
      },
      3_600_000,
    ],
    ['less than it waits itself', { upgradeCompleteTimeoutMs: 60_000 }, 45_000],
    ['not at all when there is no time for it', { upgradeReadyTimeoutMs: 10_000 }, 0],
  ] as const)('%s', (_, settings, ms) => {
    expect(landingMs({ ...land, ...settings })).toBe(ms);
  });
});

describe('a worker', () => {
  test('notes until when it lands, before it is told to', () => {
    expect(step(worker()).effects).toEqual([
      { do: 'begin-upgrade', id: 2, deadline: now + 300_000, landUntil: now + 90_000 },
    ]);
  });

  test('that heard of the upgrade late has less time', () => {
    const late = worker({ peers: new Map([[web, prepare(now + 60_000)]]) });
    expect(step(late).effects).toMatchObject([{ landUntil: now + 45_000 }]);
  });

  test('that does not run, or keeps its builds, has nothing to land', () => {
    const down = worker({ worker: { ...workerRunning('8.1.0'), up: false } });
    expect(step(down).effects).toMatchObject([{ do: 'begin-upgrade', landUntil: undefined }]);
    const keeps = worker({ settings: defaultSettings });
    expect(step(keeps).effects).toMatchObject([{ do: 'begin-upgrade', landUntil: undefined }]);
  });

  test('is told once, acknowledges nothing while its builds end, and is looked at', () => {
    expect(step(worker({ worker: lands(now + 90_000) })).effects).toEqual([{ do: 'land-worker' }]);
    const told = step(worker({ worker: lands(now + 90_000, false) }));
    expect(told).toMatchObject({ effects: [], wakeAt: now + 10_000, statuses: [{ status: 'waiting' }] });
    expect(told.facts['upgrade-ready']).toBeUndefined();
    expect(step(worker({ worker: lands(now + 4_000, false) })).wakeAt).toBe(now + 4_000);
  });

  test('that has landed acknowledges', () => {
    const landed = { ...lands(now + 90_000, false), up: false };
    expect(step(worker({ worker: landed }))).toMatchObject({ effects: [], facts: { 'upgrade-ready': true } });
  });

  test.each([
    ['whose time is over', worker({ worker: lands(now, false) })],
    ['whose clock was set back', worker({ worker: lands(now + 9_000_000, false) })],
    [
      'that cannot be told',
      worker({
        worker: lands(now + 90_000),
        failures: new Map([['land-worker', { code: 'systemd', message: '', transient: false }]]),
      }),
    ],
  ])('%s is stopped', (_, o) => {
    expect(step(o).effects).toEqual([{ do: 'stop-worker' }]);
  });

  test('that lands when the upgrade is called off starts anew', () => {
    const off = installerFacts('8.1.0', { 'upgrade-state': 'complete', 'upgrade-id': 2 });
    const o = worker({ worker: lands(now + 90_000, false), peers: new Map([[web, off]]) });
    expect(step(o).effects).toMatchObject([{ do: 'start-worker' }]);
  });
});

describe('an installer that is a worker too', () => {
  const facts = { ...prepare(), role: 'web,worker' as const };
  const both = (differing: Partial<Observed>) =>
    asInstaller({
      goal: target,
      settings: land,
      facts,
      volume: volumeOf(['8.1.0', '8.2.0']),
      ...differing,
    });

  test('lands while it waits for the others, and is not started meanwhile', () => {
    const waits = installerStep(both({ worker: lands(undefined) }), target);
    expect(waits).toMatchObject({ effects: [{ do: 'land-worker' }], holdWorker: true });
    const landed = installerStep(both({ worker: { ...lands(undefined, false), up: false } }), target);
    expect(landed).toMatchObject({ effects: [], holdWorker: true, wakeAt: now + 120_000 });
  });

  test('alone, waits for its own builds, and stops when their time is over', () => {
    const alone = { peers: new Map(), living: new Set([web]) };
    const told = installerStep(both({ ...alone, worker: lands(undefined, false) }), target);
    expect(told).toMatchObject({ effects: [], holdWorker: true, wakeAt: now + 10_000 });
    const over = both({ ...alone, now: now + 90_000, worker: lands(undefined, false) });
    expect(installerStep(over, target).effects).toEqual([{ do: 'stop-worker' }]);
  });
});
