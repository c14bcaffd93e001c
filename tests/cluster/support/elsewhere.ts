// Web and workers in separate applications: two of this charm, or one of them another charm's, which writes what the Python charm
// for Concourse writes at the endpoints `tsa` and `flight`, and nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { charmFiles, defineCharm, option, provides, requires } from 'juju-ts-ops';
import { z } from 'zod';
import { bareKey, fingerprint } from '../../../src/concourse/keys.ts';
import { application, Deployment, type DeploymentOptions, workerService } from './deployment.ts';

export const web = `${application}/0`;
export const worker = 'workers/0';

/** Web and a worker here, two workers in an application of their own, related and at rest. */
export async function related(options: DeploymentOptions = {}, config: DeploymentOptions['config'] = {}) {
  const d = new Deployment({ units: 2, ...options });
  d.deployWorkers('workers', { config });
  const relation = d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  return { d, relation };
}

export const keyOf = (d: Deployment, unit: string) =>
  readFileSync(join(d.machine(unit).paths.etc, 'worker_key.pub'), 'utf8').trim();
/** The keys that web reads, whoever is web. */
export const letIn = (d: Deployment, unit = web) =>
  readFileSync(join(d.machine(unit).paths.etc, 'authorized_worker_keys'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(bareKey);
export const environment = async (d: Deployment, unit: string) =>
  (await d.machine(unit).services.show([workerService]))[workerService]?.environment ?? {};
export const startsOf = (d: Deployment, unit: string, service: string) =>
  d.machine(unit).services.starts.filter(({ name }) => name === service).length;

const webKeys = z.object({
  'tsa-host': z.string(),
  'tsa-public-key': z.string(),
  'concourse-version': z.string(),
});
const workerKeys = z.object({ 'worker-public-key': z.string() });
/** An option for no other purpose than to make units look again. */
const options = { look: option.string({ description: 'look again' }) };

const webCharm = defineCharm({
  name: 'python-web',
  summary: 'web',
  description: 'web',
  options,
  provides: {
    tsa: provides({ interface: 'concourse-ci_tsa', unit: { local: webKeys, remote: workerKeys } }),
  },
});

const workerCharm = defineCharm({
  name: 'python-worker',
  summary: 'workers',
  description: 'workers',
  options,
  requires: {
    flight: requires({ interface: 'concourse-ci_tsa', unit: { local: workerKeys, remote: webKeys } }),
  },
});

export interface PythonWeb {
  app: string;
  says: { host: string; key: string; version: string } | undefined;
  /** What it says has changed: its units look again. */
  look(): void;
}

/** Another charm's web: it lets in whoever gives it a key. */
export function deployPythonWeb(d: Deployment, says: PythonWeb['says'], app = 'python-web'): PythonWeb {
  let looks = 0;
  const web: PythonWeb = {
    app,
    says,
    look: () => d.juju.configure(app, { look: String(++looks) }),
  };
  d.cluster.deploy(app, {
    files: charmFiles(webCharm),
    charm: () =>
      webCharm.implement({
        reconcile: async (hook) => {
          const authorized = new Set<string>();
          for (const relation of await hook.relations('tsa')) {
            for (const unit of await relation.units()) {
              const key = (await relation.unit(unit)).values['worker-public-key'];
              if (key !== undefined) authorized.add(fingerprint(key));
            }
            relation.setUnit({
              'tsa-host': web.says?.host,
              'tsa-public-key': web.says?.key,
              'concourse-version': web.says?.version,
            });
          }
          d.authorizedElsewhere = authorized;
          await d.registerAll();
        },
        teardown: async () => {},
        actions: {},
      }),
  });
  return web;
}

export interface PythonWorkers {
  /** The public key of each unit. */
  keys: Map<string, string>;
  /** What units were told last: host, key, version. */
  told: Map<string, (string | undefined)[]>;
}

/** Another charm's workers, each of which gives web a key. */
export function deployPythonWorkers(
  d: Deployment,
  keys: Record<string, string>,
  app = 'python-worker',
): PythonWorkers {
  const workers: PythonWorkers = { keys: new Map(Object.entries(keys)), told: new Map() };
  d.cluster.deploy(app, {
    files: charmFiles(workerCharm),
    units: workers.keys.size,
    charm: (unit) =>
      workerCharm.implement({
        reconcile: async (hook) => {
          for (const relation of await hook.relations('flight')) {
            relation.setUnit({ 'worker-public-key': workers.keys.get(unit) });
            for (const each of await relation.units()) {
              const { values } = await relation.unit(each);
              if (values['tsa-host'] === undefined || values['tsa-public-key'] === undefined) continue;
              workers.told.set(unit, [
                values['tsa-host'],
                values['tsa-public-key'],
                values['concourse-version'],
              ]);
              break;
            }
          }
        },
        teardown: async () => {},
        actions: {},
      }),
  });
  return workers;
}
