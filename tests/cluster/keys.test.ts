// Keys and passwords that are replaced while everything runs: who follows when, and what is refused.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, Deployment, webService, workerService } from './support/deployment.ts';

const read = (d: Deployment, unit: string, name: string) =>
  readFileSync(join(d.machine(unit).paths.etc, name), 'utf8');
const starts = (d: Deployment, number: number, service: string) =>
  d.machine(d.unit(number)).services.starts.filter(({ name }) => name === service).length;
const variable = (d: Deployment, name: string) =>
  new RegExp(`^CONCOURSE_${name}="(.*)"$`, 'm').exec(read(d, d.unit(0), 'web.env'))?.[1];
const well = (d: Deployment) => d.statuses().every((status) => status.startsWith('active: '));
const granted = (d: Deployment, content: Record<string, string>): string => {
  const uri = d.juju.addSecret('mine', content);
  d.juju.grantSecret('mine', application);
  return uri;
};
/** The secrets that the charm keeps in Juju, in every revision that there is. */
const kept = (d: Deployment): Record<string, string>[] =>
  [...d.juju.model.secrets.values()].flatMap(({ owner, revisions }) =>
    owner.kind === 'application' ? revisions.filter((content) => content !== undefined) : [],
  );

describe('set-admin-password', () => {
  test('makes a new one that web starts with, that is shown by its own action alone', async () => {
    const d = await Deployment.settled({ units: 2 });
    const before = (await d.cluster.action(d.unit(0), 'get-admin-password')).results['password'];
    const workers = starts(d, 1, workerService);
    const action = await d.cluster.action(d.unit(0), 'set-admin-password');
    expect(action).toMatchObject({ status: 'completed', results: { username: 'admin' } });
    await d.cluster.settle();
    const after = String((await d.cluster.action(d.unit(0), 'get-admin-password')).results['password']);
    expect(after).not.toBe(before);
    expect(JSON.stringify(action)).not.toContain(after);
    expect(variable(d, 'ADD_LOCAL_USER')).toBe(`admin:${after}`);
    expect(starts(d, 1, workerService)).toBe(workers);
    expect(well(d)).toBe(true);
    // The one before is nowhere in Juju any more.
    expect(kept(d).some((content) => Object.values(content).includes(String(before)))).toBe(false);
  });

  test('takes one from a secret, and says what is wrong with it', async () => {
    const d = await Deployment.settled({ units: 2 });
    const uri = granted(d, { password: 'correct-horse' });
    await d.cluster.action(d.unit(0), 'set-admin-password', { secret: uri });
    await d.cluster.settle();
    expect(variable(d, 'ADD_LOCAL_USER')).toBe('admin:correct-horse');
    const fails = async (params: Record<string, string>, unit = d.unit(0)) => {
      const action = await d.cluster.action(unit, 'set-admin-password', params);
      expect(action.status, action.message).toBe('failed');
      return action.message;
    };
    for (const [content, message] of [
      [{ password: 'a:colon-in-it' }, /is not 8 to 72 printable ASCII characters/],
      [{ password: 'short' }, /is not 8 to 72/],
      [{ pass: 'correct-horse' }, /has no key password/],
    ] as const) {
      d.juju.updateSecret('mine', content);
      expect(await fails({ secret: uri })).toMatch(message);
    }
    expect(await fails({ secret: d.juju.addSecret('other', { password: 'x' }) })).toMatch(
      /juju grant-secret/,
    );
    expect(await fails({ secret: 'hunter2hunter2' })).toMatch(/^secret is not the URI of a secret, /);
    expect(await fails({}, d.unit(1))).toBe(
      'this unit does not lead: juju run concourse-ci/leader set-admin-password',
    );
    expect(variable(d, 'ADD_LOCAL_USER')).toBe('admin:correct-horse');
  });
});

