// The leader's goal: what raises it, what does not, and who installs.
import { describe, expect, test } from 'vitest';
import { goalInputs } from '../../../src/decide.ts';
import type { Observed } from '../../../src/observed.ts';
import { nextGoal, rolledBackGoal, upgradedGoal } from '../../../src/upgrade/goal.ts';
import {
  asInstaller,
  asWorker,
  defaultSettings,
  goalOf,
  otherVolumeId,
  volumeId,
  web,
  workerFacts,
} from '../../support/observed.ts';

const next = (o: Observed) => nextGoal(goalInputs(o));
const wishing = (version: string | undefined) => ({ settings: { ...defaultSettings, version } });

describe('the version', () => {
  test('the first leader names itself and the pin, or what the option says', () => {
    const o = asInstaller({ goal: undefined, facts: {} });
    expect(next(o)).toEqual({ version: '8.1.0', 'upgrade-id': 1, installer: web });
    expect(next({ ...o, ...wishing('8.0.2') })?.version).toBe('8.0.2');
  });

  test('a goal that fits is left as it is', () => {
    expect(next(asInstaller())).toEqual(goalOf());
  });

  test('a pin raises the version under the next id, and never lowers it', () => {
    expect(next(asInstaller({ pin: { version: '8.2.0', digests: {} } }))).toMatchObject({
      version: '8.2.0',
      'upgrade-id': 2,
    });
    expect(next(asInstaller({ pin: { version: '8.0.0', digests: {} } }))).toEqual(goalOf());
  });

  test('upgrade-hold keeps the pin away, and only the pin', () => {
    const o = asInstaller({ pin: { version: '8.2.0', digests: {} } });
    expect(next({ ...o, settings: { ...defaultSettings, upgradeHold: true } })).toEqual(goalOf());
    expect(
      next({ ...o, settings: { ...defaultSettings, upgradeHold: true, version: '8.3.0' } })?.version,
    ).toBe('8.3.0');
  });

  test('the option decides in both directions: whether it can be done is for the installer to say', () => {
    expect(next(asInstaller(wishing('8.0.0')))).toMatchObject({ version: '8.0.0', 'upgrade-id': 2 });
  });

  test('digests belong to a version: they come with the pin and go with it', () => {
    const sha = 'ab'.repeat(32);
    const o = asInstaller({ pin: { version: '8.2.0', digests: { amd64: sha } } });
    const raised = next(o);
    expect(raised?.digests).toEqual({ amd64: sha });
    expect(next({ ...o, goal: raised, ...wishing('8.3.0') })?.digests).toBeUndefined();
  });

  test('what a newer revision knew stays while an older one leads', () => {
    const goal = goalOf({ version: '8.2.0', 'upgrade-id': 2, digests: { amd64: 'cd'.repeat(32) } });
    expect(next(asInstaller({ goal }))).toEqual(goal);
  });
});

describe('rollback and upgrade', () => {
  const installed = goalOf({ version: '8.2.0', 'upgrade-id': 2 });
  const back = rolledBackGoal(installed, '8.2.0', '8.1.0');
  const pinned = { pin: { version: '8.2.0', digests: {} } };

  test('the version left is not gone back to while it is what is asked for', () => {
    expect(back).toMatchObject({ version: '8.1.0', 'skip-version': '8.2.0', 'upgrade-id': 3 });
    expect(next(asInstaller({ ...pinned, goal: back }))).toEqual(back);
    expect(next(asInstaller({ ...wishing('8.2.0'), goal: back }))).toEqual(back);
  });

  test('any other wish clears it', () => {
    expect(next(asInstaller({ ...wishing('8.2.1'), goal: back }))).toMatchObject({
      version: '8.2.1',
      'upgrade-id': 4,
      'skip-version': undefined,
    });
  });

  test('the upgrade action clears it, and asks again under the next id', () => {
    const o = asInstaller({ ...pinned, goal: back });
    expect(upgradedGoal(back, goalInputs(o))).toMatchObject({
      version: '8.2.0',
      'upgrade-id': 4,
      'skip-version': undefined,
    });
    expect(upgradedGoal(installed, goalInputs(asInstaller({ ...pinned, goal: installed })))).toMatchObject({
      'upgrade-id': 3,
    });
  });
});

describe('the installer', () => {
  const led = { leader: true, unit: 'concourse-ci/1' };
  const gone = { living: new Set(['concourse-ci/1', 'concourse-ci/2']) };

  test('a leadership that moves by itself moves nothing else', () => {
    expect(next(asWorker({ ...led, living: new Set([web, 'concourse-ci/1']) }))).toEqual(goalOf());
  });

  test('nothing is concluded about who lives when nobody was asked', () => {
    expect(next(asWorker({ ...led, living: undefined }))).toEqual(goalOf());
  });

  test('when it is gone, the leader on the same volume takes over under the next id', () => {
    expect(next(asWorker({ ...led, ...gone }))).toMatchObject({
      installer: 'concourse-ci/1',
      'upgrade-id': 2,
      'volume-id': volumeId,
    });
  });

  test('when it says that it leaves, that is enough', () => {
    const peers = new Map([[web, { role: 'web' as const, leaving: true }]]);
    expect(next(asWorker({ ...led, peers }))?.installer).toBe('concourse-ci/1');
  });

  test('a leader on another volume names the living unit with the lowest number that shares the goal’s', () => {
    const o = asWorker({
      ...led,
      living: new Set(['concourse-ci/1', 'concourse-ci/10', 'concourse-ci/9']),
      facts: workerFacts('8.1.0', { 'volume-id': otherVolumeId }),
      peers: new Map([
        ['concourse-ci/10', workerFacts('8.1.0')],
        ['concourse-ci/9', workerFacts('8.1.0')],
      ]),
    });
    expect(next(o)).toMatchObject({ installer: 'concourse-ci/9', 'volume-id': volumeId });
  });

  test('only when nobody shares it does the leader go on with its own volume', () => {
    const o = asWorker({
      ...led,
      ...gone,
      facts: workerFacts('8.1.0', { 'volume-id': otherVolumeId }),
      peers: new Map(),
    });
    expect(next(o)).toMatchObject({ installer: 'concourse-ci/1', 'volume-id': otherVolumeId });
  });

  test('a leaving leader names the next one', () => {
    const o = asInstaller({ facts: { ...asInstaller().facts, leaving: true } });
    expect(next(o)?.installer).toBe('concourse-ci/1');
  });

  test('the volume’s id is copied once, from the installer', () => {
    const nameless = goalOf({ 'volume-id': undefined });
    expect(next(asInstaller({ goal: nameless }))?.['volume-id']).toBe(volumeId);
  });

  test('an installer that was told to accept another volume takes the goal there, under the next id', () => {
    const moved = asInstaller({ facts: { ...asInstaller().facts, 'volume-id': otherVolumeId } });
    expect(next(moved)).toMatchObject({ 'volume-id': otherVolumeId, 'upgrade-id': 2 });
  });
});
