// The charm's own encryption key in web's environment, beside what an operator sets.
import { describe, expect, test } from 'vitest';
import { encryptionEnvironment, hasEncryptionKey } from '../../../src/concourse/encryption.ts';

describe("the charm's encryption key", () => {
  test.each([
    ['none yet', { key: undefined, old: undefined }, {}, {}],
    ['the first', { key: 'one', old: undefined }, {}, { CONCOURSE_ENCRYPTION_KEY: 'one' }],
    [
      'the second',
      { key: 'two', old: 'one' },
      {},
      { CONCOURSE_ENCRYPTION_KEY: 'two', CONCOURSE_OLD_ENCRYPTION_KEY: 'one' },
    ],
    [
      "an operator's own: what the charm had is the old one",
      { key: 'two', old: 'one' },
      { CONCOURSE_ENCRYPTION_KEY_HEX: '00' },
      { CONCOURSE_OLD_ENCRYPTION_KEY: 'two' },
    ],
    [
      "an operator's own, with an old one",
      { key: 'two', old: 'one' },
      { CONCOURSE_ENCRYPTION_KEY: 'mine', CONCOURSE_OLD_ENCRYPTION_KEY: 'former' },
      {},
    ],
    [
      'an operator who only ends encryption',
      { key: 'two', old: undefined },
      { CONCOURSE_OLD_ENCRYPTION_KEY: 'two' },
      {},
    ],
  ])('%s', (_what, managed, operator, expected) => {
    expect(encryptionEnvironment(managed, operator)).toEqual(expected);
  });

  test('an operator has one as soon as either is set, in any form', () => {
    expect(hasEncryptionKey({ CONCOURSE_OLD_ENCRYPTION_KEY: 'x' })).toBe(true);
    expect(hasEncryptionKey({ CONCOURSE_ENCRYPTION_KEY_BASE64: 'x' })).toBe(true);
    expect(hasEncryptionKey({ CONCOURSE_TSA_HOST_KEY: '/etc/concourse/tsa_host_key' })).toBe(false);
  });
});
