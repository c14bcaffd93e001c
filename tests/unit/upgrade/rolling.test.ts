// Whose turn it is to go to another release, from what units say.
import { describe, expect, test } from 'vitest';
import { mayRoll, rollingStep } from '../../../src/upgrade/rolling.ts';
import type { Facts } from '../../../src/upgrade/facts.ts';
import { asInstaller, defaultSettings, goalOf, volumeOf, workerFacts } from '../../support/observed.ts';

/** Workers from number 1 on, by what they run and where they have registered; web has 8.2.0. */
function turn(
  workers: readonly (readonly [runs: string | undefined, registered?: string])[],
  options: {
    strategy?: 'rolling' | 'canary';
    most?: number;
    before?: string[];
    hold?: boolean;
    resumed?: number;
  } = {},
) {
  const peers = new Map<string, Facts>(
    workers.map(([runs, registered], index) => [
      `concourse-ci/${index + 1}`,
      workerFacts('8.1.0', { 'running-worker': runs, 'registered-worker': registered }),
    ]),
  );
  const goal = goalOf({
    version: '8.2.0',
    'upgrade-id': 2,
    hold: options.hold,
    'resumed-id': options.resumed,
  });
  const o = asInstaller({
    peers,
    living: new Set(['concourse-ci/0', ...peers.keys()]),
    goal,
    volume: volumeOf(['8.2.0', '8.1.0']),
    settings: {
      ...defaultSettings,
      upgradeStrategy: options.strategy ?? 'rolling',
      maxUnavailable: options.most ?? 1,
    },
  });
  const before = options.before?.map((number) => `concourse-ci/${number}`);
  const step = rollingStep({ ...o, facts: { ...o.facts, 'upgrade-turn': before } }, goal);
  return step.facts['upgrade-turn']?.map((unit) => unit.split('/')[1]).join(' ');
}

const old = ['8.1.0'] as const;
const moved = ['8.2.0', '8.2.0'] as const;

describe('the turn', () => {
  test.each([
    ['the first of all', [old, old, old], {}, '1'],
    ['so many at a time', [old, old, old], { most: 2 }, '1 2'],
    ['who has registered makes place for the next', [moved, old, old], { before: ['1'] }, '2'],
    ['who has restarted and not registered keeps it', [['8.2.0'], old, old], { before: ['1'] }, '1'],
    ['who runs nothing keeps it', [[undefined], old, old], { before: ['1'] }, '1'],
    ['over once all have', [moved, moved], { before: ['2'] }, undefined],
    ['a canary alone', [old, old, old], { strategy: 'canary', most: 2 }, '1'],
    ['nobody behind a canary', [moved, old, old], { strategy: 'canary', before: ['1'] }, ''],
    ['so many at a time once resumed', [moved, old, old], { strategy: 'canary', most: 2, resumed: 2 }, '2 3'],
    ['a worker out of service is no canary', [old, old, [undefined]], { strategy: 'canary' }, '1'],
    ['nobody while upgrades are held', [moved, old], { hold: true, before: ['1'] }, ''],
    ['who gets no builds goes at once, and takes no turn from others', [old, ['7.4.0'], old], {}, '2 1'],
    ['all, where nobody gets builds', [['7.4.0'], ['7.4.0']], {}, undefined],
  ] as const)('%s', (_what, workers, options, expected) => {
    expect(turn(workers, options as Parameters<typeof turn>[1])).toBe(expected);
  });
});

test('workers stay behind web only where they get builds from it', () => {
  const o = asInstaller({ settings: { ...defaultSettings, upgradeStrategy: 'rolling' } });
  expect(mayRoll(o, '8.1.0', '8.2.0')).toBe(true);
  expect(mayRoll(o, '8.2.0', '8.3.0')).toBe(false);
  expect(mayRoll(asInstaller(), '8.1.0', '8.2.0')).toBe(false);
});