describe('rotate-keys', () => {
  test('session: web restarts with another signing key, and no worker does', async () => {
    const d = await Deployment.settled({ units: 2 });
    const before = read(d, d.unit(0), 'session_signing_key');
    const [webs, workers] = [starts(d, 0, webService), starts(d, 1, workerService)];
    await d.cluster.action(d.unit(0), 'rotate-keys', { keys: 'session' });
    await d.cluster.settle();
    expect(read(d, d.unit(0), 'session_signing_key')).not.toBe(before);
    expect([starts(d, 0, webService), starts(d, 1, workerService)]).toEqual([webs + 1, workers]);
    expect(kept(d).some((content) => Object.values(content).includes(before))).toBe(false);
  });

  test('tsa-host: workers restart once, with the host key that they will find', async () => {
    const d = await Deployment.settled({ units: 3 });
    const before = d.facts(d.unit(0))['tsa-host-key'];
    const workers = starts(d, 1, workerService);
    await d.cluster.action(d.unit(0), 'rotate-keys', { keys: 'tsa-host' });
    await d.cluster.settle();
    const after = d.facts(d.unit(0))['tsa-host-key'];
    expect(after).not.toBe(before);
    expect(read(d, d.unit(1), 'tsa_host_key.pub').trim()).toBe(after);
    expect(starts(d, 1, workerService)).toBe(workers + 1);
    expect(well(d)).toBe(true);
  });

  test('workers: each has a new key, which web lets in before the worker starts with it, and no old one is let in', async () => {
    const d = await Deployment.settled({ units: 3 });
    const keys = [1, 2].map((number) => read(d, d.unit(number), 'worker_key.pub').trim());
    const counts = [starts(d, 0, webService), starts(d, 1, workerService)];
    for (const number of [1, 2])
      d.machine(d.unit(number)).services.onStart = ({ name }) => {
        if (name !== workerService) return;
        const key = read(d, d.unit(number), 'worker_key.pub').trim();
        expect(read(d, d.unit(0), 'authorized_worker_keys')).toContain(key);
      };
    await d.cluster.action(d.unit(0), 'rotate-keys', { keys: 'workers' });
    await d.cluster.settle();
    const authorized = read(d, d.unit(0), 'authorized_worker_keys');
    const now = [1, 2].map((number) => read(d, d.unit(number), 'worker_key.pub').trim());
    expect(now).not.toEqual(keys);
    // The fake machines draw from one row of keys: one's new key may be another's old one.
    for (const key of keys) expect(authorized.includes(key)).toBe(now.includes(key));
    for (const key of now) expect(authorized).toContain(key);
    expect(starts(d, 0, webService)).toBe(counts[0]);
    expect(starts(d, 1, workerService)).toBe(Number(counts[1]) + 1);
    // A unit that comes later makes its key once.
    d.juju.addUnit(application);
    await d.cluster.settle();
    expect(starts(d, 3, workerService)).toBe(1);
  });

  test('all: in one action; only the leader; keys must be named', async () => {
    const d = await Deployment.settled({ units: 2 });
    const action = await d.cluster.action(d.unit(0), 'rotate-keys', { keys: 'all' });
    expect(Object.keys(action.results).sort()).toEqual(['return-code', 'session', 'tsa-host', 'workers']);
    await d.cluster.settle();
    expect(d.goal()).toMatchObject({ 'web-revision': '2', 'worker-keys': '1' });
    expect(d.facts(d.unit(0))['web-revision']).toBe('2');
    expect(read(d, d.unit(1), 'tsa_host_key.pub').trim()).toBe(d.facts(d.unit(0))['tsa-host-key']);
    expect(await d.cluster.action(d.unit(1), 'rotate-keys', { keys: 'all' })).toMatchObject({
      status: 'failed',
      message: 'this unit does not lead: juju run concourse-ci/leader rotate-keys keys=all',
    });
    expect(await d.cluster.action(d.unit(0), 'rotate-keys', { keys: 'everything' })).toMatchObject({
      status: 'error',
      message: expect.stringMatching(/keys : must match one of .*session/),
    });
  });

  test('a leader that is not web rotates as well', async () => {
    const d = await Deployment.settled({ units: 2 });
    d.juju.setLeader(application, d.unit(1));
    await d.cluster.settle();
    const before = read(d, d.unit(0), 'session_signing_key');
    await d.cluster.action(d.unit(1), 'rotate-keys', { keys: 'session' });
    await d.cluster.settle();
    expect(read(d, d.unit(0), 'session_signing_key')).not.toBe(before);
  });
});

