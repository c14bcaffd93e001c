import { describe, expect, it } from 'vitest';
import { database, deployed, files, inExec, model, one, settle } from './fixtures.ts';

/** A running config-changed on the unit. */
function running(juju: ReturnType<typeof deployed>['juju'], unit: string) {
  juju.configure('app', { text: `for ${unit}` });
  const operation = juju.next(unit);
  if (!operation) throw new Error('idle');
  return juju.begin(unit, operation);
}

describe('what a hook writes', () => {
  it('is kept back until it exits with 0, and lost when it fails', () => {
    const { juju } = deployed(1);
    const failing = running(juju, 'app/0');
    failing.tool('relation-set', ['-r', '0', 'a=1']);
    failing.tool('state-set', ['k=v']);
    failing.tool('open-port', ['80']);
    failing.tool('secret-add', ['abc=v', '--label', 'l']);
    expect(failing.finish({ exitCode: 1 }).outcome).toBe('failed');
    expect(juju.databag('peers', 'app/0')).not.toHaveProperty('a');
    expect(juju.model.units.get('app/0')).toMatchObject({ ports: [], stored: new Map() });
    expect(juju.model.secrets.size).toBe(0);
  });

  it('status, version and log are immediate and survive a failure', () => {
    const { juju } = deployed(1);
    const failing = running(juju, 'app/0');
    failing.tool('status-set', ['maintenance', 'half way']);
    failing.tool('application-version-set', ['1.2']);
    failing.tool('juju-log', ['-l', 'warn', 'careful']);
    failing.finish({ exitCode: 1 });
    expect(juju.unitStatus('app/0')).toMatchObject({
      status: 'error',
      message: 'hook failed: "config-changed"',
    });
    juju.resolve('app/0', { retry: false });
    expect(juju.unitStatus('app/0')).toMatchObject({ status: 'maintenance', message: 'half way' });
    expect(juju.status().applications.app?.version).toBe('1.2');
    expect(juju.log.at(-1)).toMatchObject({ unit: 'app/0', level: 'WARNING', text: 'careful' });
  });

  it('is all or nothing: a refused commit fails the hook', () => {
    const { juju } = deployed(1);
    const hook = running(juju, 'app/0');
    hook.tool('relation-set', ['-r', '0', 'a=1']);
    expect(hook.tool('storage-add', ['nosuch']).code).toBe(0);
    expect(hook.finish({ exitCode: 0 })).toMatchObject({ outcome: 'failed' });
    expect(juju.databag('peers', 'app/0')).not.toHaveProperty('a');
    expect(juju.unitStatus('app/0').status).toBe('error');
  });

  it('to an application databag needs the lease at the commit', () => {
    const { juju } = deployed(2);
    const hook = running(juju, 'app/0');
    expect(hook.tool('relation-set', ['-r', '0', '--app', 'goal=1']).code).toBe(0);
    juju.setLeader('app', 'app/1');
    expect(hook.finish({ exitCode: 0 })).toMatchObject({
      outcome: 'failed',
      reason: '"app/0" is not leader of "app"',
    });
    expect(juju.databag('peers', 'app')).toEqual({});
  });

  it('to an application’s secret needs the lease at the commit', () => {
    const { juju } = deployed(2);
    const hook = running(juju, 'app/0');
    expect(hook.tool('secret-add', ['abc=v']).code).toBe(0);
    juju.setLeader('app', 'app/1');
    expect(hook.finish({ exitCode: 0 }).outcome).toBe('failed');
  });

  it('to a relation that vanished meanwhile fails the hook', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    const id = juju.integrate('app:db', 'db:sql');
    settle(juju);
    const hook = running(juju, 'app/0');
    hook.tool('relation-set', ['-r', String(id), 'a=1']);
    juju.model.relations.delete(id);
    expect(hook.finish({ exitCode: 0 })).toMatchObject({
      outcome: 'failed',
      reason: `relation ${id} not found`,
    });
  });

  it('of a port fails the hook when another unit of the machine was faster', () => {
    const { juju } = model();
    juju.deploy('app', { ...files, metadata: { name: 'app' } }, { units: 2, machine: () => '0' });
    settle(juju);
    const hook = running(juju, 'app/0');
    expect(hook.tool('open-port', ['80']).code).toBe(0);
    juju.model.units.get('app/1')?.ports.push({ protocol: 'tcp', from: 80, to: 80, endpoint: '' });
    expect(hook.finish({ exitCode: 0 })).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('80/tcp'),
    });
  });

  it('is at most 16 MiB in one databag', () => {
    const { juju } = deployed(1);
    const hook = running(juju, 'app/0');
    expect(hook.tool('relation-set', ['-r', '0', `a=${'x'.repeat(17 * 1024 * 1024)}`]).code).toBe(0);
    expect(hook.finish({ exitCode: 0 }).outcome).toBe('failed');
  });

  it('by juju-exec is committed even when the script fails, and dropped when it is killed', () => {
    const { juju } = deployed(1);
    const record = juju.exec('app/0', 'x');
    one(juju, 'app/0', (context) => {
      context.tool('relation-set', ['-r', '0', 'a=1']);
      return { exitCode: 3, stdout: 'out' };
    });
    expect(record).toMatchObject({ status: 'done', exitCode: 3, stdout: 'out' });
    expect(juju.databag('peers', 'app/0').a).toBe('1');
    const killed = juju.exec('app/0', 'x');
    one(juju, 'app/0', (context) => {
      context.tool('relation-set', ['-r', '0', 'a=2']);
      return { signal: 'SIGKILL' };
    });
    expect(killed.status).toBe('aborted');
    expect(juju.databag('peers', 'app/0').a).toBe('1');
  });
});

