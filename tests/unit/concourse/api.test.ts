import { expect, test } from 'vitest';

import { parseToken, parseWorkers, pruneRequest, tokenRequest } from '../../../src/concourse/api.ts';

test('the password is in the body of the request for a token, encoded', () => {
  const request = tokenRequest({ user: 'admin', password: 'a&b=c d' });
  expect(request).toMatchObject({
    method: 'POST',
    path: '/sky/issuer/token',
    headers: { authorization: 'Basic Zmx5OlpteDU=' },
  });
  expect(new URLSearchParams(request.body).get('password')).toBe('a&b=c d');
});

test("a worker's name is one part of the path, whatever is in it", () => {
  expect(pruneRequest('t', 'a/b?c')).toMatchObject({
    method: 'PUT',
    path: '/api/v1/workers/a%2Fb%3Fc/prune',
  });
});

test('workers are read as far as the charm knows them; an unknown state counts as stalled', () => {
  const body = JSON.stringify([
    { name: 'a', version: '2.5', state: 'running', tags: [], addr: 'x' },
    { name: 'b', state: 'resting' },
  ]);
  expect(parseWorkers(body)).toEqual([
    { name: 'a', version: '2.5', state: 'running' },
    { name: 'b', version: '', state: 'stalled' },
  ]);
});

test.each(['', 'not authorized', '{}', '[1]', 'null'])(
  '%j is neither a token nor a list of workers',
  (body) => {
    expect(parseToken(body)).toBeUndefined();
    expect(parseWorkers(body)).toBeUndefined();
  },
);
