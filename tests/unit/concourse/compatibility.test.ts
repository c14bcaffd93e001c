// The compatibility matrix of web's and workers' releases, by Concourse's own rule.
import { describe, expect, test } from 'vitest';
import { compatibility, upgradeOrder, workerVersion } from '../../../src/concourse/compatibility.ts';

const releases = ['6.7.0', '7.4.0', '7.8.0', '7.10.0', '8.0.0', '8.2.5', '8.3.0'] as const;

describe('worker versions', () => {
  test.each([
    ['5.8.0', undefined],
    ['6.0.0', '2.2'],
    ['7.0.0', '2.3'],
    ['7.6.0', undefined],
    ['7.8.3', '2.4'],
    ['7.9.1', undefined],
    ['7.10.0', '2.5'],
    ['8.2.5', '2.5'],
    ['8.3.0-rc.1', '3.0'],
    ['9.0.0', undefined],
    ['newest', undefined],
  ])('of release %s: %s', (release, expected) => {
    const version = workerVersion(release);
    expect(version && `${version.major}.${version.minor}`).toBe(expected);
  });
});

describe('the matrix', () => {
  /** Rows: web. Columns: worker, as in `releases`. + builds, - none. */
  test.each([
    ['6.7.0', '+++++ +-'],
    ['7.4.0', '-++++ +-'],
    ['7.8.0', '--+++ +-'],
    ['7.10.0', '---++ +-'],
    ['8.0.0', '---++ +-'],
    ['8.2.5', '---++ +-'],
    ['8.3.0', '----- -+'],
  ])('web %s', (web, row) => {
    const marks = releases.map((worker) => (compatibility(web, worker) === 'builds' ? '+' : '-')).join('');
    expect(marks).toBe(row.replace(' ', ''));
  });

  test('a release always takes its own workers, and of others nothing is claimed that is not known', () => {
    expect(compatibility('7.9.0', '7.9.0')).toBe('builds');
    expect(compatibility('9.1.0', '9.1.0')).toBe('builds');
    expect(compatibility('7.9.0', '7.10.0')).toBe('unknown');
    expect(compatibility('8.2.5', '9.0.0')).toBe('unknown');
  });
});

describe('the order of an upgrade', () => {
  test.each([
    ['8.1.0', '8.2.0', 'any-order'],
    ['8.2.0', '8.1.0', 'any-order'],
    ['7.8.0', '8.0.0', 'workers-first'],
    ['8.0.0', '7.8.0', 'web-first'],
    ['8.2.5', '8.3.0', 'together'],
    ['8.3.0', '8.2.5', 'together'],
    ['7.9.0', '7.10.0', 'together'],
  ])('%s to %s: %s', (from, to, order) => {
    expect(upgradeOrder(from, to)).toBe(order);
  });
});
