import { describe, expect, it } from 'vitest';
import { deployed, files, of, one, settle } from './fixtures.ts';

const failing = () => ({ exitCode: 1 });

describe('a hook that fails', () => {
  it('is retried after 5 s, doubled up to 5 min, ±3 %', () => {
    const { juju, clock } = deployed(1);
    juju.configure('app', { text: 'x' });
    const delays: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      one(juju, 'app/0', failing);
      expect(juju.next('app/0')).toBeUndefined();
      const at = juju.nextTime('app/0') ?? 0;
      delays.push(at - clock.now());
      clock.advance(at - clock.now());
    }
    for (const [index, delay] of delays.entries()) {
      const ideal = Math.min(300_000, 5_000 * 2 ** index);
      expect(Math.abs(delay - ideal)).toBeLessThanOrEqual(ideal * 0.03 + 1);
    }
    expect(one(juju, 'app/0')).toMatchObject({ name: 'config-changed', outcome: 'committed' });
    juju.configure('app', { text: 'y' });
    one(juju, 'app/0', failing);
    expect((juju.nextTime('app/0') ?? 0) - clock.now()).toBeLessThan(5_200);
  });

  it('holds up other hooks, but not actions and juju-exec', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    one(juju, 'app/0', failing);
    juju.addUnit('app');
    juju.runAction('app/0', 'act');
    juju.exec('app/0', 'true');
    expect(settle(juju, undefined, 'app/0')).toEqual(['app/0 act', 'app/0 run-commands']);
  });

  it('counts as run after `resolved --no-retry`, runs at once after `resolved`', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    one(juju, 'app/0', failing);
    juju.resolve('app/0', { retry: true });
    expect(one(juju, 'app/0', failing).name).toBe('config-changed');
    juju.resolve('app/0', { retry: false });
    expect(settle(juju)).toEqual([]);
    expect(() => juju.resolve('app/0', { retry: true })).toThrow('not in an error state');
  });

  it('is not one when SIGKILL or SIGTERM ended it: the same hook again, at once, nothing written', () => {
    for (const signal of ['SIGKILL', 'SIGTERM']) {
      const { juju } = deployed(1);
      juju.configure('app', { text: 'x' });
      const killed = one(juju, 'app/0', (context) => {
        context.tool('relation-set', ['-r', '0', 'a=1']);
        return { signal };
      });
      expect(killed.outcome).toBe('requeued');
      expect(juju.unitStatus('app/0').status).not.toBe('error');
      expect(juju.databag('peers', 'app/0')).not.toHaveProperty('a');
      expect(juju.next('app/0')?.name).toBe('config-changed');
    }
  });

  it('is one when another signal ended it', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    expect(one(juju, 'app/0', () => ({ signal: 'SIGSEGV' })).outcome).toBe('failed');
  });

  it('keeps a refresh from being applied, unless forced: then the hook is retried with the new code', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    one(juju, 'app/0', failing);
    juju.refresh('app', files);
    juju.resolve('app/0', { retry: true });
    expect(juju.charmRevision('app/0')).toBe(0);
    one(juju, 'app/0', failing);
    juju.refresh('app', files, { force: true });
    expect(juju.charmRevision('app/0')).toBe(2);
    juju.resolve('app/0', { retry: true });
    expect(settle(juju)).toEqual(['app/0 config-changed']);
  });
});

describe('a machine that goes away during a run', () => {
  it('has failed its hook, which runs again 5 s after it is back, before start', () => {
    const { juju, clock } = deployed(1);
    juju.configure('app', { text: 'x' });
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    const lost = juju.begin('app/0', operation);
    lost.tool('relation-set', ['-r', '0', 'a=1']);
    juju.agentDown('app/0');
    expect(lost.tool('is-leader', []).stderr).toContain('agent.socket: connect: no such file or directory');
    expect(lost.finish({ exitCode: 0 }).outcome).toBe('lost');
    expect(juju.next('app/0')).toBeUndefined();
    juju.agentUp('app/0');
    expect(juju.next('app/0')).toBeUndefined();
    clock.advance(5_200);
    expect(settle(juju)).toEqual(['app/0 config-changed', 'app/0 start']);
    expect(juju.databag('peers', 'app/0')).not.toHaveProperty('a');
  });

  it('ends a running action as `action terminated`', () => {
    const { juju } = deployed(1);
    const record = juju.runAction('app/0', 'act');
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    juju.begin('app/0', operation);
    juju.reboot('app/0');
    expect(record).toMatchObject({ status: 'failed', message: 'action terminated', results: {} });
    expect(settle(juju)).toEqual(['app/0 start']);
  });

  it('tools of a run that is over are refused', () => {
    const { juju } = deployed(1);
    juju.exec('app/0', 'x');
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    const context = juju.begin('app/0', operation);
    context.finish({ exitCode: 0 });
    expect(context.tool('status-set', ['active'])).toMatchObject({ code: 1 });
    expect(context.finish({ exitCode: 0 }).outcome).toBe('lost');
  });

  it('loses no hook when it only loses the controller: tools hang, nothing new begins, the hook goes on afterwards', () => {
    const { juju, clock } = deployed(2);
    juju.configure('app', { text: 'x' });
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    const hook = juju.begin('app/0', operation);
    expect(hook.tool('is-leader', []).stdout).toBe('True\n');
    juju.partition('app/0');
    expect(hook.hangs).toBe(true);
    expect(() => hook.tool('is-leader', [])).toThrow('hangs');
    clock.advance(60_000);
    expect(juju.leader('app')).toBe('app/1');
    juju.heal('app/0');
    expect(hook.tool('is-leader', []).stdout).toBe('False\n');
    hook.tool('relation-set', ['-r', '0', 'a=1']);
    expect(hook.finish({ exitCode: 0 }).outcome).toBe('committed');
    juju.partition('app/0');
    juju.configure('app', { text: 'y' });
    expect(juju.next('app/0')).toBeUndefined();
    expect(juju.status().applications.app?.units['app/0']?.['juju-status'].current).toBe('lost');
    juju.heal('app/0');
    expect(of('app/0', settle(juju))).toEqual(['config-changed']);
  });

  it('has failed a hook that ends while the controller cannot be reached; it is retried when it can', () => {
    const { juju, clock } = deployed(1);
    juju.configure('app', { text: 'x' });
    const operation = juju.next('app/0');
    if (!operation) throw new Error('idle');
    const hook = juju.begin('app/0', operation);
    juju.partition('app/0');
    expect(hook.finish({ exitCode: 0 })).toEqual({
      outcome: 'failed',
      reason: 'the controller cannot be reached',
    });
    clock.advance(3_600_000);
    juju.heal('app/0');
    expect(juju.next('app/0')).toBeUndefined();
    clock.advance(5_200);
    expect(settle(juju)).toEqual(['app/0 config-changed']);
  });
});
