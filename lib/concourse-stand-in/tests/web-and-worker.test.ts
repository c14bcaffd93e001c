// Web and workers as running processes: registration, signals, tasks and faults.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Behaviour } from '../src/index.ts';
import {
  appears,
  end,
  isGone,
  type Environment,
  type KeyPair,
  keyPair,
  type Program,
  run,
  Stage,
  unpackedRelease,
} from './programs.ts';

const ADDRESS = '127.0.20.1';
const API = `http://${ADDRESS}:8080`;
const REGISTERED = 'worker.beacon-runner.beacon.registered';

let releases: Stage;
let stage: Stage;
let release: string;
let hostKey: KeyPair;
let workerKey: KeyPair;

beforeAll(async () => {
  releases = new Stage();
  release = await unpackedRelease(releases.directory, { version: '8.2.0' });
  [hostKey, workerKey] = [keyPair(), keyPair()];
});
afterAll(() => releases.close());
beforeEach(() => {
  stage = new Stage();
  stage.write('host_key', hostKey.privatePem);
  stage.write('host_key.pub', `${hostKey.publicSsh}\n`);
  stage.write('worker_key', workerKey.privatePem);
  stage.write('authorized', `${workerKey.publicSsh} concourse/1\n`);
});
afterEach(() => stage.close());

const fault = (behaviour: Behaviour): Environment => ({
  CONCOURSE_STAND_IN_BEHAVIOUR: JSON.stringify(behaviour),
});

function startWeb(env: Environment = {}, from = release): Program {
  return stage.start(`${from}/bin/concourse`, ['web'], {
    CONCOURSE_BIND_IP: ADDRESS,
    CONCOURSE_TSA_BIND_IP: ADDRESS,
    CONCOURSE_TSA_HOST_KEY: stage.path('host_key'),
    CONCOURSE_TSA_AUTHORIZED_KEYS: stage.path('authorized'),
    CONCOURSE_SESSION_SIGNING_KEY: stage.path('host_key'),
    CONCOURSE_POSTGRES_USER: 'concourse',
    CONCOURSE_STAND_IN_DB: stage.path('database'),
    CONCOURSE_ADD_LOCAL_USER: 'admin:secret',
    CONCOURSE_MAIN_TEAM_LOCAL_USER: 'admin',
    CONCOURSE_CLUSTER_NAME: 'test',
    ...env,
  });
}

function startWorker(env: Environment = {}, from = release): Program {
  return stage.start(`${from}/bin/concourse`, ['worker'], {
    CONCOURSE_NAME: 'concourse-1',
    CONCOURSE_WORK_DIR: stage.path('work'),
    CONCOURSE_TSA_HOST: `${ADDRESS}:2222`,
    CONCOURSE_TSA_PUBLIC_KEY: stage.path('host_key.pub'),
    CONCOURSE_TSA_WORKER_PRIVATE_KEY: stage.path('worker_key'),
    CONCOURSE_HEALTHCHECK_BIND_IP: ADDRESS,
    ...env,
  });
}

/** A command under a shim; `release` ends it, `appears` on its files tells of it. */
function startTask(
  id: string,
  command: string,
  job: { interruptible?: boolean } = {},
): { file(suffix: string): string; status(): Promise<string> } {
  const file = (suffix: string): string => stage.path('work/tasks', `${id}.${suffix}`);
  writeFileSync(file('json'), JSON.stringify({ command, ...job }));
  return { file, status: () => appears(file('status')) };
}

/** Runs until the file `go` is there, or the folder is gone: one whose shim was killed has nobody to end it. */
const UNTIL_GO = 'echo begun; while [ ! -e go ] && [ -e ../tasks ]; do sleep 0.02; done; echo done';
const go = (): void => writeFileSync(stage.path('work/tasks/go'), '');

