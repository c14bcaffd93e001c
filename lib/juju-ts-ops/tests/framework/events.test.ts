import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/index.ts';
import { charm, type TestHook } from './charm.ts';
import { runHook } from './scripted.ts';

async function eventIn(
  env: Record<string, string | undefined>,
): Promise<{ event: Event; dying: boolean; by: string }> {
  const seen: { event: Event; dying: boolean; by: string }[] = [];
  const note = (by: string) => async (hook: TestHook) => {
    seen.push({ event: hook.event, dying: hook.dying, by });
  };
  const { code } = await runHook(
    charm({ reconcile: note('reconcile'), teardown: note('teardown') }),
    {},
    env,
  );
  expect(code).toBe(0);
  const [first] = seen;
  if (!first) throw new Error('no handler ran');
  return first;
}

describe('the event', () => {
  it.each([
    'install',
    'start',
    'config-changed',
    'upgrade-charm',
    'update-status',
    'leader-elected',
    'leader-settings-changed',
  ])('%s is a unit event', async (name) => {
    const { event, by } = await eventIn({ JUJU_DISPATCH_PATH: `hooks/${name}`, JUJU_HOOK_NAME: name });
    expect(event).toEqual({ kind: name, name });
    expect(by).toBe('reconcile');
  });

  it('is the hook name where an old Juju or a person left the dispatch path out', async () => {
    const { event } = await eventIn({ JUJU_DISPATCH_PATH: undefined, JUJU_HOOK_NAME: 'config-changed' });
    expect(event.kind).toBe('config-changed');
  });

  it('is a wake-up of our own when juju-exec names one, with an empty hook name', async () => {
    const { event, by } = await eventIn({ JUJU_DISPATCH_PATH: 'hooks/wake', JUJU_HOOK_NAME: '' });
    expect(event).toEqual({ kind: 'custom', name: 'wake' });
    expect(by).toBe('reconcile');
  });

  it('is nameless, and still reconciles, when juju-exec runs the bare executable', async () => {
    const { event, by } = await eventIn({ JUJU_DISPATCH_PATH: undefined, JUJU_HOOK_NAME: '' });
    expect(event).toEqual({ kind: 'custom', name: 'unnamed' });
    expect(by).toBe('reconcile');
  });

  it('knows the relation, and leaves out what Juju leaves empty', async () => {
    const { event } = await eventIn({
      JUJU_DISPATCH_PATH: 'hooks/my-peers-relation-changed',
      JUJU_RELATION: 'my-peers',
      JUJU_RELATION_ID: 'my-peers:0',
      JUJU_REMOTE_UNIT: '',
      JUJU_REMOTE_APP: 'app',
    });
    expect(event).toEqual({
      kind: 'relation-changed',
      name: 'my-peers-relation-changed',
      relation: { endpoint: 'my-peers', id: 'my-peers:0', remoteApp: 'app' },
    });
  });

  it('is a custom one when it is named like a relation hook but Juju gave no relation', async () => {
    expect((await eventIn({ JUJU_DISPATCH_PATH: 'hooks/peers-relation-changed' })).event.kind).toBe('custom');
    expect((await eventIn({ JUJU_DISPATCH_PATH: 'hooks/data-storage-attached' })).event.kind).toBe('custom');
    expect((await eventIn({ JUJU_DISPATCH_PATH: 'hooks/secret-changed' })).event.kind).toBe('custom');
  });

  it('knows storage and secrets', async () => {
    const storage = await eventIn({
      JUJU_DISPATCH_PATH: 'hooks/my-data-storage-detaching',
      JUJU_STORAGE_ID: 'my-data/2',
      JUJU_STORAGE_LOCATION: '/srv/data',
      JUJU_STORAGE_KIND: 'filesystem',
    });
    expect(storage.event.storage).toEqual({
      name: 'my-data',
      id: 'my-data/2',
      location: '/srv/data',
      kind: 'filesystem',
    });
    // Storage can be detached from a unit that stays.
    expect(storage.dying).toBe(false);
    const secret = await eventIn({
      JUJU_DISPATCH_PATH: 'hooks/secret-remove',
      JUJU_SECRET_ID: 'secret:abc',
      JUJU_SECRET_LABEL: '',
      JUJU_SECRET_REVISION: '4',
    });
    expect(secret.event.secret).toEqual({ uri: 'secret:abc', revision: 4 });
  });

  it.each(['stop', 'remove'])('%s is teardown', async (name) => {
    expect(await eventIn({ JUJU_DISPATCH_PATH: `hooks/${name}` })).toMatchObject({
      by: 'teardown',
      dying: true,
    });
  });

  it("a departed hook is teardown only when the departing unit is the hook's own", async () => {
    const departed = {
      JUJU_DISPATCH_PATH: 'hooks/peers-relation-departed',
      JUJU_RELATION: 'peers',
      JUJU_RELATION_ID: 'peers:0',
      JUJU_REMOTE_UNIT: 'app/1',
      JUJU_REMOTE_APP: 'app',
    };
    expect(await eventIn({ ...departed, JUJU_DEPARTING_UNIT: 'app/0' })).toMatchObject({
      by: 'teardown',
      dying: true,
    });
    expect(await eventIn({ ...departed, JUJU_DEPARTING_UNIT: 'app/1' })).toMatchObject({
      by: 'reconcile',
      dying: false,
    });
  });

  it('a dying unit of a charm without teardown does nothing, and well', async () => {
    const reconciled: string[] = [];
    const { code } = await runHook(
      charm({ reconcile: async (hook) => void reconciled.push(hook.event.name) }),
      {},
      { JUJU_DISPATCH_PATH: 'hooks/stop' },
    );
    expect({ code, reconciled }).toEqual({ code: 0, reconciled: [] });
  });
});

