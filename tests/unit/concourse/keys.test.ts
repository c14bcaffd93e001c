import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { authorizedKeysFile, fingerprint, hostKeyFile, keyProblem } from '../../../src/concourse/keys.ts';

/** RFC 4253: an `ssh-rsa` body of the given fields. */
const line = (...fields: Buffer[]): string => {
  const body = fields.flatMap((field) => [Buffer.from([0, 0, field.length >> 8, field.length & 255]), field]);
  return `ssh-rsa ${Buffer.concat(body).toString('base64')}`;
};

const publicKey = (bits = 2048): string => {
  const { e = '', n = '' } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({
    format: 'jwk',
  });
  const modulus = Buffer.concat([Buffer.alloc(1), Buffer.from(n, 'base64url')]);
  return line(Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), modulus);
};

const [one, two] = [publicKey(), publicKey()];
const three = Buffer.from([3]);

describe('a key', () => {
  test.each([
    ['a good one', one, undefined],
    ['a good one with a comment and a line break', `${one} me@home\n`, undefined],
    ['ed25519', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0', 'not an ssh-rsa key'],
    ['two lines', `${one}\n${two}`, 'not an ssh-rsa key'],
    ['options before it', `command="x" ${one}`, 'not an ssh-rsa key'],
    ['nothing', '', 'not an ssh-rsa key'],
    ['no base64', 'ssh-rsa A*A', 'not base64'],
    ['cut base64', one.slice(0, -2), 'not base64'],
    [
      'another type inside',
      line(Buffer.from('ssh-dss'), three, Buffer.alloc(256, 1)),
      'not an RSA public key',
    ],
    ['a field missing', line(Buffer.from('ssh-rsa'), three), 'not an RSA public key'],
    ['a length that leads out', 'ssh-rsa /////w==', 'not an RSA public key'],
    ['1024 bits', publicKey(1024), 'shorter than 2048 bits'],
  ])('%s', (_, key, problem) => {
    expect(keyProblem(key)).toBe(problem);
  });

  test('has one fingerprint, whatever its comment', () => {
    expect(fingerprint(`${one} me@home\n`)).toBe(fingerprint(one));
    expect(fingerprint(one)).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprint(one)).not.toBe(fingerprint(two));
  });
});

describe('the authorized keys', () => {
  test('are the same bytes for the same workers, in whatever order, each line with its unit', () => {
    const [a, b] = [
      { unit: 'ci/1', publicSsh: one },
      { unit: 'ci/2', publicSsh: `${two} other comment` },
    ];
    const { text, refused } = authorizedKeysFile([a, b]);
    expect(text).toBe(authorizedKeysFile([b, a, b]).text);
    expect(text.split('\n').sort()).toEqual(['', `${one} ci/1`, `${two} ci/2`].sort());
    expect(refused).toEqual([]);
  });

  test('leave a bad key out and name its unit, so that web starts all the same', () => {
    const bad = { unit: 'ci/3', publicSsh: `${one}\nssh-rsa AAAA attacker` };
    expect(authorizedKeysFile([bad, { unit: 'ci/1', publicSsh: two }])).toEqual({
      text: `${two} ci/1\n`,
      refused: [{ unit: 'ci/3', problem: 'not an ssh-rsa key' }],
    });
  });
});

test('host keys stand one on a line, each once, without comments', () => {
  expect(hostKeyFile([`${one} web`, one])).toBe(`${one}\n`);
});
