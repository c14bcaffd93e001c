// What the charm writes, run for real by a stand-in for Concourse: the files go to disk, the programs start from them, and the
// charm's own functions judge what they answer.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import {
  appears,
  isGone,
  keyPair,
  type KeyPair,
  type Program,
  run,
  Stage,
  unpackedRelease,
} from '../../../lib/concourse-stand-in/tests/programs.ts';
import {
  type ApiRequest,
  parseToken,
  parseWorkers,
  pruneRequest,
  tokenRequest,
  workersRequest,
} from '../../../src/concourse/api.ts';
import { parseEnvironmentFile } from '../../../src/concourse/environment-file.ts';
import {
  type Probe,
  registration,
  REGISTRATION_MARKS,
  webDatabase,
  webFailure,
  webInfo,
  workerHealthy,
} from '../../../src/concourse/health.ts';
import { authorizedKeysFile, keyProblem } from '../../../src/concourse/keys.ts';
import {
  currentSchema,
  type ConcourseCommand,
  migrateTo,
  parseSchema,
  supportedSchema,
} from '../../../src/concourse/migrations.ts';
import { parsePostgresUri } from '../../../src/concourse/postgres.ts';
import type { PlannedService } from '../../../src/concourse/service.ts';
import { TSA_PORT, webService, type WebSettings } from '../../../src/concourse/web.ts';
import {
  HEALTH_PORT,
  workerScriptPath,
  workerService,
  type WorkerSettings,
} from '../../../src/concourse/worker.ts';
import { certificatePair } from '../../../src/concourse/certificate.ts';
import { Authority } from '../../support/authority.ts';
import { fixedKey } from '../../support/fake-random.ts';
import { planOf, settingsOf, web, worker } from './settings.ts';

const WEB_ADDRESS = '127.0.20.2';
const WORKER_ADDRESS = '127.0.20.3';
const BASE = `http://${WEB_ADDRESS}:8080`;

const http: Probe = {
  probe: async (url, timeoutMs) => {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      return { status: answer.status, body: await answer.text() };
    } catch (error) {
      if (error instanceof TypeError) return undefined; // What fetch rejects with when nobody listens.
      throw error;
    }
  },
};

let releases: Stage;
let release: string;
let hostKey: KeyPair;
let workerKey: KeyPair;
let stage: Stage;
let webSettings: WebSettings;
let workerSettings: WorkerSettings;

beforeAll(async () => {
  releases = new Stage();
  release = await unpackedRelease(releases.directory, { version: '8.2.0' });
  [hostKey, workerKey] = [keyPair(), keyPair()];
});
afterAll(() => releases.close());

beforeEach(() => {
  stage = new Stage();
  const parsed = parsePostgresUri(
    `postgresql://ci:p%24w@/atc?host=${encodeURIComponent(stage.path('database'))}`,
  );
  if (!parsed.ok) throw new Error(parsed.problem.message);
  const place = { release, defaults: stage.path('default') };
  webSettings = {
    ...web,
    ...place,
    etc: stage.path('web'),
    address: WEB_ADDRESS,
    user: undefined,
    postgres: parsed.connection,
    keys: { tsaHostPem: hostKey.privatePem, sessionSigningPem: hostKey.privatePem },
    authorizedKeysPath: stage.path('authorized_worker_keys'),
  };
  workerSettings = {
    ...worker,
    ...place,
    etc: stage.path('worker'),
    run: stage.path('run'),
    workDirectory: stage.path('work_dir'),
    address: WORKER_ADDRESS,
    tsaHosts: [`${WEB_ADDRESS}:${TSA_PORT}`],
    tsaHostKeys: [hostKey.publicSsh],
    workerKeyPem: workerKey.privatePem,
  };
  authorize(workerKey);
});
afterEach(() => stage.close());