describe('rotate-encryption-key', () => {
  test('encrypts first, then rotates, each time with the key before as the old one', async () => {
    const d = await Deployment.settled({ units: 2 });
    expect(variable(d, 'ENCRYPTION_KEY')).toBeUndefined();
    const first = await d.cluster.action(d.unit(0), 'rotate-encryption-key');
    expect(first.status).toBe('completed');
    await d.cluster.settle();
    const key = variable(d, 'ENCRYPTION_KEY') ?? '';
    expect(key).toMatch(/^[\w-]{32}$/);
    expect(variable(d, 'OLD_ENCRYPTION_KEY')).toBeUndefined();
    expect(JSON.stringify(first)).not.toContain(key);
    await d.cluster.action(d.unit(0), 'rotate-encryption-key');
    await d.cluster.settle();
    expect(variable(d, 'OLD_ENCRYPTION_KEY')).toBe(key);
    expect(variable(d, 'ENCRYPTION_KEY')).not.toBe(key);
    expect(well(d)).toBe(true);
  });

  test('waits until web has started with the present keys: rows of two keys ago would be lost', async () => {
    const d = await Deployment.settled({ units: 1 });
    d.silentWeb.add('8.1.0');
    await d.cluster.action(d.unit(0), 'rotate-encryption-key');
    await d.cluster.settle();
    expect(await d.cluster.action(d.unit(0), 'rotate-encryption-key')).toMatchObject({
      status: 'failed',
      message:
        'web on concourse-ci/0 has not started with its present keys yet: see its status, and try again',
    });
    d.silentWeb.clear();
    await d.cluster.advance(60_000);
    expect(await d.cluster.action(d.unit(0), 'rotate-encryption-key')).toMatchObject({ status: 'completed' });
  });

  test("leaves an operator's own key to the operator, who may also take over", async () => {
    const d = await Deployment.settled({ units: 1 });
    await d.cluster.action(d.unit(0), 'rotate-encryption-key');
    await d.cluster.settle();
    const key = variable(d, 'ENCRYPTION_KEY');
    const uri = granted(d, { 'encryption-key': 'k'.repeat(32) });
    d.juju.configure(application, { 'extra-web-secrets': uri });
    await d.cluster.settle();
    expect([variable(d, 'ENCRYPTION_KEY'), variable(d, 'OLD_ENCRYPTION_KEY')]).toEqual(['k'.repeat(32), key]);
    expect(await d.cluster.action(d.unit(0), 'rotate-encryption-key')).toMatchObject({
      status: 'failed',
      message:
        'the secret of extra-web-secrets of concourse-ci holds an encryption key: put the new one there, and the present one as old-encryption-key',
    });
  });

  test('is refused on another unit, and while an upgrade is under way', async () => {
    const d = await Deployment.settled({ units: 2 });
    expect(await d.cluster.action(d.unit(1), 'rotate-encryption-key')).toMatchObject({
      message: 'this unit does not lead: juju run concourse-ci/leader rotate-encryption-key',
    });
    d.juju.configure(application, { version: '8.2.0' });
    while (d.facts(d.unit(0))['upgrade-state'] !== 'prepare') await d.cluster.step();
    expect(await d.cluster.action(d.unit(0), 'rotate-encryption-key')).toMatchObject({
      message: 'an upgrade is under way: try again when it has ended',
    });
    await d.cluster.settle();
    expect(well(d)).toBe(true);
  });
});
