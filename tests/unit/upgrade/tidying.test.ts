// What is taken away when nothing is under way, and what holds that back.
import { expect, test } from 'vitest';
import type { Observed } from '../../../src/observed.ts';
import type { ToldOfUpgrades } from '../../../src/relations/tsa.ts';
import { tidying } from '../../../src/upgrade/tidying.ts';
import {
  asInstaller,
  goalOf,
  installerFacts,
  volumeOf,
  webRunning,
  workerFacts,
} from '../../support/observed.ts';

const now = asInstaller({
  goal: goalOf({ version: '8.4.0', 'upgrade-id': 3 }),
  facts: installerFacts('8.4.0'),
  volume: volumeOf(['8.4.0', '8.3.0', '8.1.0'], { previous: '8.3.0' }),
  web: webRunning('8.4.0'),
  peers: new Map([['concourse-ci/1', workerFacts('8.4.0')]]),
  living: new Set(['concourse-ci/0', 'concourse-ci/1']),
});
const tidied = (differing: Partial<Observed>) => tidying({ ...now, ...differing }, now.facts);

test('a release that is neither installed, nor the one before, nor run by anybody goes', () => {
  expect(tidied({})).toEqual([{ do: 'prune', versions: ['8.1.0'] }]);
});

test.each([
  ['runs it', workerFacts('8.1.0')],
  [
    'stopped for an earlier upgrade, and has not been heard since: it may have given up and started it again',
    workerFacts('', { 'running-worker': undefined, 'upgrade-ready': true, 'upgrade-id': 2 }),
  ],
])('it stays while a unit %s', (_why, facts) => {
  expect(tidied({ peers: new Map([['concourse-ci/1', facts]]) })).toEqual([]);
});

test('it stays while a living unit has not been met', () => {
  expect(tidied({ living: new Set(['concourse-ci/0', 'concourse-ci/1', 'concourse-ci/2']) })).toEqual([]);
});

test('who stopped for the last upgrade can have started on the one before it at most: what is older goes', () => {
  const stopped = workerFacts('', { 'running-worker': undefined, 'upgrade-ready': true, 'upgrade-id': 3 });
  expect(tidied({ peers: new Map([['concourse-ci/1', stopped]]) })).toEqual([
    { do: 'prune', versions: ['8.1.0'] },
  ]);
});

test('it stays while a unit is being removed that has not said so: it may have started it in the hook that it is in', () => {
  const living = new Set(['concourse-ci/0']);
  const dying = new Set(['concourse-ci/1']);
  const silent = workerFacts('', { 'running-worker': undefined });
  expect(tidied({ living, dying, peers: new Map([['concourse-ci/1', silent]]) })).toEqual([]);
  const leaves = { ...silent, leaving: true };
  expect(tidied({ living, dying, peers: new Map([['concourse-ci/1', leaves]]) })).toEqual([
    { do: 'prune', versions: ['8.1.0'] },
  ]);
});

test('a unit that is gone holds nothing back', () => {
  const stopped = workerFacts('', { 'running-worker': undefined, 'upgrade-ready': true, 'upgrade-id': 2 });
  expect(
    tidied({ peers: new Map([['concourse-ci/1', stopped]]), living: new Set(['concourse-ci/0']) }),
  ).toEqual([{ do: 'prune', versions: ['8.1.0'] }]);
});

const led = (told: Partial<ToldOfUpgrades>): Partial<Observed> => ({
  settings: { ...now.settings, mode: 'worker' },
  flight: {
    application: 'web',
    hosts: ['10.0.0.10:2222'],
    hostKeys: [],
    version: '8.4.0',
    authorized: undefined,
    told: { upgrade: {}, volume: undefined, ahead: undefined, digests: undefined, ...told },
  },
});

test('of workers elsewhere, what web is about to go to stays', () => {
  expect(tidied(led({}))).toEqual([{ do: 'prune', versions: ['8.1.0'] }]);
  expect(tidied(led({ ahead: '8.1.0' }))).toEqual([]);
  expect(tidied(led({ upgrade: { 'upgrade-state': 'prepare', 'upgrade-to': '8.1.0' } }))).toEqual([]);
});

test('workers elsewhere stop for upgrades of web, whose numbers are none of their own goal', () => {
  const stopped = (id: number) => ({
    peers: new Map([
      [
        'concourse-ci/1',
        workerFacts('', { 'running-worker': undefined, 'upgrade-ready': true, 'upgrade-id': id }),
      ],
    ]),
  });
  const over = led({ upgrade: { 'upgrade-state': 'complete', 'upgrade-id': 7 } });
  expect(tidied({ ...over, ...stopped(3) })).toEqual([]);
  expect(tidied({ ...over, ...stopped(7) })).toEqual([{ do: 'prune', versions: ['8.1.0'] }]);
});
