import { describe, expect, test } from 'vitest';
import { describeFailure, type ReleaseFailure } from '../../../src/release/failures.ts';

const url = `https://user:secret@${'mirror.'.repeat(12)}example/some/folder/concourse-8.2.0-linux-amd64.tgz?token=secret`;
const long = 'x'.repeat(300);

/** One of each: the compiler sees to it that none is left out. */
const every: { [Code in ReleaseFailure['code']]: Extract<ReleaseFailure, { code: Code }> } = {
  'bad-mirror': { code: 'bad-mirror', url: 'ftp://x', reason: 'it must begin with https:// or http://' },
  'bad-sha256-option': { code: 'bad-sha256-option', value: long },
  'not-found': { code: 'not-found', url, version: '8.2.0' },
  forbidden: { code: 'forbidden', url, status: 403 },
  'rate-limited': { code: 'rate-limited', url, status: 429 },
  'server-error': { code: 'server-error', url, status: 500 },
  unreachable: { code: 'unreachable', url, reason: long },
  truncated: { code: 'truncated', url, receivedBytes: 1.2e6, expectedBytes: 934e6 },
  'changed-under-way': { code: 'changed-under-way', url },
  'no-digest': { code: 'no-digest', version: '8.2.0', url, reason: long },
  'resource-without-digest': { code: 'resource-without-digest', version: '8.2.0', sha256: 'ab'.repeat(32) },
  'wrong-digest': {
    code: 'wrong-digest',
    source: 'concourse-8.2.0-linux-amd64.tgz',
    algorithm: 'sha256',
    expected: 'ab'.repeat(32),
    found: 'cd'.repeat(32),
    from: 'option',
  },
  'archive-refused': { code: 'archive-refused', entry: long, reason: long },
  'archive-damaged': { code: 'archive-damaged', source: 'the resource', reason: long },
  'wrong-architecture': { code: 'wrong-architecture', found: 'arm64', wanted: 'amd64' },
  'wrong-version': { code: 'wrong-version', found: '8.1.0', wanted: '8.2.0' },
  'no-space': { code: 'no-space', path: '/var/lib/concourse', neededBytes: 2.5e9, freeBytes: 1e9 },
  'no-free-files': { code: 'no-free-files', path: '/var/lib/concourse', freeFiles: 3, neededFiles: 500 },
  'read-only': { code: 'read-only', path: '/var/lib/concourse' },
  'not-executable': { code: 'not-executable', path: '/var/lib/concourse', reason: 'permission denied' },
  'volume-broken': { code: 'volume-broken', path: '/var/lib/concourse', errorCode: 'EIO' },
};

describe('every failure', () => {
  test.each(Object.values(every))(
    '$code fits a status, says what to do next, and keeps secrets',
    (failure) => {
      const text = describeFailure(failure, 'ci');
      expect(text.message.length).toBeLessThanOrEqual(120);
      expect(text.message.length).toBeGreaterThan(15);
      expect(text.next.length).toBeGreaterThan(10);
      expect(`${text.message}${text.next}`).not.toContain('secret');
      expect(`${text.message}${text.next}`).not.toContain('undefined');
    },
  );
});

test('missing space is told as what is missing', () => {
  expect(describeFailure(every['no-space'], 'ci').message).toContain('1.50 GB more needed');
});

test('a resource that nobody vouches for comes with the command that does', () => {
  expect(describeFailure(every['resource-without-digest'], 'ci').next).toContain(
    `juju config ci release-sha256=${'ab'.repeat(32)}`,
  );
});
