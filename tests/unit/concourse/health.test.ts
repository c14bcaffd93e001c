import { expect, test } from 'vitest';

import {
  registration,
  type Probe,
  webDatabase,
  webFailure,
  webInfo,
  workerHealthy,
} from '../../../src/concourse/health.ts';

const answering = (answers: Record<string, { status: number; body: string }>): Probe => ({
  probe: async (url) => answers[url],
});
const WEB = 'http://10.0.0.1:8080';
const said = (status: number, body: string) =>
  webInfo(answering({ [`${WEB}/api/v1/info`]: { status, body } }), WEB, 1000);

test('web tells its version and the one that workers need', async () => {
  const body =
    '{"version":"8.2.0","worker_version":"2.5","feature_flags":{},"external_url":"http://x","cluster_name":"c"}';
  expect(await said(200, body)).toEqual({ version: '8.2.0', workerVersion: '2.5' });
});

test.each([
  ['another status', 503, '{"version":"8.2.0","worker_version":"2.5"}'],
  ['no JSON', 200, '<html>'],
  ['JSON without a version', 200, '{}'],
])('%s is no web', async (_, status, body) => {
  expect(await said(status, body)).toBeUndefined();
});

test('no answer is no web, and no healthy worker', async () => {
  expect(await webInfo(answering({}), WEB, 1000)).toBeUndefined();
  expect(await workerHealthy(answering({}), '127.0.0.1', 8888, 1000)).toBe(false);
});

test('a worker is healthy by its status alone: releases before 8.2 have no body', async () => {
  const at = (status: number) => answering({ 'http://127.0.0.1:8888/': { status, body: '' } });
  expect(await workerHealthy(at(200), '127.0.0.1', 8888, 1000)).toBe(true);
  expect(await workerHealthy(at(503), '127.0.0.1', 8888, 1000)).toBe(false);
});

test.each([
  ['readable', { status: 200, body: '[]' }],
  ['unreadable', { status: 500, body: 'failed to decrypt data that is encrypted' }],
  ['silent', undefined],
] as const)('the database is %s', async (expected, answer) => {
  const http: Probe = { probe: async () => answer };
  expect(await webDatabase(http, WEB, 1000)).toBe(expected);
});

const beacon = (what: string, error?: string): string =>
  JSON.stringify({
    timestamp: '2026-10-02T10:00:00.123456789Z',
    level: error === undefined ? 'info' : 'error',
    source: 'worker',
    message: `worker.beacon-runner.beacon.${what}`,
    data: { ...(error !== undefined && { error }), session: '4.1' },
  });
const REGISTERED = beacon('registered');
const GATEWAY = 'failed to establish SSH connection with gateway: ssh: handshake failed:';

test.each([
  ['nothing yet', [], { state: 'unknown' }],
  [
    'other lines only',
    ['not json', '{"level":"info","msg":"containerd"}', beacon('heartbeated')],
    { state: 'unknown' },
  ],
  ['registered', [REGISTERED], { state: 'registered' }],
  [
    'lost',
    [REGISTERED, beacon('exited-with-error', 'EOF')],
    { state: 'unregistered', reason: 'other', detail: 'EOF' },
  ],
  ['back again', [beacon('exited-with-error', 'EOF'), REGISTERED], { state: 'registered' }],
  [
    'the wrong host',
    [beacon('exited-with-error', `${GATEWAY} remote host public key mismatch`)],
    { state: 'unregistered', reason: 'host key mismatch' },
  ],
  [
    'the wrong key',
    [
      beacon(
        'exited-with-error',
        `${GATEWAY} ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain`,
      ),
    ],
    { state: 'unregistered', reason: 'key not authorised' },
  ],
  [
    'no web',
    [beacon('failed-to-dial', 'all worker SSH gateways unreachable')],
    { state: 'unregistered', reason: 'unreachable' },
  ],
])('a worker whose log has %s', (_, lines, expected) => {
  expect(registration(lines)).toMatchObject(expected);
});

test.each([
  [
    'error: default team auth not configured: auth config for the team does not have users and groups configured',
    'no user may log in to the main team',
  ],
  [
    'error: failed to connect to `host=db`: server error (FATAL: password authentication failed for user "u" (SQLSTATE 28P01))',
    'PostgreSQL refuses the user or password',
  ],
  ['error: dial tcp 127.0.0.1:5432: connect: connection refused', 'PostgreSQL cannot be reached'],
  ['error: pq: SSL is not enabled on the server', 'PostgreSQL has no TLS, and sslmode asks for it'],
  ['error: listen tcp 0.0.0.0:8080: bind: address already in use', 'another program listens on its port'],
  ['panic: reflect: call of reflect.Value.Set on func Value', 'it panicked'],
  ['error: something that nobody has seen yet', undefined],
])('web that ended with "%s" is explained', (line, explanation) => {
  expect(webFailure(['{"level":"info","message":"atc.cmd.start"}', line, 'goroutine 1 [running]:'])).toEqual({
    explanation,
    line,
  });
});

test('where web still runs, its last error is what is wrong; no error is no failure', () => {
  const error = '{"level":"error","message":"atc.db.failed","data":{"error":"dial tcp: i/o timeout"}}';
  expect(webFailure([error])).toEqual({
    explanation: 'PostgreSQL cannot be reached',
    line: 'dial tcp: i/o timeout',
  });
  expect(webFailure(['{"level":"info","message":"atc.listening"}'])).toBeUndefined();
});