describe('caches of a run', () => {
  it('status-get keeps its first answer, config-get too', () => {
    const { juju } = deployed(1);
    const hook = running(juju, 'app/0');
    expect(hook.tool('status-get', []).stdout).toBe('unknown\n');
    hook.tool('status-set', ['active']);
    expect(hook.tool('status-get', []).stdout).toBe('unknown\n');
    expect(hook.tool('config-get', ['number']).stdout).toBe('7\n');
    juju.configure('app', { number: 8 });
    expect(hook.tool('config-get', ['number']).stdout).toBe('7\n');
    hook.finish({ exitCode: 0 });
    expect(inExec(juju, 'app/0', ['config-get', 'number']).stdout).toBe('8\n');
  });

  it('is-leader may turn to False within a run, and then stays so', () => {
    const { juju } = deployed(2);
    const hook = running(juju, 'app/0');
    expect(hook.tool('is-leader', []).stdout).toBe('True\n');
    juju.setLeader('app', 'app/1');
    expect(hook.tool('is-leader', []).stdout).toBe('False\n');
    juju.setLeader('app', 'app/0');
    expect(hook.tool('is-leader', []).stdout).toBe('False\n');
  });

  it('opened-ports shows the run’s own changes in 4.0, the state at its start in 3.6', () => {
    for (const [profile, shown] of [
      ['4.0', '80/tcp\n'],
      ['3.6', ''],
    ] as const) {
      const { juju } = deployed(1, { profile });
      const hook = running(juju, 'app/0');
      hook.tool('open-port', ['80']);
      expect(hook.tool('opened-ports', []).stdout).toBe(shown);
      hook.finish({ exitCode: 0 });
      expect(inExec(juju, 'app/0', ['opened-ports']).stdout).toBe('80/tcp\n');
    }
  });
});

describe('leadership', () => {
  it('is known in the first hook; leader-elected comes only on gaining it', () => {
    const { juju } = model();
    juju.deploy('app', files, { units: 2 });
    one(juju, 'app/0', (context) => {
      expect(context.tool('is-leader', []).stdout).toBe('True\n');
      return undefined;
    });
    settle(juju);
    juju.setLeader('app', 'app/1');
    expect(settle(juju)).toEqual(['app/1 leader-elected']);
  });

  it('that is lost while leader-elected runs is told of again when it comes back', () => {
    const { juju } = deployed(2);
    juju.setLeader('app', 'app/1');
    one(juju, 'app/1', () => {
      juju.setLeader('app', 'app/0');
      return undefined;
    });
    settle(juju);
    juju.setLeader('app', 'app/1');
    expect(settle(juju)).toEqual(['app/1 leader-elected']);
  });

  it('passes on when the lease of a dead leader ends, 60 s at most, and at once when it is removed', () => {
    const { juju, clock } = deployed(2);
    juju.agentDown('app/0');
    expect(juju.leader('app')).toBe('app/0');
    expect(juju.nextTime('app/1')).toBeGreaterThan(clock.now());
    clock.advance(60_000);
    expect(juju.leader('app')).toBe('app/1');
    expect(settle(juju)).toEqual(['app/1 leader-elected']);
    juju.agentUp('app/0');
    expect(inExec(juju, 'app/0', ['is-leader']).stdout).toBe('False\n');
    juju.removeUnit('app/1', { force: true });
    expect(juju.leader('app')).toBe('app/0');
  });

  it('may be nobody’s for a while after a removal: no leader-elected before', () => {
    const { juju, clock } = deployed(2, { leaderlessMs: () => 68_000 });
    juju.removeUnit('app/0');
    settle(juju);
    expect(juju.leader('app')).toBeUndefined();
    expect(inExec(juju, 'app/1', ['is-leader']).stdout).toBe('False\n');
    expect(juju.nextTime('app/1')).toBe(clock.now() + 68_000);
    clock.advance(68_000);
    expect(settle(juju)).toEqual(['app/1 leader-elected']);
  });

  it('stays with a dying leader until it is gone', () => {
    const { juju } = deployed(2);
    juju.removeUnit('app/0');
    const said = new Set<string>();
    settle(juju, (context) => {
      if (context.unit === 'app/0') said.add(context.tool('is-leader', []).stdout);
      return undefined;
    });
    expect([...said]).toEqual(['True\n']);
    expect(juju.leader('app')).toBe('app/1');
  });
});
