// The fourteen ways in which Concourse surprises whoever runs it on a machine, each with what the charm does about it.
import { describe, expect, test } from 'vitest';

import { farewell } from '../../../src/concourse/api.ts';
import { parseEnvironmentFile, renderEnvironmentFile } from '../../../src/concourse/environment-file.ts';
import {
  type Probe,
  registration,
  webDatabase,
  webFailure,
  webInfo,
  workerHealthy,
} from '../../../src/concourse/health.ts';
import { webService } from '../../../src/concourse/web.ts';
import {
  CONTAINERD_RIVALS,
  operatorProblems,
  workerName,
  workerService,
} from '../../../src/concourse/worker.ts';
import { planOf, settingsOf, web, worker } from './settings.ts';

const webPlan = planOf(webService(web));
const workerPlan = planOf(workerService(worker));
const answer = (status: number, body: string): Probe => ({ probe: async () => ({ status, body }) });

describe('trap 1: CONCOURSE_VERSION makes every command panic', () => {
  test('it is refused by name where an environment is written', () => {
    expect(renderEnvironmentFile({ CONCOURSE_VERSION: '8.2.0' })).toMatchObject({
      ok: false,
      problems: [{ key: 'CONCOURSE_VERSION', code: 'forbidden' }],
    });
  });

  test("it is taken out of what the operator's own file sets", () => {
    for (const plan of [webPlan, workerPlan]) {
      expect(settingsOf(plan.unit, 'UnsetEnvironment')).toEqual(['CONCOURSE_VERSION']);
      expect(plan.environment).not.toHaveProperty('CONCOURSE_VERSION');
      expect(plan.environment).toHaveProperty('CHARM_RELEASE', '8.2.0');
    }
  });
});

test('trap 2: a stale containerd socket kills each start: it is removed before, and only with containerd', () => {
  const removal = '-/bin/rm -f /run/containerd/containerd.sock /run/containerd/containerd.sock.ttrpc';
  expect(settingsOf(workerPlan.unit, 'ExecStartPre')[0]).toBe(removal);
  const houdini = planOf(workerService({ ...worker, runtime: 'houdini' }));
  expect(houdini.unit).not.toContain('containerd');
});

test('trap 3: the shims live in the control group of the service: only the main process is stopped', () => {
  expect(settingsOf(workerPlan.unit, 'KillMode')).toEqual(['process']);
  expect(settingsOf(workerPlan.unit, 'KillSignal')).toEqual(['SIGTERM']);
});

test('trap 4: a task that ends while the worker is down is in error: a shutdown lands first', () => {
  const script = workerPlan.files.find((file) => file.path.endsWith('worker-service.sh'));
  expect(settingsOf(workerPlan.unit, 'ExecStop')).toEqual([`-/bin/sh ${script?.path} stop`]);
  expect(script?.content).toContain('kill -USR1 "$MAINPID"');
  // And web is still there to be told.
  expect(settingsOf(workerPlan.unit, 'After')[0]).toContain('concourse-server.service');
});

test('trap 5: restarts stack mounts: they are cleared when the service has stopped', () => {
  expect(settingsOf(workerPlan.unit, 'ExecStopPost')).toEqual([
    '-/bin/sh /etc/concourse/worker-service.sh stopped',
  ]);
});

test('trap 6: the health port says 200 for a worker that web refuses: the log decides', async () => {
  expect(await workerHealthy(answer(200, ''), '127.0.0.1', 8888, 1000)).toBe(true);
  const error = 'ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]';
  const line = JSON.stringify({ message: 'worker.beacon-runner.beacon.exited-with-error', data: { error } });
  expect(registration([line])).toMatchObject({ state: 'unregistered', reason: 'key not authorised' });
});

test('trap 7: /api/v1/info says 200 without a database: another question asks for that', async () => {
  const http: Probe = {
    probe: async (url) =>
      url.endsWith('/info') ? { status: 200, body: '{"version":"8.2.0","worker_version":"2.5"}' } : undefined,
  };
  expect(await webInfo(http, 'http://web', 1000)).toBeDefined();
  expect(await webDatabase(http, 'http://web', 1000)).toBe('silent');
});

test('trap 8: a wrong encryption key shows at the first read only: as a 500, and in the log', async () => {
  const text = 'failed to decrypt data that is encrypted';
  expect(await webDatabase(answer(500, text), 'http://web', 1000)).toBe('unreadable');
  const line = JSON.stringify({ level: 'error', message: 'atc.failed', data: { error: text } });
  expect(webFailure([line])?.explanation).toBe('the database was encrypted with another key');
});

test('trap 9: workers of another major worker version are not used: web tells which one it needs', async () => {
  const body = '{"version":"8.3.0","worker_version":"3.0"}';
  expect(await webInfo(answer(200, body), 'http://web', 1000)).toEqual({
    version: '8.3.0',
    workerVersion: '3.0',
  });
});

test('trap 10: web waits up to 60 s for one open browser tab: its stop is bounded', () => {
  expect(settingsOf(webPlan.unit, 'TimeoutStopSec')).toEqual(['20']);
});

test('trap 11: the same name with an emptied work directory breaks builds: the name counts the losses', () => {
  expect(workerName('concourse-ci/1')).toBe('concourse-ci-1');
  expect(workerName('concourse-ci/1', 1)).toBe('concourse-ci-1-1');
  expect(planOf(workerService({ ...worker, incarnation: 2 })).environment).toMatchObject({
    CONCOURSE_NAME: 'concourse-ci-1-2',
  });
});

test.each([
  ['running', 'retire'],
  ['landing', 'prune'],
  ['landed', 'prune'],
  ['stalled', 'prune'],
  ['retiring', 'prune'],
] as const)('trap 12: retiring a landed worker fails: one that is %s is made to %s', (state, way) => {
  expect(farewell(state)).toBe(way);
});

test("trap 13: containerd's socket has one path on a machine: whoever else uses it is known by name", () => {
  expect(CONTAINERD_RIVALS).toEqual(['containerd.service', 'docker.service']);
  expect(settingsOf(workerPlan.unit, 'Conflicts')).toEqual(['containerd.service docker.service']);
});

describe('trap 14: settings of the other runtime are fatal', () => {
  test.each([
    ['containerd', 'CONCOURSE_GARDEN_'],
    ['guardian', 'CONCOURSE_CONTAINERD_'],
  ] as const)('with %s no %s variable is written, and one of the operator is named', (runtime, prefix) => {
    const plan = planOf(workerService({ ...worker, runtime }));
    expect(Object.keys(plan.environment).filter((key) => key.startsWith(prefix))).toEqual([]);
    const operator = parseEnvironmentFile(`${prefix}NETWORK=x\nCONCOURSE_TAG=fast\n`);
    expect(operatorProblems(runtime, operator)).toEqual([`${prefix}NETWORK`]);
  });

  test('houdini minds neither', () => {
    expect(
      operatorProblems('houdini', { CONCOURSE_GARDEN_NETWORK: 'x', CONCOURSE_CONTAINERD_MTU: '1' }),
    ).toEqual([]);
  });
});