async function ask(path: string, method = 'GET', body?: string): Promise<Response> {
  const form = new URLSearchParams({ grant_type: 'password', username: 'admin', password: 'secret' });
  const login = await fetch(`${API}/sky/issuer/token`, { method: 'POST', body: form });
  const { access_token } = (await login.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${access_token}` };
  return fetch(`${API}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
}

async function workers(): Promise<{ name: string; state: string }[]> {
  const list = (await (await ask('/api/v1/workers')).json()) as { name: string; state: string }[];
  return list.map(({ name, state }) => ({ name, state }));
}

const order = (command: string, name: string) =>
  run(`${release}/bin/concourse`, [command, '--name', name], {
    CONCOURSE_TSA_HOST: `${ADDRESS}:2222`,
    CONCOURSE_TSA_PUBLIC_KEY: stage.path('host_key.pub'),
    CONCOURSE_TSA_WORKER_PRIVATE_KEY: stage.path('worker_key'),
  });

test('web answers /api/v1/info, and ends with 0 at SIGTERM', async () => {
  const web = startWeb();
  await web.said('atc.listening');
  await web.said('tsa.listening');
  expect(await (await fetch(`${API}/api/v1/info`)).json()).toMatchObject({
    version: '8.2.0',
    worker_version: '2.5',
    cluster_name: 'test',
  });
  expect((await fetch(`${API}/api/v1/workers`)).status).toBe(401);
  expect(await web.stop()).toBe(0);
});

test('web takes the schema up at its start, and leaves one that is newer alone', async () => {
  const older = await unpackedRelease(releases.directory, { version: '8.1.0' });
  const schema = async (): Promise<string> =>
    (
      await run(`${release}/bin/concourse`, ['migrate', '--current-db-version'], {
        CONCOURSE_POSTGRES_USER: 'concourse',
        CONCOURSE_STAND_IN_DB: stage.path('database'),
      })
    ).stdout;
  for (const [from, expected] of [
    [older, '1771492499\n'],
    [release, '1776182280\n'],
    [older, '1776182280\n'],
  ] as const) {
    const web = startWeb({}, from);
    await web.said('atc.listening');
    expect(await schema()).toBe(expected);
    await web.stop();
  }
});

test.each([
  [
    { CONCOURSE_MAIN_TEAM_LOCAL_USER: '' },
    'auth config for the team does not have users and groups configured',
  ],
  [{ CONCOURSE_POSTGRES_SSLMODE: 'prefer' }, "Invalid value `prefer' for option `--postgres-sslmode'"],
  [{ CONCOURSE_POSTGRES_USER: '' }, 'failed to connect to database'],
  [{ CONCOURSE_TSA_HOST_KEY: '/dev/null' }, 'asn1: structure error'],
])('web with %j ends with 1 and says why', async (env, reason) => {
  const web = startWeb(env);
  expect(await web.ended()).toBe(1);
  expect(web.lines.join('\n')).toMatch(new RegExp(`^error: .*${reason}`, 'm'));
});

test('a worker registers, is listed, and answers on its health port', async () => {
  await startWeb().said('tsa.listening');
  await startWorker().said(REGISTERED);
  expect(await workers()).toEqual([{ name: 'concourse-1', state: 'running' }]);
  expect(await (await fetch(`http://${ADDRESS}:8888/`)).json()).toMatchObject({ garden: { healthy: true } });
});

test('a worker whose key is not authorised is refused until web reads the keys again at SIGHUP', async () => {
  stage.write('authorized', '');
  const web = startWeb();
  await web.said('tsa.listening');
  const worker = startWorker();
  expect(await worker.said('exited-with-error')).toContain(
    'unable to authenticate, attempted methods [none publickey]',
  );
  stage.write('authorized', `${workerKey.publicSsh}\n`);
  web.signal('SIGHUP');
  await worker.said(REGISTERED);
});

test('a worker refuses a web with another host key, and its health port says 200 all the same', async () => {
  stage.write('host_key.pub', `${keyPair().publicSsh}\n`);
  await startWeb().said('tsa.listening');
  const worker = startWorker();
  expect(await worker.said('exited-with-error')).toContain('remote host public key mismatch');
  expect((await fetch(`http://${ADDRESS}:8888/`)).status).toBe(200);
});

test('a worker without a web tries for ever, and registers when it comes', async () => {
  const worker = startWorker();
  expect(await worker.said('exited-with-error')).toContain('all worker SSH gateways unreachable');
  startWeb();
  await worker.said(REGISTERED);
});

test('a worker registers again after web was restarted', async () => {
  const web = startWeb();
  await web.said('tsa.listening');
  const worker = startWorker();
  await worker.said(REGISTERED);
  const before = worker.lines.length;
  await web.stop();
  startWeb();
  await worker.said(REGISTERED, before);
  expect(await workers()).toEqual([{ name: 'concourse-1', state: 'running' }]);
});

test('a worker that is away is stalled after twice the heartbeat, and can be pruned then', async () => {
  await startWeb({ CONCOURSE_TSA_HEARTBEAT_INTERVAL: '1ms' }).said('tsa.listening');
  const worker = startWorker();
  await worker.said(REGISTERED);
  const prune = (): Promise<Response> => ask('/api/v1/workers/concourse-1/prune', 'PUT');
  expect((await prune()).status).toBe(400);
  expect(await worker.stop()).toBe(0);
  await expect.poll(workers).toEqual([{ name: 'concourse-1', state: 'stalled' }]);
  expect((await prune()).status).toBe(200);
  expect(await workers()).toEqual([]);
});

test('a one-off build waits for a worker, is taken by it and ends; its container says which one it was', async () => {
  await startWeb().said('tsa.listening');
  const builds = '/api/v1/teams/main/builds';
  expect((await ask(builds, 'POST', '{}')).status).toBe(400);
  const begun = await ask(builds, 'POST', JSON.stringify({ id: '1', task: { name: 'one-off' } }));
  expect(begun.status).toBe(201);
  expect(await begun.json()).toMatchObject({ id: 1, status: 'started', team_name: 'main' });
  const status = async (id: number) =>
    ((await (await ask(`/api/v1/builds/${id}`)).json()) as { status: string }).status;
  expect(await status(1)).toBe('started');
  await startWorker().said(REGISTERED);
  await expect.poll(() => status(1)).toBe('succeeded');
  const containers = await ask('/api/v1/teams/main/containers?build_id=1');
  expect(await containers.json()).toMatchObject([{ worker_name: 'concourse-1', type: 'task' }]);
  await ask(builds, 'POST', JSON.stringify({ id: '1' }));
  expect((await ask('/api/v1/builds/2/abort', 'PUT')).status).toBe(204);
  expect(await status(2)).toBe('aborted');
  expect((await ask('/api/v1/builds/3')).status).toBe(404);
});

describe('a task', () => {
  test('runs under a shim, and leaves its output, exit code and status', async () => {
    await startWeb().said('tsa.listening');
    await startWorker().said(REGISTERED);
    const good = startTask('good', 'echo hello');
    const bad = startTask('bad', 'exit 3');
    expect(await good.status()).toBe('succeeded\n');
    expect(readFileSync(good.file('log'), 'utf8')).toBe('hello\n');
    expect(await bad.status()).toBe('failed\n');
    expect(readFileSync(bad.file('exit'), 'utf8')).toBe('3\n');
  });

  test('goes on while its worker is restarted', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    const task = startTask('long', UNTIL_GO);
    await appears(task.file('log'));
    expect(await worker.stop()).toBe(0);
    const again = startWorker();
    await again.said('worker.tasks.attached');
    go();
    expect(await task.status()).toBe('succeeded\n');
    expect(readFileSync(task.file('log'), 'utf8')).toBe('begun\ndone\n');
  });

  test('that ends while its worker is away is in error', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    const task = startTask('long', UNTIL_GO);
    await appears(task.file('pid'));
    await worker.stop();
    go();
    await appears(task.file('exit'));
    startWorker();
    expect(await task.status()).toBe('errored proc not running: status = stopped\n');
  });

  test('whose shim was killed is in error when the worker is back', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    const task = startTask('long', UNTIL_GO);
    await appears(task.file('log'));
    await worker.stop();
    const shim = Number(readFileSync(task.file('pid'), 'utf8'));
    end(shim);
    await expect.poll(() => isGone(shim)).toBe(true);
    startWorker();
    expect(await task.status()).toBe('errored task attach: no running task found\n');
  });

  test('of an old worker is refused by a web of another major worker version', async () => {
    const newer = await unpackedRelease(releases.directory, { version: '8.3.0' });
    await startWeb({}, newer).said('tsa.listening');
    await startWorker().said(REGISTERED);
    expect(await startTask('any', 'true').status()).toBe(
      "errored no workers satisfying: resource type 'mock', version: '3.0'\n",
    );
  });
});

