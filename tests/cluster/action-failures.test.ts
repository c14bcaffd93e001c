// Failures of actions that take a situation of their own: what is in the way is said, and nothing is changed. The others stand beside
// what each action does when it succeeds. That each is met by a test: tests/unit/docs/action-failures.test.ts.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, type DeploymentOptions, workerService } from './support/deployment.ts';
import { related, worker } from './support/elsewhere.ts';

type Params = Record<string, string | boolean>;

async function refused(d: Deployment, unit: string, name: string, params: Params = {}): Promise<string> {
  const goal = d.goal();
  const action = await d.cluster.action(unit, name, params);
  expect(action.status, action.message).toBe('failed');
  expect(d.goal()).toEqual(goal);
  return String(action.message);
}
const settled = (options: DeploymentOptions = {}) => Deployment.settled({ units: 2, ...options });

test('rollback and run-migrations on a volume from which the release is gone', async () => {
  const d = await settled({ units: 1 });
  rmSync(join(d.volume, 'bin'));
  for (const name of ['rollback', 'run-migrations'])
    expect(await refused(d, d.unit(0), name)).toBe('nothing is installed on the volume that this unit sees');
});

test('prefetch and run-migrations where the volume must be shared, and is not mounted', async () => {
  const d = await settled({ units: 1 });
  d.machine(d.unit(0)).mounts = [];
  d.juju.configure(application, { 'shared-storage': 'required' });
  for (const name of ['prefetch', 'run-migrations'])
    expect(await refused(d, d.unit(0), name)).toMatch(/^mount the shared volume at \/var\/lib\/concourse/);
});

test('prefetch while workers wait for an upgrade', async () => {
  const d = await settled();
  d.juju.configure(application, { version: '8.2.0' });
  while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
  expect(await refused(d, d.unit(0), 'prefetch', { version: '8.3.0' })).toBe(
    'an upgrade is under way, and workers wait for it: try again when it has ended',
  );
});

test('move-web to a unit that has not started yet', async () => {
  const d = await settled();
  const added = d.juju.addUnit(application);
  d.juju.agentDown(added);
  expect(await refused(d, d.unit(0), 'move-web', { unit: added })).toBe(
    `${added} has not said which volume it sees: try again when it has started`,
  );
});

describe('land-worker and retire-worker', () => {
  test.each(['land-worker', 'retire-worker'])('%s where none has started yet', async (name) => {
    const d = await settled({ config: { 'postgres-uri': '' } });
    expect(await refused(d, d.unit(1), name)).toBe('no worker runs on this unit: see the action status');
  });

  test.each(['land-worker', 'retire-worker'])('%s where the machine has another unit’s', async (name) => {
    const d = new Deployment({ units: 2 });
    const { paths } = d.machine(d.unit(1));
    writeFileSync(
      join(paths.systemd, workerService),
      '# Owner: other-ci/4\n[Service]\nExecStart=/bin/true\n',
    );
    mkdirSync(join(paths.root, 'var/lib/juju/agents/unit-other-ci-4'), { recursive: true });
    await d.cluster.settle();
    expect(await refused(d, d.unit(1), name)).toBe(
      "the worker of this machine is other-ci/4's: run it there",
    );
  });
});

describe('run-migrations', () => {
  test('without a database, and with one that does not answer', async () => {
    const d = await settled({ units: 1 });
    d.schema = 'nothing that is a number';
    expect(await refused(d, d.unit(0), 'run-migrations')).toBe(
      "the database's schema cannot be read: is PostgreSQL up? see the action status",
    );
    d.juju.configure(application, { 'postgres-uri': '' });
    expect(await refused(d, d.unit(0), 'run-migrations')).toMatch(
      /^juju integrate concourse-ci:postgresql …, or juju config concourse-ci postgres-uri=…/,
    );
  });

  test('where there are workers alone', async () => {
    const { d } = await related();
    expect(await refused(d, worker, 'run-migrations')).toBe(
      'this application has no web, and so no database',
    );
  });

  test('on a volume that is web’s', async () => {
    const d = new Deployment({ units: 1 });
    d.guests.add('workers');
    d.deployWorkers('workers', { units: 1 });
    d.juju.integrate(`${application}:tsa`, 'workers:flight');
    await d.cluster.settle();
    for (const name of ['run-migrations', 'prefetch', 'prune'])
      expect(await refused(d, worker, name)).toBe(
        `the volume is web's: juju run concourse-ci/leader ${name}`,
      );
  });
});

describe('prune-workers', () => {
  async function answering(path: RegExp, answer: { status: number; body: string } | undefined) {
    const d = await settled();
    d.listed.set('gone-7', 'stalled');
    const { http } = d.machine(d.unit(0));
    const { onProbe } = http;
    http.onProbe = async (url, request) => (path.test(url) ? answer : onProbe(url, request));
    return refused(d, d.unit(0), 'prune-workers');
  }

  test('where web gives no list', async () => {
    expect(await answering(/\/api\/v1\/workers$/, undefined)).toBe(
      'web does not list its workers: see the action status',
    );
  });

  test('where web refuses', async () => {
    expect(await answering(/\/prune$/, { status: 400, body: 'cannot prune running worker' })).toBe(
      'web refuses to prune gone-7: cannot prune running worker',
    );
  });
});

describe('keys', () => {
  test('before web has any', async () => {
    const d = await settled({ units: 1, config: { version: 'latest' } });
    expect(await refused(d, d.unit(0), 'set-admin-password')).toBe(
      'the leader has not made the keys of web yet: try again when web has started',
    );
    expect(await refused(d, d.unit(0), 'rotate-encryption-key')).toMatch(/^there is no goal yet/);
  });

  test('of workers alone are web’s, in the other application', async () => {
    const { d } = await related();
    for (const [name, params] of [
      ['set-admin-password', {}],
      ['rotate-encryption-key', {}],
      ['rotate-keys', { keys: 'session' }],
    ] as const)
      expect(await refused(d, worker, name, params)).toBe(
        'concourse-ci has those: workers has workers alone',
      );
  });

  test('beside settings that cannot be read: there may be one of the operator’s among them', async () => {
    const d = await settled({ units: 1 });
    const uri = d.juju.addSecret('mine', { 'encryption-key': 'k'.repeat(32) });
    d.juju.configure(application, { 'extra-web-secrets': uri });
    expect(await refused(d, d.unit(0), 'rotate-encryption-key')).toMatch(
      /^juju grant-secret secret:\S+ concourse-ci/,
    );
  });

  test('that a unit may not read', async () => {
    const d = await settled();
    for (const secret of d.juju.model.secrets.values())
      if (secret.owner.kind === 'application') secret.owner = { kind: 'user', name: 'somebody' };
    expect(await refused(d, d.unit(1), 'get-admin-password')).toBe(
      'this unit may not read the secret: juju run concourse-ci/leader get-admin-password',
    );
  });
});
