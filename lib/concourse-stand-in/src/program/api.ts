// Web's API, as far as a charm asks it: an answer for each request, without a socket in sight.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { answerBuilds } from './one-off.ts';
import { isAtLeast, version, workerVersion } from './build.ts';
import type { Database, StoredWorker } from './database.ts';

export interface Situation {
  database: Database;
  /** Local users and their passwords. */
  users: ReadonlyMap<string, string>;
  /** What tokens are made from. */
  secret: string | Buffer;
  ttlMs: number;
  /** Workers that have a connection now. */
  connected: ReadonlySet<string>;
}

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string;
  body: string;
}

export interface Answer {
  status: number;
  /** An object is sent as JSON. */
  body: object | string;
}

export function answer(request: Request, situation: Situation): Answer {
  const { path } = request;
  const workers = situation.database.workers(situation.ttlMs, situation.connected);
  if (path === '/api/v1/info') return { status: 200, body: info() };
  if (path === '/api/v1/teams/main/pipelines') return { status: 200, body: [] };
  if (path === '/api/v1/health' && isAtLeast(8, 3)) return { status: 200, body: health(workers) };
  if (path === '/sky/issuer/token') return giveToken(request.body, situation);
  if (path === '/') return { status: 200, body: `A stand-in for Concourse ${version}: no real builds.\n` };
  if (/^\/api\/v1\/(builds|teams\/main\/(builds|containers))\b/.test(path))
    return isAllowed(request.authorization, situation)
      ? answerBuilds(request, situation.database, workers)
      : { status: 401, body: 'not authorized' };
  const listed = listedJobs(path);
  if (listed !== undefined && isAllowed(request.authorization, situation))
    return { status: 200, body: listed };
  if (listed === undefined && !path.startsWith('/api/v1/workers')) return { status: 404, body: '' };
  if (!isAllowed(request.authorization, situation)) return { status: 401, body: 'not authorized' };
  const name = /^\/api\/v1\/workers\/([^/]+)\/prune$/.exec(path)?.[1];
  if (name !== undefined && request.method === 'PUT') {
    return prune(decodeURIComponent(name), workers, situation.database);
  }
  const all = workers.map((worker) => ({ ...worker, platform: 'linux', tags: [], team: '' }));
  return { status: 200, body: all };
}

/** Jobs of all teams and their pipelines, as a test wrote them to the file that CONCOURSE_STAND_IN_JOBS names. */
function listedJobs(path: string): object[] | undefined {
  if (path !== '/api/v1/jobs' && path !== '/api/v1/pipelines') return undefined;
  const file = process.env.CONCOURSE_STAND_IN_JOBS;
  const jobs: { team_name: string; pipeline_name: string }[] =
    file === undefined ? [] : JSON.parse(readFileSync(file, 'utf8'));
  if (path === '/api/v1/jobs') return jobs;
  const pipelines = new Map(
    jobs.map(({ team_name, pipeline_name: name }) => [`${team_name}/${name}`, { team_name, name }]),
  );
  return [...pipelines.values()];
}

const info = (): object => ({
  version,
  worker_version: workerVersion,
  feature_flags: { global_resources: false, resource_causality: false },
  external_url: process.env.CONCOURSE_EXTERNAL_URL ?? 'http://127.0.0.1:8080',
  ...(process.env.CONCOURSE_CLUSTER_NAME && { cluster_name: process.env.CONCOURSE_CLUSTER_NAME }),
});

function health(workers: readonly StoredWorker[]): object {
  const running = workers.filter((worker) => worker.state === 'running').length;
  return {
    status: running > 0 ? 'ok' : 'degraded',
    database: 'ok',
    workers: { total: workers.length, running },
  };
}

function prune(name: string, workers: readonly StoredWorker[], database: Database): Answer {
  const worker = workers.find((candidate) => candidate.name === name);
  if (!worker) return { status: 404, body: '' };
  if (worker.state === 'running') return { status: 400, body: { stderr: 'cannot prune running worker' } };
  database.forget(name);
  return { status: 200, body: '' };
}

function giveToken(body: string, { users, secret }: Situation): Answer {
  const form = new URLSearchParams(body);
  const user = form.get('username') ?? '';
  if (!users.has(user) || users.get(user) !== form.get('password')) {
    const error_description = 'Invalid username or password';
    return { status: 401, body: { error: 'access_denied', error_description } };
  }
  return {
    status: 200,
    body: { access_token: token(secret, user), token_type: 'bearer', expires_in: 86_400 },
  };
}

const isAllowed = (authorization: string, { users, secret }: Situation): boolean =>
  [...users.keys()].some((user) => authorization === `Bearer ${token(secret, user)}`);

/** The same after a restart, as long as the signing key is: 38 characters, like the real ones. */
const token = (secret: string | Buffer, user: string): string =>
  createHash('sha256').update(secret).update(user).digest('base64url').slice(0, 38);