const authorize = (...keys: KeyPair[]): void => {
  const workers = keys.map(({ publicSsh }) => ({ unit: 'concourse-ci/1', publicSsh }));
  stage.write('authorized_worker_keys', authorizedKeysFile(workers).text);
};

/** Writes the plan's files and starts its program, as systemd would. */
function start(planned: PlannedService): Program {
  const plan = planOf(planned);
  for (const { path, content, mode } of plan.files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
  }
  const [program = '', ...args] = (settingsOf(plan.unit, 'ExecStart')[0] ?? '').split(' ');
  return stage.start(program, args, parseEnvironmentFile(plan.files[0]?.content ?? ''));
}

const judged = (program: Program) =>
  registration(program.lines.filter((line) => REGISTRATION_MARKS.some((mark) => line.includes(mark))));

const send = async ({ path, ...request }: ApiRequest) => (await fetch(`${BASE}${path}`, request)).text();

test('web and a worker come up, and each is seen to', async () => {
  expect(keyProblem(hostKey.publicSsh)).toBeUndefined();
  await start(webService(webSettings)).said('tsa.listening');
  const program = start(workerService(workerSettings));
  await program.said('beacon.registered');
  expect(await webInfo(http, BASE, 2000)).toEqual({ version: '8.2.0', workerVersion: '2.5' });
  expect(await webDatabase(http, BASE, 2000)).toBe('readable');
  expect(await workerHealthy(http, WORKER_ADDRESS, HEALTH_PORT, 2000)).toBe(true);
  expect(judged(program)).toEqual({ state: 'registered' });
});

test('with a certificate web answers by HTTPS to those who trust its authority, and by HTTP to this machine', async () => {
  const now = Date.now();
  const authority = new Authority('Root', now - 1000);
  const key = fixedKey(2).privatePem;
  const life = { notBefore: now - 3_600_000, notAfter: now + 3_600_000 };
  const certificate = authority.issue(key, { names: ['ci.example.com'], ...life });
  const read = certificatePair({ certificates: [certificate], key, now, host: 'ci.example.com' });
  if ('problem' in read) throw new Error(read.problem);
  const tls = { port: 8443, ...read.pair };
  await start(webService({ ...webSettings, tls, externalUrl: 'https://ci.example.com:8443' })).said('8443');
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sent = request(`https://${WEB_ADDRESS}:8443/api/v1/info`, {
    ca: authority.certificate,
    servername: 'ci.example.com',
  });
  sent
    .on('response', (response) => resolve(response.resume().statusCode))
    .on('error', reject)
    .end();
  expect(await promise).toBe(200);
  expect(await webInfo(http, BASE, 2000)).toMatchObject({ version: '8.2.0' });
  const plain = start(webService({ ...webSettings, tls, externalUrl: 'http://ci.example.com' }));
  expect(await plain.ended()).toBe(1);
});

test('without a web there is no answer, and the worker says that it cannot reach one', async () => {
  const program = start(workerService(workerSettings));
  await program.said('exited-with-error');
  expect(await webInfo(http, BASE, 2000)).toBeUndefined();
  expect(judged(program)).toMatchObject({ state: 'unregistered', reason: 'unreachable' });
});

test('a refused worker registers once its key is in the file and web got SIGHUP; web is not restarted', async () => {
  authorize();
  const server = start(webService(webSettings));
  await server.said('tsa.listening');
  const program = start(workerService(workerSettings));
  await program.said('exited-with-error');
  expect(judged(program)).toMatchObject({ state: 'unregistered', reason: 'key not authorised' });
  authorize(workerKey);
  server.signal('SIGHUP');
  await program.said('beacon.registered');
  expect(judged(program)).toEqual({ state: 'registered' });
  expect(await webInfo(http, BASE, 2000)).toBeDefined();
});

test('a worker that expects another host key does not register', async () => {
  await start(webService(webSettings)).said('tsa.listening');
  const program = start(workerService({ ...workerSettings, tsaHostKeys: [keyPair().publicSsh] }));
  await program.said('exited-with-error');
  expect(judged(program)).toMatchObject({ state: 'unregistered', reason: 'host key mismatch' });
});

