import { describe, expect, it } from 'vitest';
import { database, deployed, files, inExec, model, of, one, settle } from './fixtures.ts';

describe('the order of hooks of one unit', () => {
  it('begins with storage, then install, created, leader-elected, config-changed, start, joined, changed', () => {
    const { juju } = model();
    juju.deploy('app', files, { units: 2 });
    const ran = settle(juju);
    expect(of('app/0', ran)).toEqual([
      'data-storage-attached',
      'install',
      'peers-relation-created',
      'leader-elected',
      'config-changed',
      'start',
      'peers-relation-joined',
      'peers-relation-changed',
    ]);
    expect(of('app/1', ran)).not.toContain('leader-elected');
  });

  it('tells 3.6 units that do not lead by leader-settings-changed, and 4.0 units by nothing', () => {
    const { juju } = model({ profile: '3.6' });
    juju.deploy('app', files, { units: 2 });
    expect(of('app/1', settle(juju)).slice(0, 6)).toEqual([
      'data-storage-attached',
      'install',
      'peers-relation-created',
      'leader-settings-changed',
      'config-changed',
      'start',
    ]);
  });

  it('shows no relation before install is done', () => {
    const { juju } = model();
    juju.deploy('app', files);
    const seen: string[] = [];
    for (const _ of ['storage', 'install', 'created']) {
      one(juju, 'app/0', (context) => {
        seen.push(context.tool('relation-ids', ['peers', '--format=json']).stdout.trim());
        return undefined;
      });
    }
    expect(seen).toEqual(['[]', '[]', '["peers:0"]']);
  });

  it('does not install before the last storage instance is attached', () => {
    const { juju } = model();
    juju.deploy('app', {
      metadata: { name: 'app', storage: { data: { type: 'filesystem', multiple: { range: '2-' } } } },
    });
    expect(settle(juju).map((each) => each.split(' ')[1])).toEqual([
      'data-storage-attached',
      'data-storage-attached',
      'install',
      'leader-elected',
      'config-changed',
      'start',
    ]);
  });

  it('takes install up again after a storage hook that was killed or had failed', () => {
    const { juju } = model();
    juju.deploy('app', files);
    expect(one(juju, 'app/0', () => ({ signal: 'SIGKILL' })).name).toBe('data-storage-attached');
    expect(one(juju, 'app/0', () => ({ exitCode: 1 })).name).toBe('data-storage-attached');
    juju.resolve('app/0', { retry: true });
    expect(one(juju, 'app/0', () => ({ signal: 'SIGKILL' })).name).toBe('data-storage-attached');
    expect([one(juju, 'app/0').name, one(juju, 'app/0').name]).toEqual(['data-storage-attached', 'install']);
  });

  it('queues start straight after the first config-changed: no action between, but a juju-exec', () => {
    const { juju } = model();
    juju.deploy('app', files);
    while (juju.next('app/0')?.name !== 'config-changed') one(juju, 'app/0');
    one(juju, 'app/0');
    juju.runAction('app/0', 'act');
    juju.exec('app/0', 'true');
    expect(settle(juju).map((each) => each.split(' ')[1])).toEqual(['run-commands', 'start', 'act']);
  });

  it('queues config-changed straight after upgrade-charm, unconditionally', () => {
    const { juju } = deployed(1);
    juju.refresh('app', files);
    one(juju, 'app/0');
    juju.runAction('app/0', 'act');
    expect(settle(juju)).toEqual(['app/0 config-changed', 'app/0 act']);
  });

  it('runs upgrade-charm for a resource alone', () => {
    const { juju } = deployed(1);
    juju.attachResource('app', 'blob', '/resources/2');
    expect(settle(juju)).toEqual(['app/0 upgrade-charm', 'app/0 config-changed']);
    expect(inExec(juju, 'app/0', ['resource-get', 'blob']).stdout).toBe('/resources/2');
  });

  it('runs a juju-exec even before install, an action only when install is done', () => {
    const { juju } = model();
    juju.deploy('app', files);
    juju.runAction('app/0', 'act');
    juju.exec('app/0', 'true');
    expect(of('app/0', settle(juju)).slice(0, 5)).toEqual([
      'run-commands',
      'data-storage-attached',
      'install',
      'peers-relation-created',
      'leader-elected',
    ]);
  });

  it('runs config-changed for a new value, not for the same value, and not for a value that came and went', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'new' });
    expect(settle(juju)).toEqual(['app/0 config-changed']);
    juju.configure('app', { text: 'new' });
    expect(settle(juju)).toEqual([]);
    juju.configure('app', { text: 'other' });
    juju.configure('app', { text: 'new' });
    expect(settle(juju)).toEqual([]);
  });

  it('changes a value by a reset without a hook in 4.0, with one in 3.6', () => {
    for (const [profile, hooks] of [
      ['4.0', []],
      ['3.6', ['app/0 config-changed']],
    ] as const) {
      const { juju } = deployed(1, { profile });
      juju.configure('app', { text: 'new' });
      settle(juju);
      juju.resetConfig('app', ['text']);
      expect(settle(juju)).toEqual(hooks);
      expect(inExec(juju, 'app/0', ['config-get', 'text']).stdout).toBe('hello\n');
    }
  });

  it('runs config-changed again when a value changed after the hook was put up', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'a' });
    one(juju, 'app/0', () => {
      juju.configure('app', { text: 'b' });
      return undefined;
    });
    expect(settle(juju)).toEqual(['app/0 config-changed']);
  });

  it('runs start, and only start, after a reboot of a started unit', () => {
    const { juju } = deployed(1);
    juju.reboot('app/0');
    expect(settle(juju)).toEqual(['app/0 start']);
    const fresh = model().juju;
    fresh.deploy('app', files);
    one(fresh, 'app/0');
    fresh.reboot('app/0');
    expect(of('app/0', settle(fresh)).filter((each) => each === 'start')).toHaveLength(1);
  });

  it('leaves nothing to do after a mere agent restart', () => {
    const { juju } = deployed(2);
    juju.agentDown('app/0');
    juju.agentUp('app/0', { rebooted: false });
    expect(settle(juju)).toEqual([]);
  });

  it('runs update-status only when no other hook ran since it was due', () => {
    const { juju, clock } = deployed(1, { updateStatusMs: 300_000 });
    clock.advance(360_000);
    expect(settle(juju)).toEqual(['app/0 update-status']);
    clock.advance(360_000);
    juju.configure('app', { text: 'busy' });
    expect(settle(juju)).toEqual(['app/0 config-changed']);
    expect(juju.nextTime('app/0')).toBeGreaterThan(clock.now());
  });

  it('removes a unit: detaching, departed for each peer, stop, remove; the status is Juju’s own', () => {
    const { juju } = deployed(3);
    juju.removeUnit('app/1');
    const departing: string[] = [];
    const ran = settle(juju, (context) => {
      if (context.unit === 'app/1')
        departing.push(`${context.env.JUJU_REMOTE_UNIT} ${context.env.JUJU_DEPARTING_UNIT}`);
      return undefined;
    });
    expect(of('app/1', ran)).toEqual([
      'data-storage-detaching',
      'peers-relation-departed',
      'peers-relation-departed',
      'stop',
      'remove',
    ]);
    expect(departing.slice(1, 3)).toEqual(['app/0 app/1', 'app/2 app/1']);
    expect(juju.units('app')).toEqual(['app/0', 'app/2']);
  });

  it('breaks other relations before it leaves the peers, and never breaks the peers’', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    juju.integrate('app:db', 'db:sql');
    settle(juju);
    juju.removeUnit('app/0');
    expect(of('app/0', settle(juju))).toEqual([
      'data-storage-detaching',
      'db-relation-departed',
      'db-relation-broken',
      'stop',
      'remove',
    ]);
  });

  it('breaks the peer relation, without a remote application, when the whole application goes', () => {
    const { juju } = deployed(2);
    juju.removeApplication('app');
    const broken: unknown[] = [];
    const ran = settle(juju, ({ env }) => {
      if (env.JUJU_HOOK_NAME === 'peers-relation-broken')
        broken.push([env.JUJU_REMOTE_APP, env.JUJU_REMOTE_UNIT]);
      return undefined;
    });
    expect(of('app/0', ran)).toEqual([
      'data-storage-detaching',
      'peers-relation-departed',
      'peers-relation-broken',
      'stop',
      'remove',
    ]);
    expect(broken).toEqual([
      ['', ''],
      ['', ''],
    ]);
    expect(juju.model.applications.size).toBe(0);
    expect(juju.model.relations.size).toBe(0);
  });

  it('stalls a dying unit whose hook has failed, until that is resolved', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    one(juju, 'app/0', () => ({ exitCode: 1 }));
    juju.removeUnit('app/0');
    expect(settle(juju)).toEqual([]);
    juju.resolve('app/0', { retry: false });
    expect(of('app/0', settle(juju)).at(-1)).toBe('remove');
  });

  it('lets a dying unit still run actions and juju-exec', () => {
    const { juju } = deployed(1);
    juju.removeUnit('app/0');
    juju.runAction('app/0', 'act');
    juju.exec('app/0', 'true');
    expect(settle(juju).slice(0, 2)).toEqual(['app/0 act', 'app/0 run-commands']);
  });

  it('orders relations by the seed, peers last', () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const { juju } = model({ seed });
      juju.deploy('app', files);
      for (const name of ['da', 'db', 'dc']) {
        juju.deploy(name, database);
        juju.integrate('app:db', `${name}:sql`);
      }
      const created: string[] = [];
      settle(juju, ({ env, unit }) => {
        if (unit === 'app/0' && env.JUJU_HOOK_NAME?.endsWith('created'))
          created.push(env.JUJU_REMOTE_APP ?? '');
        return undefined;
      });
      expect(created.at(-1)).toBe('app');
      orders.add(created.join(' '));
    }
    expect(orders.size).toBeGreaterThan(2);
  });

  it('serialises the units of one machine, but for parallel actions', () => {
    const { juju } = model();
    juju.deploy('app', { ...files, metadata: { name: 'app' } }, { units: 2, machine: () => '0' });
    settle(juju);
    juju.configure('app', { text: 'x' });
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    const running = juju.begin('app/0', operation);
    expect(juju.next('app/1')).toBeUndefined();
    juju.runAction('app/1', 'loose');
    expect(juju.next('app/1')?.name).toBe('loose');
    running.finish({ exitCode: 0 });
    expect(juju.next('app/0')).toBeUndefined();
    expect(juju.next('app/1')?.name).toBe('loose');
  });

  it('locks by execution group where an action names one', () => {
    const { juju } = model();
    const actions = {
      a: { 'execution-group': 'g' },
      b: { 'execution-group': 'g' },
      c: { 'execution-group': 'h' },
    };
    juju.deploy('app', { metadata: { name: 'app' }, actions }, { units: 2, machine: () => '0' });
    settle(juju);
    juju.runAction('app/0', 'a');
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    juju.begin('app/0', operation);
    const other = juju.runAction('app/1', 'b');
    expect(juju.next('app/1')).toBeUndefined();
    juju.model.units.get('app/1')?.agent.actions.splice(0, 1);
    expect(other.status).toBe('pending');
    juju.runAction('app/1', 'c');
    expect(juju.next('app/1')?.name).toBe('c');
  });

  it('never runs two operations of one unit at the same time', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    juju.runAction('app/0', 'loose');
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    juju.begin('app/0', operation);
    expect(juju.next('app/0')).toBeUndefined();
    expect(() => juju.begin('app/0', operation)).toThrow('already running');
  });

  it('runs config-changed for a new address, which others hear when it is done, and for trust', () => {
    const { juju } = deployed(2);
    juju.changeAddress('app/0', '10.66.0.77');
    expect(juju.databag('peers', 'app/0')['ingress-address']).toBe('10.66.0.11');
    expect(settle(juju)).toEqual(['app/0 config-changed', 'app/1 peers-relation-changed']);
    expect(juju.databag('peers', 'app/0')).toMatchObject({
      'ingress-address': '10.66.0.77',
      'egress-subnets': '10.66.0.77/32',
    });
    juju.trust('app');
    expect(settle(juju)).toEqual(['app/0 config-changed', 'app/1 config-changed']);
  });

  it('may run config-changed twice for one change in 4.0: where the front end says so, and never in a retry', () => {
    const asked: string[] = [];
    const configChangedTwice = (unit: string, change: number) => {
      asked.push(`${unit} ${change}`);
      return unit === 'app/0';
    };
    for (const [profile, hooks] of [
      ['4.0', ['app/0 config-changed', 'app/1 config-changed', 'app/0 config-changed']],
      ['3.6', ['app/0 config-changed', 'app/1 config-changed']],
    ] as const) {
      const { juju } = deployed(2, { profile, configChangedTwice });
      juju.configure('app', { text: 'x' });
      expect(settle(juju)).toEqual(hooks);
    }
    expect(asked).toEqual(['app/0 1', 'app/1 1']);
    const { juju, clock } = deployed(1, { configChangedTwice });
    juju.refresh('app', files);
    expect(settle(juju)).toEqual(['app/0 upgrade-charm', 'app/0 config-changed']);
    juju.configure('app', { text: 'y' });
    one(juju, 'app/0', () => ({ exitCode: 1 }));
    juju.configure('app', { text: 'z' });
    clock.advance(6_000);
    expect(settle(juju)).toEqual(['app/0 config-changed']);
  });

  it('refreshes each unit by itself, when it is idle: old and new code stand side by side', () => {
    const { juju } = deployed(2);
    juju.refresh('app', files);
    expect(settle(juju, () => undefined, 'app/1')).toEqual(['app/1 upgrade-charm', 'app/1 config-changed']);
    expect([juju.charmRevision('app/0'), juju.charmRevision('app/1')]).toEqual([0, 1]);
    expect(juju.next('app/0')?.name).toBe('upgrade-charm');
    juju.configure('app', { text: 'x' });
    expect(juju.next('app/1')?.name).toBe('config-changed');
  });
});
