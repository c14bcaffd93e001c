// A certificate and its key: what web would be given, and every reason for which it is not.
import { X509Certificate } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { certificatePair, type PairParts } from '../../../src/concourse/certificate.ts';
import { Authority } from '../../support/authority.ts';
import { fixedKey } from '../../support/fake-random.ts';

const now = Date.UTC(2026, 10, 24);
const dayMs = 24 * 3_600_000;
const root = new Authority('Root', now);
const middle = new Authority('Middle', now, root);
const key = fixedKey(2).privatePem;
const wanted = { names: ['ci.example.com', '10.0.0.10'], notBefore: now - dayMs, notAfter: now + 30 * dayMs };
const leaf = middle.issue(key, wanted);
const given: PairParts = { certificates: [leaf], key, now, host: undefined };
const read = (parts: Partial<PairParts>) => certificatePair({ ...given, ...parts });
const subjects = (parts: Partial<PairParts>) => {
  const result = read(parts);
  if ('problem' in result) throw new Error(result.problem);
  const blocks = result.pair.certificate.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((pem) => new X509Certificate(pem).subject);
};

test('a pair is taken with its dates and its first name, the key as PKCS#8', () => {
  const result = read({ host: 'ci.example.com' });
  expect(result).toMatchObject({
    pair: { notBefore: now - dayMs, notAfter: now + 30 * dayMs, name: 'ci.example.com' },
  });
  expect(JSON.stringify(result)).toContain('BEGIN PRIVATE KEY');
});

test.each([
  ['in order', [leaf, middle.certificate, root.certificate]],
  ['upside down', [root.certificate, middle.certificate, leaf]],
  ['in one text, with words between', [`Subject: x\n${middle.certificate}\nand\n${leaf}`, root.certificate]],
  ['with some of it twice', [leaf, leaf, middle.certificate, middle.certificate]],
])('a chain %s becomes leaf first, without the authority that vouches for itself', (_how, certificates) => {
  expect(subjects({ certificates })).toEqual(['CN=ci.example.com', 'CN=Middle']);
});

test('a certificate that vouches for itself is served alone', () => {
  const own = new Authority('ci.example.com', now);
  expect(subjects({ certificates: [own.certificate], key: fixedKey(0).privatePem })).toEqual([
    'CN=ci.example.com',
  ]);
});

test('an elliptic key is as good', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  expect(read({ key: pem })).toEqual({ problem: 'private-key is not that of the certificate' });
});

describe('is refused', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const locked = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  test.each<[string, Partial<PairParts>, string]>([
    ['the key of another', { key: fixedKey(3).privatePem }, 'private-key is not that of the certificate'],
    [
      'a key that is none',
      { key: 'hunter2' },
      'private-key is no private key in PEM form without a passphrase',
    ],
    ['a locked key', { key: locked }, 'private-key is no private key in PEM form without a passphrase'],
    ['no certificate', { certificates: ['', 'x'] }, 'there is no certificate in PEM form in it'],
    [
      'a damaged one',
      { certificates: [leaf, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'] },
      'certificate 2 of 2 cannot be read',
    ],
    [
      'that of another name',
      { host: 'other.example.com' },
      'the certificate is not for other.example.com, but for DNS:ci.example.com, IP Address:10.0.0.10',
    ],
    [
      'that of another address',
      { host: '10.0.0.11' },
      'the certificate is not for 10.0.0.11, but for DNS:ci.example.com, IP Address:10.0.0.10',
    ],
  ])('%s', (_what, parts, problem) => {
    expect(read(parts)).toEqual({ problem });
  });

  test('the clock is told apart: web starts with one that is out of date, too', () => {
    const outOfDate = (at: number) => {
      const found = read({ now: at });
      return 'pair' in found ? found.outOfDate : found.problem;
    };
    expect(outOfDate(now)).toBeUndefined();
    expect(outOfDate(now + 31 * dayMs)).toBe('the certificate expired on 2026-12-24');
    expect(outOfDate(now - 2 * dayMs)).toBe('the certificate is not valid before 2026-11-23');
  });

  test('one that has its name in the subject alone, which browsers and fly do not read', () => {
    const bare = root.issue(key, { ...wanted, names: [] });
    expect(read({ certificates: [bare], host: 'nobody' })).toEqual({
      problem: 'the certificate is not for nobody, but for no name',
    });
  });

  test('a pattern is for what it covers, and gives no name to a URL', () => {
    const pattern = root.issue(key, { ...wanted, names: ['*.example.com'] });
    expect(read({ certificates: [pattern], host: 'ci.example.com' })).toMatchObject({
      pair: { name: undefined },
    });
  });
});