describe('leaving', () => {
  test('SIGUSR1 lands: waits for the task, ends with 0, and the next start is running again', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    const task = startTask('long', UNTIL_GO);
    await appears(task.file('log'));
    worker.signal('SIGUSR1');
    await worker.said('landing-worker');
    await expect.poll(workers).toEqual([{ name: 'concourse-1', state: 'landing' }]);
    go();
    expect(await worker.ended()).toBe(0);
    expect(await task.status()).toBe('succeeded\n');
    expect(await workers()).toEqual([{ name: 'concourse-1', state: 'landed' }]);
    await startWorker().said(REGISTERED);
    expect(await workers()).toEqual([{ name: 'concourse-1', state: 'running' }]);
  });

  test('SIGUSR1 does not wait for the task of an interruptible job, which goes on', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    const task = startTask('long', UNTIL_GO, { interruptible: true });
    await appears(task.file('log'));
    worker.signal('SIGUSR1');
    expect(await worker.ended()).toBe(0);
    expect(await workers()).toEqual([{ name: 'concourse-1', state: 'landed' }]);
    await startWorker().said('worker.tasks.attached');
    go();
    expect(await task.status()).toBe('succeeded\n');
  });

  test('SIGUSR2 retires: web forgets the worker', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    worker.signal('SIGUSR2');
    expect(await worker.ended()).toBe(0);
    expect(await workers()).toEqual([]);
  });

  test('without a web a worker that should leave ends all the same', async () => {
    const worker = startWorker();
    await worker.said('exited-with-error');
    worker.signal('SIGUSR2');
    expect(await worker.ended()).toBe(0);
    expect(worker.lines.join('\n')).toContain('all SSH gateways unreachable while draining');
  });

  test('land-worker and retire-worker work from elsewhere, with a worker key', async () => {
    await startWeb().said('tsa.listening');
    const worker = startWorker();
    await worker.said(REGISTERED);
    expect((await order('land-worker', 'concourse-1')).code).toBe(0);
    expect(await worker.ended()).toBe(0);
    expect(await workers()).toEqual([{ name: 'concourse-1', state: 'landed' }]);
    expect((await order('retire-worker', 'concourse-1')).code).toBe(1); // It has landed: prune.
    expect((await order('retire-worker', 'unknown')).code).toBe(0);
    expect((await order('land-worker', 'unknown')).code).toBe(1);
  });
});

describe('faults', () => {
  test('a silent web runs and never listens', async () => {
    const web = startWeb(fault({ web: 'silent' }));
    await web.said('atc.starting');
    await expect(fetch(`${API}/api/v1/info`)).rejects.toThrow();
    expect(await web.stop()).toBe(0);
  });

  test('a web and a worker that exit do so with 1 and the words asked for', async () => {
    const baked = await unpackedRelease(releases.directory, {
      version: '8.2.0',
      behaviour: { web: 'exits', worker: 'exits', exitMessage: 'no luck today' },
    });
    for (const program of [startWeb({}, baked), startWorker({}, baked)]) {
      expect(await program.ended()).toBe(1);
      expect(program.lines).toContain('error: no luck today');
    }
  });

  test('a slow start listens late', async () => {
    const began = performance.now();
    await startWeb(fault({ startDelayMs: 300 })).said('atc.listening');
    expect(performance.now() - began).toBeGreaterThan(300);
  });
});
