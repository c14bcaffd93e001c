// When web asks for a certificate anew, and which one it serves meanwhile.
import { expect, test } from 'vitest';
import { standing } from '../../../src/concourse/renewal.ts';
import type { SigningRequest } from '../../../src/relations/certificates.ts';
import { Authority } from '../../support/authority.ts';
import { fixedKey } from '../../support/fake-random.ts';

const now = Date.UTC(2026, 10, 24);
const dayMs = 24 * 3_600_000;
const authority = new Authority('Root', now - 1000 * dayMs);
const names = ['ci.example.com'];
const first: SigningRequest = { names, key: fixedKey(2).privatePem, csr: 'first', madeAt: now - 100 * dayMs };
const second: SigningRequest = { names, key: fixedKey(3).privatePem, csr: 'second', madeAt: now - dayMs };
const answerTo = ({ key, csr }: SigningRequest, from: number, to: number, more = {}) => ({
  certificate: authority.issue(key, { names, notBefore: now + from * dayMs, notAfter: now + to * dayMs }),
  certificate_signing_request: `${csr}\n`,
  ca: authority.certificate,
  chain: [],
  ...more,
});
const seen = (requests: SigningRequest[], answers: ReturnType<typeof answerTo>[], wanted = names) =>
  standing({ requests, answers, names: wanted, host: wanted[0], now });

test('without a request one is due', () => {
  expect(seen([], [])).toMatchObject({ pair: undefined, asked: [], due: true });
});

test('a request is waited for, and nothing else is asked', () => {
  expect(seen([first], [])).toMatchObject({ pair: undefined, asked: ['first'], due: false });
});

test('a certificate serves until nine tenths of its life are over', () => {
  const young = seen([first], [answerTo(first, -80, 20)]);
  expect(young).toMatchObject({ due: false, lookAt: now + 10 * dayMs, ends: undefined });
  expect(young.pair).toBeDefined();
  expect(seen([first], [answerTo(first, -95, 5)])).toMatchObject({ due: true, asked: ['first'] });
});

test('while the next one is awaited both are asked for, the first one serves, and its end is known', () => {
  const waiting = seen([first, second], [answerTo(first, -95, 5)]);
  expect(waiting).toMatchObject({ due: false, asked: ['first', 'second'], ends: now + 5 * dayMs });
  const renewed = seen([first, second], [answerTo(first, -95, 5), answerTo(second, -1, 99)]);
  expect(renewed).toMatchObject({ due: false, asked: ['second'], ends: undefined });
  expect(renewed.pair?.notAfter).toBe(now + 99 * dayMs);
});

test.each([
  ['revoked', answerTo(first, -10, 90, { revoked: true }), 'the certificate was revoked'],
  ['expired', answerTo(first, -90, -1), 'the certificate expired on 2026-11-23'],
])('one that is %s is asked for again', (_what, answer, problem) => {
  expect(seen([first], [answer])).toMatchObject({ pair: undefined, due: true, problem });
});

test('an authority that answers with nothing of use is asked once an hour', () => {
  const hasty = { ...first, madeAt: now - 60_000 };
  const result = seen([hasty], [answerTo(hasty, -90, -1)]);
  expect(result).toMatchObject({ due: false, lookAt: now - 60_000 + 3_600_000 });
});

test('for another name it is asked for at once; an answer for the wrong one is not served', () => {
  const result = seen([first], [answerTo(first, -1, 99)], ['builds.example.com']);
  expect(result).toMatchObject({ pair: undefined, due: true });
  expect(result.problem).toMatch(/^the certificate is not for builds\.example\.com/);
});
