// What web units and workers of other applications say, key by key.
import { parseDatabag } from 'juju-ts-ops';
import { describe, expect, test } from 'vitest';
import { living, tsaWebSchema, tsaWorkerSchema, websOf } from '../../../src/relations/tsa.ts';
import { sshKey } from '../../support/observed.ts';

const web = (host: string, more: Record<string, string> = {}) =>
  parseDatabag(tsaWebSchema, { 'tsa-host': host, 'tsa-public-key': sshKey(1), ...more }).values;

describe('a web elsewhere', () => {
  test('says nothing until one unit has said host and key', () => {
    const silent = { hosts: [], hostKeys: [], version: undefined, authorized: undefined, told: undefined };
    expect(websOf(new Map())).toEqual(silent);
    const half = parseDatabag(tsaWebSchema, { 'tsa-host': '10.0.0.1:2222', 'concourse-version': '8.1.0' });
    expect(websOf(new Map([['web/0', half.values]]))).toEqual(silent);
  });

  test('of several units: all hosts in the order of the units, the highest version, who is let in by any', () => {
    const units = new Map([
      ['web/10', web('10.0.0.2:2222', { 'concourse-version': '8.2.0', 'authorized-workers': '["a","b"]' })],
      ['web/9', web('10.0.0.1:2222', { 'concourse-version': '8.10.0', 'authorized-workers': '["b","c"]' })],
      ['web/11', web('10.0.0.3:2222')],
    ]);
    expect(websOf(units)).toEqual({
      hosts: ['10.0.0.1:2222', '10.0.0.2:2222', '10.0.0.3:2222'],
      hostKeys: [sshKey(1)],
      version: '8.10.0',
      authorized: ['b', 'c', 'a'],
      told: undefined,
    });
  });

  test.each([
    ['tsa-host', '10.0.0.1'],
    ['tsa-host', '10.0.0.1:2222,10.0.0.2:2222'],
    ['tsa-host', '10.0.0.1:2222\nX=1'],
    ['tsa-public-key', 'ssh-rsa AAAA'],
    ['tsa-public-key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA'],
    ['concourse-version', 'latest'],
    ['authorized-workers', 'a,b'],
  ])('%s=%j counts as absent', (key, value) => {
    const { values, problems } = parseDatabag(tsaWebSchema, { [key]: value });
    expect(Object.values(values).every((each) => each === undefined)).toBe(true);
    expect(problems.map((problem) => problem.key)).toEqual([key]);
  });
});

test('of a web that has moved: the unit that is gone cannot take back its word, so the newest installer tells who is web', () => {
  const moved = new Map([
    ['web/0', web('10.0.0.1:2222', { 'concourse-version': '8.3.0', 'goal-id': '4', webs: '[0]' })],
    ['web/1', web('10.0.0.2:2222', { 'concourse-version': '8.2.0', 'goal-id': '5', webs: '[1,3]' })],
    ['web/2', web('10.0.0.3:2222', { 'concourse-version': '8.4.0' })],
    // One that has heard of the move already, and has yet to be on the version.
    ['web/3', web('10.0.0.4:2222', { 'concourse-version': '8.1.0', 'goal-id': '5' })],
  ]);
  expect(websOf(moved)).toMatchObject({ hosts: ['10.0.0.2:2222', '10.0.0.4:2222'], version: '8.2.0' });
});

test('of upgrades the newest installer tells, and a charm that tells of none is known by that', () => {
  const word = {
    'goal-id': '7',
    webs: '[0]',
    'goal-version': '8.2.0',
    digests: `{"amd64":"${'a'.repeat(64)}"}`,
    'upgrade-state': 'prepare',
    'upgrade-id': '7',
    'upgrade-to': '8.2.0',
    'upgrade-deadline': '2027-01-15T08:00:00.000Z',
  };
  expect(websOf(new Map([['web/0', web('10.0.0.1:2222', word)]])).told).toEqual({
    ahead: '8.2.0',
    digests: { amd64: 'a'.repeat(64) },
    volume: undefined,
    upgrade: {
      'upgrade-state': 'prepare',
      'upgrade-id': 7,
      'upgrade-to': '8.2.0',
      'upgrade-deadline': Date.parse('2027-01-15T08:00:00.000Z'),
    },
  });
  expect(websOf(new Map([['web/0', web('10.0.0.1:2222')]])).told).toBeUndefined();
});

describe('a worker elsewhere', () => {
  test.each([sshKey(2), `${sshKey(2)} \n`, `${sshKey(2)} worker@host`])('its key may be %j', (key) => {
    expect(parseDatabag(tsaWorkerSchema, { 'worker-public-key': key }).problems).toEqual([]);
  });

  test.each([
    'concourse-ci-1',
    'juju-0a1b2c-4',
    'workers-1-m0a1b2c3',
    'workers/1-m0a1b2c3d',
    'x y-m0a1b2c3d',
  ])('its name is not %j, which could be another worker’s', (name) => {
    expect(parseDatabag(tsaWorkerSchema, { 'worker-name': name }).values['worker-name']).toBeUndefined();
  });
});

describe('who is there', () => {
  test('of this model: whoever goal-state lists, also while it is dying', () => {
    expect(living(['w/0', 'w/1'], 'w', ['w', 'w/1', 'w/2', 'x', 'x/0'])).toEqual(['w/1']);
    expect(living(['w/0'], 'w', ['w'])).toEqual([]);
  });

  test('of another model: whoever the relation lists, since goal-state tells nothing of them', () => {
    const remote = 'remote-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d';
    expect(living([`${remote}/0`], remote, [])).toEqual([`${remote}/0`]);
    expect(living(['ci/0'], 'ci', ['admin/ci.concourse-ci', 'x', 'x/0'])).toEqual(['ci/0']);
  });
});