test('a web that cannot start is explained', async () => {
  const program = start(
    webService({ ...webSettings, keys: { ...webSettings.keys, tsaHostPem: 'nonsense' } }),
  );
  expect(await program.ended()).toBe(1);
  expect(webFailure(program.lines)?.explanation).toBe('a private key is not an RSA key in PEM form');
});

test('workers are listed and pruned with the admin password', async () => {
  await start(webService(webSettings)).said('tsa.listening');
  const program = start(workerService(workerSettings));
  await program.said('beacon.registered');
  const token = parseToken(await send(tokenRequest(webSettings.admin))) ?? '';
  const workers = async () => parseWorkers(await send(workersRequest(token)));
  expect(await workers()).toEqual([{ name: 'concourse-ci-1', version: '2.5', state: 'running' }]);
  program.signal('SIGUSR1');
  await program.ended();
  expect(await workers()).toMatchObject([{ state: 'landed' }]);
  await send(pruneRequest(token, 'concourse-ci-1'));
  expect(await workers()).toEqual([]);
  expect(parseToken(await send(tokenRequest({ user: 'admin', password: 'wrong' })))).toBeUndefined();
});

describe('a build', () => {
  /** Begun under a shim, on a worker that has registered; it goes on until there is a file `go`. */
  async function build() {
    await start(webService(webSettings)).said('tsa.listening');
    const program = start(workerService(workerSettings));
    await program.said('beacon.registered');
    const file = (suffix: string) => join(workerSettings.workDirectory, `tasks/build.${suffix}`);
    const command = 'echo $$; while [ ! -e go ]; do sleep 0.05; done';
    writeFileSync(file('json'), JSON.stringify({ command }));
    await appears(file('pid'));
    await expect
      .poll(() => (existsSync(file('log')) ? readFileSync(file('log'), 'utf8') : ''))
      .toMatch(/^\d+\n$/);
    const numberIn = (suffix: string) => Number(readFileSync(file(suffix), 'utf8'));
    return { program, file, shim: numberIn('pid'), task: numberIn('log') };
  }
  const script = (verb: string) =>
    run('/bin/sh', [workerScriptPath(workerSettings.etc), verb], { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' });

  test('goes on when its worker is stopped, and ends with it when the worker is gone for good', async () => {
    const { program, shim, task } = await build();
    await program.stop();
    // What the service itself runs when it has stopped.
    expect((await script('stopped')).code).toBe(0);
    expect([shim, task].map(isGone)).toEqual([false, false]);
    expect((await script('removed')).code).toBe(0);
    await expect.poll(() => [shim, task].map(isGone)).toEqual([true, true]);
  });

  test('ends before a worker that lands does', async () => {
    const { program, file } = await build();
    program.signal('SIGUSR1');
    await program.said('landing-worker');
    writeFileSync(join(workerSettings.workDirectory, 'tasks/go'), '');
    expect(await program.ended()).toBe(0);
    expect(await appears(file('status'))).toBe('succeeded\n');
  });
});

test('the newer release takes the database down to what the older one supports', async () => {
  const older = await unpackedRelease(releases.directory, { version: '8.1.0' });
  const ask = async ({ command, args, env }: ConcourseCommand) => run(command, args, env);
  const { postgres } = webSettings;
  const server = start(webService(webSettings));
  await server.said('atc.listening');
  await server.stop();
  const supported = parseSchema(await ask(supportedSchema(older)));
  expect(supported).toBe(1771492499);
  expect(parseSchema(await ask(currentSchema(release, postgres)))).toBe(1776182280);
  expect((await ask(migrateTo(release, supported ?? 0, postgres))).code).toBe(0);
  expect(parseSchema(await ask(currentSchema(release, postgres)))).toBe(supported);
});
