// Complete settings of a web and a worker, for tests to change one thing in.
import type { PlannedService, ServicePlan } from '../../../src/concourse/service.ts';
import type { WebSettings } from '../../../src/concourse/web.ts';
import type { WorkerSettings } from '../../../src/concourse/worker.ts';

export const HOST_KEY = 'ssh-rsa AAAAhost';

export const web: WebSettings = {
  unit: 'concourse-ci/0',
  version: '8.2.0',
  release: '/var/lib/concourse/releases/8.2.0',
  volume: '/var/lib/concourse',
  etc: '/etc/concourse',
  defaults: '/etc/default',
  address: '10.0.0.7',
  port: 8080,
  postgres: {
    user: 'ci',
    password: 'p$w"d',
    database: 'atc',
    server: { host: 'db', port: 5432 },
    sslMode: 'require',
  },
  admin: { user: 'admin', password: 's3cret' },
  keys: { tsaHostPem: 'HOST PEM', sessionSigningPem: 'SIGNING PEM' },
  authorizedKeysPath: '/var/lib/concourse/keys/authorized_worker_keys',
  user: 'concourse',
};

export const worker: WorkerSettings = {
  unit: 'concourse-ci/1',
  version: '8.2.0',
  release: '/var/lib/concourse/releases/8.2.0',
  etc: '/etc/concourse',
  defaults: '/etc/default',
  run: '/run',
  volume: '/var/lib/concourse',
  folder: '/var/lib/concourse/worker/concourse-ci-1',
  workDirectory: '/var/lib/concourse/worker/concourse-ci-1/work_dir',
  lockFile: '/var/lib/concourse/worker/concourse-ci-1/.held',
  address: '10.0.0.8',
  tsaHosts: ['10.0.0.7:2222'],
  tsaHostKeys: [HOST_KEY],
  workerKeyPem: 'WORKER PEM',
};

export function planOf(planned: PlannedService): ServicePlan {
  if (planned.ok) return planned.plan;
  throw new Error(planned.problems.map((problem) => problem.message).join('; '));
}

/** The values of a setting in a unit file, in order. */
export const settingsOf = (unit: string, key: string): string[] =>
  unit.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
