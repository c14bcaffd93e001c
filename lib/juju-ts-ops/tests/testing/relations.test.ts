import { describe, expect, it } from 'vitest';
import { database, deployed, files, inExec, model, of, one, settle } from './fixtures.ts';

/** Writes to the peer relation (number 0) by a juju-exec. */
const set = (juju: Parameters<typeof inExec>[0], unit: string, ...words: string[]) =>
  inExec(juju, unit, ['relation-set', '-r', '0', ...words]);

describe('relation hooks', () => {
  it('give a unit its addresses on entering: without private-address in 4.0, with it in 3.6', () => {
    expect(Object.keys(deployed(1).juju.databag('peers', 'app/0'))).toEqual([
      'egress-subnets',
      'ingress-address',
    ]);
    expect(Object.keys(deployed(1, { profile: '3.6' }).juju.databag('peers', 'app/0'))).toContain(
      'private-address',
    );
  });

  it('a unit’s write tells every other unit once, never the writer, and a same value tells nobody', () => {
    const { juju } = deployed(3);
    set(juju, 'app/1', 'a=1');
    expect(settle(juju).sort()).toEqual(['app/0 peers-relation-changed', 'app/2 peers-relation-changed']);
    set(juju, 'app/1', 'a=1');
    expect(settle(juju)).toEqual([]);
  });

  it('an application’s peer write tells every unit including the writer, about no unit', () => {
    const { juju } = deployed(2);
    set(juju, 'app/0', '--app', 'goal=1');
    const about: unknown[] = [];
    const ran = settle(juju, ({ env }) => {
      about.push([env.JUJU_REMOTE_APP, env.JUJU_REMOTE_UNIT]);
      return undefined;
    });
    expect(ran.sort()).toEqual(['app/0 peers-relation-changed', 'app/1 peers-relation-changed']);
    expect(about).toEqual([
      ['app', ''],
      ['app', ''],
    ]);
  });

  it('an application’s write in another relation tells the remote units only', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    const id = juju.integrate('app:db', 'db:sql');
    settle(juju);
    inExec(juju, 'app/0', ['relation-set', '-r', String(id), '--app', 'x=1']);
    expect(settle(juju)).toEqual(['db/0 sql-relation-changed']);
  });

  it('come once for many writes, and in 4.0 not at all for a value that came and went', () => {
    for (const [profile, hooks] of [
      ['4.0', 0],
      ['3.6', 1],
    ] as const) {
      const { juju } = deployed(2, { profile });
      set(juju, 'app/1', 'a=1');
      set(juju, 'app/1', 'a=2');
      expect(settle(juju)).toHaveLength(1);
      set(juju, 'app/1', 'a=3');
      set(juju, 'app/1', 'a=2');
      expect(settle(juju)).toHaveLength(hooks);
    }
  });

  it('joined is followed by changed of the same unit, even without any data', () => {
    const { juju } = deployed(1);
    juju.addUnit('app');
    const ran = of('app/0', settle(juju));
    expect(ran).toEqual(['peers-relation-joined', 'peers-relation-changed']);
  });

  it('a fresh unit hears of the application’s databag before the first joined', () => {
    const { juju } = deployed(1);
    set(juju, 'app/0', '--app', 'goal=1');
    settle(juju);
    juju.addUnit('app');
    const hooks: string[] = [];
    settle(juju, ({ env, unit }) => {
      if (unit === 'app/1') hooks.push(`${env.JUJU_HOOK_NAME} ${env.JUJU_REMOTE_UNIT ?? ''}`.trim());
      return undefined;
    });
    expect(hooks.slice(-3)).toEqual([
      'peers-relation-changed',
      'peers-relation-joined app/0',
      'peers-relation-changed app/0',
    ]);
  });

  it('come within one relation as: changed of a joined, departed, application changed, joined, changed', () => {
    const { juju } = deployed(4, { profile: '3.6' });
    juju.addUnit('app');
    while (juju.next('app/0')?.name !== 'peers-relation-joined') settle(juju, () => undefined, 'app/4');
    one(juju, 'app/0');
    set(juju, 'app/1', 'a=1');
    set(juju, 'app/0', '--app', 'goal=1');
    juju.removeUnit('app/2');
    juju.addUnit('app');
    settle(juju, () => undefined, 'app/5');
    const hooks: string[] = [];
    settle(
      juju,
      ({ env }) => {
        hooks.push(`${env.JUJU_HOOK_NAME?.replace('peers-relation-', '')} ${env.JUJU_REMOTE_UNIT}`.trim());
        return undefined;
      },
      'app/0',
    );
    expect(hooks).toEqual([
      'changed app/4',
      'departed app/2',
      'changed',
      'joined app/5',
      'changed app/5',
      'changed app/1',
    ]);
  });

  it('are not run for an application’s databag that was never written; a first write that writes nothing counts in 4.0', () => {
    for (const [profile, hooks] of [
      ['4.0', ['app/0 peers-relation-changed', 'app/1 peers-relation-changed']],
      ['3.6', []],
    ] as const) {
      const { juju } = deployed(2, { profile });
      expect(juju.model.relations.get(0)?.bags.get('app')).toBeUndefined();
      set(juju, 'app/0', '--app', 'k=');
      expect(settle(juju)).toEqual(hooks);
      set(juju, 'app/0', '--app', 'k=');
      expect(settle(juju)).toEqual([]);
    }
  });

  it('come in the string order of units: app/10 before app/2', () => {
    const { juju } = deployed(11);
    juju.addUnit('app');
    const joined: string[] = [];
    settle(
      juju,
      ({ env }) => {
        if (env.JUJU_HOOK_NAME === 'peers-relation-joined') joined.push(env.JUJU_REMOTE_UNIT ?? '');
        return undefined;
      },
      'app/11',
    );
    expect(joined.slice(0, 4)).toEqual(['app/0', 'app/1', 'app/10', 'app/2']);
  });

  it('end with departed for each unit, then broken; the relation is gone when both sides have left', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database, { units: 2 });
    const id = juju.integrate('app:db', 'db:sql');
    settle(juju);
    juju.removeRelation(id);
    const listed: string[] = [];
    const ran = settle(juju, (context) => {
      if (context.unit === 'app/0')
        listed.push(context.tool('relation-ids', ['db', '--format=json']).stdout.trim());
      return undefined;
    });
    expect(of('app/0', ran)).toEqual(['db-relation-departed', 'db-relation-departed', 'db-relation-broken']);
    expect(listed).toEqual([`["db:${id}"]`, '[]', '[]']);
    expect(juju.model.relations.has(id)).toBe(false);
  });

  it('a relation that is removed before a unit has heard of it goes silently there', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    settle(juju);
    const id = juju.integrate('app:db', 'db:sql');
    one(juju, 'db/0');
    juju.removeRelation(id);
    expect(settle(juju)).toEqual(['db/0 sql-relation-broken']);
    expect(juju.model.relations.has(id)).toBe(false);
  });

  it('4.0 peers do not hear that a unit was removed and go on listing it; goal-state does not', () => {
    const { juju } = deployed(2);
    juju.removeUnit('app/1');
    expect(of('app/0', settle(juju))).toEqual([]);
    expect(inExec(juju, 'app/0', ['relation-list', '-r', '0', '--format=json']).stdout).toBe('["app/1"]\n');
    expect(inExec(juju, 'app/0', ['goal-state', '--format=json']).stdout).not.toContain('app/1');
    juju.addUnit('app');
    const joined: string[] = [];
    settle(juju, ({ env, unit }) => {
      if (unit === 'app/2' && env.JUJU_HOOK_NAME?.endsWith('joined')) joined.push(env.JUJU_REMOTE_UNIT ?? '');
      return undefined;
    });
    expect(joined).toEqual(['app/0']);
    juju.agentDown('app/0');
    juju.agentUp('app/0', { rebooted: false });
    expect(inExec(juju, 'app/0', ['relation-list', '-r', '0', '--format=json']).stdout).toBe('["app/2"]\n');
  });

  it('4.0 peers hear departed after the removal when the switch says so', () => {
    const { juju } = deployed(2, { peersHearDeparture: true });
    juju.removeUnit('app/1');
    const ran = settle(juju);
    expect(ran.at(-1)).toBe('app/0 peers-relation-departed');
  });

  it('3.6 peers and related units hear departed as soon as the unit is dying', () => {
    const { juju } = deployed(2, { profile: '3.6' });
    juju.deploy('db', database);
    juju.integrate('app:db', 'db:sql');
    settle(juju);
    juju.removeUnit('app/1');
    expect(juju.next('app/0')?.name).toBe('peers-relation-departed');
    expect(juju.next('db/0')?.name).toBe('sql-relation-departed');
  });

  it('4.0 related units hear departed only when the dying unit has committed its broken', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    juju.integrate('app:db', 'db:sql');
    settle(juju);
    juju.removeUnit('app/0');
    while (juju.next('app/0')?.name !== 'db-relation-broken') one(juju, 'app/0');
    expect(juju.next('db/0')).toBeUndefined();
    one(juju, 'app/0');
    expect(juju.next('db/0')?.name).toBe('sql-relation-departed');
  });
});

