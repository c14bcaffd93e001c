import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareVersions,
  parseVersion,
  pinnedRelease,
  sha256Schema,
  versionSchema,
} from '../../../src/release/version.ts';

const version = fc
  .tuple(
    fc.nat(20),
    fc.nat(20),
    fc.nat(20),
    fc.option(fc.constantFrom('rc.1', 'rc.2', 'rc.10', 'alpha', 'rc', '1', 'rc.1.x')),
  )
  .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre === null ? '' : `-${pre}`}`);

describe('versions', () => {
  test('are ordered as semver says', () => {
    const order = [
      '7.14.3',
      '8.0.0-1',
      '8.0.0-alpha',
      '8.0.0-rc',
      '8.0.0-rc.1',
      '8.0.0-rc.2',
      '8.0.0-rc.10',
      '8.0.0',
      '8.0.1',
      '8.2.0',
      '8.10.0',
      '10.0.0',
    ];
    for (let seed = 0; seed < 5; seed += 1) {
      expect(
        order
          .toSorted((a, b) => ((a.length * 7 + seed) % 5) - ((b.length * 3 + seed) % 5))
          .toSorted(compareVersions),
      ).toEqual(order);
    }
  });

  test('have a total order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        expect(compareVersions(a, b) === 0).toBe(a === b);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test.each([
    '',
    '8',
    '8.2',
    '8.2.0.1',
    '08.2.0',
    '8.2.0-',
    '8.2.0-rc..1',
    '8.2.0-01',
    '8.2.0+1',
    ' 8.2.0',
    '8.2.0\n',
    '-1.2.0',
    '../8.2.0',
    '8.2.0/..',
    `8.2.${'9'.repeat(99)}`,
  ])('do not include %j', (text) => {
    expect(parseVersion(text)).toBeUndefined();
    expect(versionSchema.safeParse(text).success).toBe(false);
  });

  test('with a v are refused with the way to write them', () => {
    expect(versionSchema.safeParse('v8.2.0').error?.issues[0]?.message).toContain('write it as 8.2.0');
    expect(versionSchema.parse('8.2.0-rc.1')).toBe('8.2.0-rc.1');
  });

  test('that are malformed cannot be ordered silently', () => {
    expect(() => compareVersions('8.2.0', 'latest')).toThrow(RangeError);
  });
});

describe('the pin', () => {
  test('is well-formed, and says where a digest is not known', () => {
    const pin = pinnedRelease();
    expect(parseVersion(pin.version)).toBeDefined();
    expect(pin.seen).not.toBe('');
  });
});

test('a SHA-256 is accepted in every usual spelling, and nothing else is', () => {
  const hex = 'ab'.repeat(32);
  for (const text of [hex, hex.toUpperCase(), `sha256:${hex}`, ` ${hex}\n`])
    expect(sha256Schema.parse(text)).toBe(hex);
  for (const text of ['', hex.slice(1), `${hex}0`, `${hex}  file`, 'g'.repeat(64)])
    expect(sha256Schema.safeParse(text).success).toBe(false);
});
