// How the exporter asks Concourse: one token for many looks, renewed in time and when it is refused, and what it says when
// web does not answer as it should.
import { expect, test } from 'vitest';
import { look } from '../../../src/exporter/collect.ts';
import type { ExporterSettings } from '../../../src/exporter/settings.ts';
import { FakeHttp } from '../../support/fake-http.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const settings: ExporterSettings = {
  url: 'http://web',
  user: 'admin',
  password: 'hush-hush-hush',
  address: '127.0.0.1',
  port: 0,
  figures: '',
  version: '3',
};

/** A web whose tokens count up; only the newest is taken. */
function web() {
  const http = new FakeHttp();
  const asked: string[] = [];
  const state = { token: 0, jobs: '[]' as string | undefined, issues: true, accepted: 0 };
  http.onProbe = (url, request) => {
    const path = url.slice('http://web'.length);
    asked.push(`${request?.method} ${path}`);
    if (path === '/sky/issuer/token') {
      if (!state.issues || !request?.body?.includes('password=hush-hush-hush'))
        return { status: 401, body: '{}' };
      state.token += 1;
      state.accepted = state.token;
      return { status: 200, body: JSON.stringify({ access_token: `t${state.token}`, expires_in: 100 }) };
    }
    if (request?.headers['authorization'] !== `Bearer t${state.accepted}`) return { status: 401, body: '' };
    if (state.jobs === undefined) return undefined;
    return { status: 200, body: path === '/api/v1/jobs' ? state.jobs : '[]' };
  };
  return { host: { http, clock: new VirtualClock() }, asked, state };
}

test('one token serves until a fifth of its life is left', async () => {
  const { host, asked, state } = web();
  const first = await look(host, settings, undefined);
  expect(first).toMatchObject({ problem: undefined, token: { text: 't1' } });
  const second = await look(host, settings, first.token);
  expect(second.token).toEqual(first.token);
  expect(asked.filter((line) => line.includes('token'))).toHaveLength(1);
  host.clock.advance(80_000);
  expect((await look(host, settings, second.token)).token?.text).toBe('t2');
  expect(state.token).toBe(2);
});

test('a token that is refused before its time is renewed once', async () => {
  const { host, state } = web();
  const first = await look(host, settings, undefined);
  state.accepted = 99;
  expect(await look(host, settings, first.token)).toMatchObject({
    problem: undefined,
    token: { text: 't2' },
  });
});

test('a web that gives no token is asked for none in the same look', async () => {
  const { host, state, asked } = web();
  state.issues = false;
  expect(await look(host, settings, undefined)).toEqual({
    jobs: undefined,
    token: undefined,
    problem: 'web gave no token',
  });
  expect(asked).toEqual(['POST /sky/issuer/token']);
});

test.each([
  ['does not answer', undefined],
  ['answers with something else', '{"error":"x"}'],
  ['answers with no JSON', '<html>'],
])('jobs are not known when web %s', async (_what, body) => {
  const { host, state } = web();
  state.jobs = body;
  const seen = await look(host, settings, undefined);
  expect(seen).toMatchObject({ jobs: undefined, token: { text: 't1' } });
  expect(seen.problem).toMatch(/^web did not list jobs and pipelines/);
  expect(seen.problem).not.toContain('hush');
});
