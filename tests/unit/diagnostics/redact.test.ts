// What is taken out of diagnostics, and what stays.
import { describe, expect, test } from 'vitest';
import { redact, redactEnvironment } from '../../../src/diagnostics/redact.ts';

describe('an environment file', () => {
  test('keeps what is known to be harmless and paths, and nothing else', () => {
    const { text, secrets } = redactEnvironment(
      [
        'CONCOURSE_BIND_PORT="8080"',
        'CONCOURSE_TSA_HOST_KEY="/etc/concourse/tsa_host_key"',
        'CONCOURSE_POSTGRES_PASSWORD="hunter2hunter2"',
        'CONCOURSE_ADD_LOCAL_USER="admin:correct-horse,alice:battery-staple"',
        'CONCOURSE_SOMETHING_NEW="who-knows-what"',
        'CHARM_RELEASE="8.1.0"',
      ].join('\n'),
    );
    expect(text.trim().split('\n')).toEqual([
      'CONCOURSE_BIND_PORT=8080',
      'CONCOURSE_TSA_HOST_KEY=/etc/concourse/tsa_host_key',
      'CONCOURSE_POSTGRES_PASSWORD=(14 characters)',
      'CONCOURSE_ADD_LOCAL_USER=(40 characters)',
      'CONCOURSE_SOMETHING_NEW=(14 characters)',
      'CHARM_RELEASE=8.1.0',
    ]);
    expect(redact('pw correct-horse and battery-staple', secrets)).toBe('pw (secret) and (secret)');
  });
});

test.each([
  ['postgresql://me:secret@db/ci', 'postgresql://…@db/ci'],
  ['authorization: Bearer abcdefgh12345678', 'authorization: Bearer (token)'],
  ['x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y', 'x (private key) y'],
  ['alice:$2y$10$abcdefghijklmnopqrstuv0123456789ABCDEFGHIJKLM', 'alice:(hash)'],
  ['nothing secret at https://ci.example.com/', 'nothing secret at https://ci.example.com/'],
])('%j becomes %j', (text, expected) => {
  expect(redact(text, [])).toBe(expected);
});