describe('databags as a hook reads them', () => {
  it('of another unit are kept from hook to hook, until that unit’s own changed', () => {
    const { juju } = deployed(3);
    const get = (unit: string, of: string) => inExec(juju, unit, ['relation-get', '-r', '0', 'a', of]).stdout;
    expect(get('app/0', 'app/2')).toBe('');
    set(juju, 'app/2', 'a=1');
    expect(get('app/0', 'app/2')).toBe('');
    expect(get('app/1', 'app/2')).toBe('1\n');
    settle(juju);
    expect(get('app/0', 'app/2')).toBe('1\n');
  });

  it('show one’s own writes at once, to others only after the commit', () => {
    const { juju } = deployed(2);
    juju.exec('app/0', 'x');
    one(juju, 'app/0', (context) => {
      context.tool('relation-set', ['-r', '0', 'a=1']);
      expect(context.tool('relation-get', ['-r', '0', 'a', 'app/0']).stdout).toBe('1\n');
      expect(inExec(juju, 'app/1', ['relation-get', '-r', '0', 'a', 'app/0']).stdout).toBe('');
      return undefined;
    });
    settle(juju);
    expect(inExec(juju, 'app/1', ['relation-get', '-r', '0', 'a', 'app/0']).stdout).toBe('1\n');
  });

  it('of one’s own application may be read by a unit that does not lead: peers always, others only in 4.0', () => {
    for (const profile of ['4.0', '3.6'] as const) {
      const { juju } = deployed(2, { profile });
      juju.deploy('db', database);
      const id = juju.integrate('app:db', 'db:sql');
      set(juju, 'app/0', '--app', 'goal=1');
      settle(juju);
      expect(inExec(juju, 'app/1', ['relation-get', '-r', '0', '--app', 'goal', 'app']).stdout).toBe('1\n');
      const other = inExec(juju, 'app/1', ['relation-get', '-r', String(id), '--app', '-', 'app']);
      expect(other.code).toBe(profile === '4.0' ? 0 : 1);
      expect(other.stderr).toBe(profile === '4.0' ? '' : 'ERROR permission denied\n');
    }
  });

  it('relation-list shows the joining unit in its joined, and not the departing one in its departed', () => {
    const { juju } = deployed(1, { peersHearDeparture: true });
    const lists: string[] = [];
    const note = () =>
      settle(juju, (context) => {
        if (context.unit === 'app/0')
          lists.push(context.tool('relation-list', ['--format=json']).stdout.trim());
        return undefined;
      });
    juju.addUnit('app');
    note();
    juju.removeUnit('app/1');
    note();
    expect(lists).toEqual(['["app/1"]', '["app/1"]', '[]']);
  });

  it('refuses to relate what does not fit, and to remove a peer relation', () => {
    const { juju } = model();
    juju.deploy('app', files);
    juju.deploy('db', database);
    expect(() => juju.integrate('app:db', 'db:nosuch')).toThrow('application "db" has no "nosuch" relation');
    expect(() => juju.integrate('app:peers', 'db:sql')).toThrow('no relations found');
    expect(() => juju.removeRelation(0)).toThrow('peer relation');
  });
});