describe('when a hook has ended', () => {
  it('the charm is told so after the last word to Juju, with the number of its tools', async () => {
    let told: unknown;
    const { of } = await runHook(
      charm({
        reconcile: async (hook) => hook.status.add({ status: 'active', message: 'well' }),
        ended: async (hook, ok) => {
          told = { ok, calls: hook.toolCalls };
        },
      }),
      { 'status-get': {} },
    );
    expect(told).toMatchObject({ ok: true });
    expect(of('status-set')).toHaveLength(1);
    expect(Object(told).calls).toBeGreaterThanOrEqual(1);
  });

  it('badly, it is told that too', async () => {
    const told: boolean[] = [];
    const { code } = await runHook(
      charm({
        reconcile: async () => Promise.reject(new Error('a bug')),
        ended: async (_hook, ok) => void told.push(ok),
      }),
    );
    expect({ code, told }).toEqual({ code: 1, told: [false] });
  });

  it('what goes wrong then is logged, and changes nothing', async () => {
    const { code, of } = await runHook(
      charm({ ended: async () => Promise.reject(new Error('nobody listens')) }),
    );
    expect(code).toBe(0);
    expect(of('juju-log').join()).toContain('nobody listens');
  });
});

describe('the surroundings', () => {
  it('come from the environment, empty ones as absent', async () => {
    let seen: unknown;
    await runHook(
      charm({
        reconcile: async (hook) => {
          const { unit, application, model, machineId, jujuVersion, proxies, charmDirectory } = hook;
          seen = { unit, application, model, machineId, jujuVersion, proxies, charmDirectory };
        },
      }),
    );
    expect(seen).toEqual({
      unit: 'app/0',
      application: 'app',
      model: { name: 'm', uuid: 'uuid-1' },
      machineId: '3',
      jujuVersion: '4.0.15',
      proxies: { http: undefined, https: 'http://proxy:3128', no: undefined },
      charmDirectory: '/charm',
    });
  });

  it('outside Juju the executable says what it is and exits with 2', async () => {
    const { code, errors, calls } = await runHook(charm({}), {}, { JUJU_CONTEXT_ID: undefined });
    expect(code).toBe(2);
    expect(errors.join('\n')).toContain('juju-exec -u app/0');
    expect(calls).toEqual([]);
  });

  it('a hook that asks nothing runs no tool', async () => {
    expect((await runHook(charm({}))).calls).toEqual([]);
  });
});
