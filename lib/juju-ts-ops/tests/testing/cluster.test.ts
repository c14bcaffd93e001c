import { describe, expect, it } from 'vitest';
import { Cluster, type ClusterOptions, Killed, NotModelled } from '../../testing/index.ts';
import { demo } from './charm.ts';

async function settled(units: number, options: Partial<ClusterOptions> = {}) {
  const cluster = new Cluster({ seed: 1, charm: () => demo(), ...options });
  cluster.deploy('demo', { units });
  await cluster.settle();
  return cluster;
}

const operations = (cluster: Cluster, unit: string) =>
  cluster.history.filter((each) => each.unit === unit).map((each) => each.operation);

describe('a cluster', () => {
  it('runs every unit until it is idle, and the goal has reached all of them', async () => {
    const { juju } = await settled(3);
    for (const unit of juju.units('demo')) {
      expect(juju.databag('peers', unit)['has-goal']).toBe('first');
      expect(juju.unitStatus(unit)).toMatchObject({ status: 'active', message: 'goal first' });
    }
  });

  it('has the same history for a seed, and other orders for other seeds', async () => {
    const traces = await Promise.all([1, 1, 2].map(async (seed) => (await settled(3, { seed })).trace()));
    expect(traces[0]).toBe(traces[1]);
    expect(traces[0]).not.toBe(traces[2]);
  });

  it('writes one line for each operation', async () => {
    const cluster = await settled(1);
    expect(cluster.trace()).toContain('     0.000 demo/0 start ok active: goal first');
    expect(cluster.history.find((each) => each.operation === 'install')).toMatchObject({
      outcome: 'committed',
      exitCode: 0,
    });
  });

  it('does not wait for a failed hook unless asked; then time jumps to its retry', async () => {
    let broken = true;
    const onHook = (name: string) => {
      if (name === 'config-changed' && broken) throw new Error('broken');
    };
    const cluster = await settled(1, { charm: () => demo({ onHook }) });
    const before = cluster.clock.now();
    expect(cluster.juju.unitStatus('demo/0')).toMatchObject({
      status: 'error',
      message: 'hook failed: "config-changed"',
    });
    broken = false;
    await cluster.settle({ retries: true });
    expect(cluster.clock.now() - before).toBeGreaterThan(4_800);
    expect(operations(cluster, 'demo/0').join(' ')).toContain('config-changed config-changed start');
  });

  it('runs a killed hook again, and commits nothing of the first time', async () => {
    let kills = 1;
    const onHook = (name: string) => {
      if (name === 'start' && kills-- > 0) throw new Killed('in start');
    };
    const cluster = await settled(1, { charm: () => demo({ onHook }) });
    const starts = cluster.history.filter((each) => each.operation === 'start');
    expect(starts.map((each) => each.outcome)).toEqual(['requeued', 'committed']);
  });

  it('can kill at any tool call, or move the leadership there', async () => {
    let calls = 0;
    const cluster = await settled(2, {
      beforeTool: (unit, tool) => {
        calls += 1;
        if (calls === 5) throw new Killed(`${unit} ${tool}`);
      },
    });
    expect(cluster.history.filter((each) => each.outcome === 'requeued')).toHaveLength(1);
    expect(cluster.juju.databag('peers', 'demo/1')['has-goal']).toBe('first');
  });

  it('fires due timers as juju-exec, which the charm sees as its own event', async () => {
    const cluster = await settled(2);
    const at = cluster.clock.now() + 60_000;
    const script = "sh -c 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch'";
    cluster.timers.push({ at, unit: 'demo/1', script }, { at: at + 1_000_000, unit: 'demo/0', script });
    await cluster.advance(59_999);
    expect(cluster.history.at(-1)?.operation).not.toBe('run-commands');
    await cluster.advance(1);
    expect(cluster.history.at(-1)).toMatchObject({ unit: 'demo/1', operation: 'run-commands', at });
    expect(cluster.juju.log.at(-1)?.text).toBe('ran wake');
    expect(cluster.timers).toHaveLength(1);
  });

  it('a timer of a machine that is away runs nothing', async () => {
    const cluster = await settled(2);
    cluster.juju.agentDown('demo/1');
    cluster.timers.push({
      at: cluster.clock.now(),
      unit: 'demo/1',
      script: 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch',
    });
    await cluster.settle();
    expect(cluster.history.at(-1)).toMatchObject({ operation: 'timer', outcome: 'lost' });
  });

  it('runs update-status when it is switched on, each unit at its own time', async () => {
    const cluster = await settled(2, { updateStatusMs: 300_000 });
    await cluster.advance(1_200_000);
    expect(
      operations(cluster, 'demo/0').filter((each) => each === 'update-status').length,
    ).toBeGreaterThanOrEqual(3);
  });

  it('passes leadership on in time when the leader’s machine is away', async () => {
    const cluster = await settled(3);
    cluster.juju.agentDown('demo/0');
    await cluster.advance(60_000);
    const leader = cluster.juju.leader('demo') ?? '';
    expect(['demo/1', 'demo/2']).toContain(leader);
    expect(operations(cluster, leader).at(-1)).toBe('leader-elected');
  });

  it('gives the result of an action', async () => {
    const cluster = await settled(1);
    expect(await cluster.action('demo/0', 'greet')).toMatchObject({
      status: 'completed',
      results: { greeting: 'hello you' },
    });
    expect(await cluster.action('demo/0', 'refuse')).toMatchObject({
      status: 'failed',
      message: 'not today',
    });
  });

  it('asks for the charm of the revision that the unit runs', async () => {
    const revisions: string[] = [];
    const cluster = await settled(1, {
      charm: (unit, revision) =>
        demo({ onHook: (name) => void revisions.push(`${unit} ${revision} ${name}`) }),
    });
    cluster.juju.refresh('demo', filesOf());
    await cluster.settle();
    expect(revisions).toContain('demo/0 0 start');
    expect(revisions.slice(-2)).toEqual(['demo/0 1 upgrade-charm', 'demo/0 1 config-changed']);
  });

  it('runs several applications', async () => {
    const cluster = await settled(1);
    cluster.deploy('other', { units: 2 });
    await cluster.settle();
    expect(cluster.juju.databag('peers', 'other/1')['has-goal']).toBe('first');
  });

  it('stops with the last operations when it does not come to rest', async () => {
    const onHook = () => {
      throw new Killed('always');
    };
    const cluster = new Cluster({ seed: 1, charm: () => demo({ onHook }) });
    cluster.deploy('demo');
    await expect(cluster.settle({ maxHooks: 10 })).rejects.toThrow(
      /not settled after 10 operations.*\n.*demo\/0 install/,
    );
  });

  it('lets what is not modelled end the test, not the hook', async () => {
    const cluster = await settled(1);
    cluster.juju.exec('demo/0', 'rm -rf /');
    await expect(cluster.step()).rejects.toThrow(NotModelled);
  });
});

function filesOf() {
  return {
    metadata: {
      name: 'demo',
      peers: { peers: { interface: 'demo-peers' } },
      storage: { data: { type: 'filesystem', multiple: { range: '0-1' } } },
    },
    config: { options: { goal: { type: 'string', default: 'first' } } },
  };
}
