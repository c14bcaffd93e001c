import { describe, expect, test } from 'vitest';
import { parseJujuExec } from '../src/juju-exec.ts';

const one = ['app/0'];

describe('what juju-exec runs', () => {
  test.each([
    [['-u', 'app/0', '--', 'is-leader && echo a'], { unit: 'app/0', script: 'is-leader && echo a' }],
    [['--unit=app/0', 'sh', '-c', "echo 'it'"], { unit: 'app/0', script: `sh -c 'echo '"'"'it'"'"''` }],
    [['app/0', 'true'], { unit: 'app/0', script: 'true' }],
    [['unit-app-0', 'true'], { unit: 'app/0', script: 'true' }],
    [['true'], { unit: 'app/0', script: 'true' }],
    [['-u', '', 'true'], { unit: 'app/0', script: 'true' }],
    [
      ['-u', 'app/0', '-r', 'peers:3', '--remote-unit', 'app/1', 'true'],
      { unit: 'app/0', script: 'true', relation: 3, remoteUnit: 'app/1' },
    ],
    [['-u', 'app/0', '--', 'echo', '--', '-x'], { unit: 'app/0', script: 'echo -- -x' }],
  ])('%j', (argv, request) => {
    expect(parseJujuExec(argv, '', one)).toEqual({ request });
  });
});

describe('what juju-exec refuses', () => {
  test.each([
    [
      ['true'],
      'app/0-install-1',
      one,
      'juju-exec cannot be called from within a hook, have context "app/0-install-1"',
      2,
    ],
    [['true'], '', ['app/0', 'b/1'], 'missing unit-name', 2],
    [['-u', 'app/0'], '', one, 'missing commands', 2],
    [['-u', 'x/0', 'true'], '', one, 'unit "x/0" not found on this machine', 1],
    [['--bogus', 'true'], '', one, 'option provided but not defined: --bogus', 2],
    [['-u'], '', one, 'option needs an argument: -u', 2],
    [['-r', 'x', 'true'], '', one, 'invalid relation id', 2],
  ] as const)('%j', (argv, context, units, refused, code) => {
    expect(parseJujuExec(argv, context, units)).toEqual({ refused, code });
  });
});
