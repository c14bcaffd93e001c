// A hook that is killed at any of its effects, on web or on a worker elsewhere, is run again by Juju: keys and workers come and go all
// the same.
import { expect, test } from 'vitest';
import { bareKey } from '../../src/concourse/keys.ts';
import { application, Deployment, killAt } from './support/deployment.ts';
import { keyOf, letIn, web, worker } from './support/elsewhere.ts';

/** Web and one worker elsewhere, related and at rest. */
async function small(): Promise<{ d: Deployment; relation: number }> {
  const d = new Deployment({ units: 1 });
  d.deployWorkers('workers', { units: 1 });
  const relation = d.juju.integrate(`${application}:tsa`, 'workers:flight');
  await d.cluster.settle();
  return { d, relation };
}

/** Kills `victim` after its n-th effect from now on. */
function killAfter(d: Deployment, victim: string, n: number): { killed: boolean } {
  const seen = { killed: false };
  let total = 0;
  d.everyProcess = (unit, process) => {
    if (unit !== victim || seen.killed) return;
    process.beforeEach = () => {
      total += 1;
      if (seen.killed || total !== n) return;
      seen.killed = true;
      killAt('after', 0)(process);
    };
  };
  return seen;
}

test.each([
  ['web', web],
  ['a worker', worker],
])(
  'the relation ends and is made again: %s is killed at each effect',
  async (_who, victim) => {
    let effects = 0;
    for (;;) {
      const { d, relation } = await small();
      const kill = killAfter(d, victim, effects + 1);
      const label = `effect ${effects + 1}`;
      d.juju.removeRelation(relation);
      await d.cluster.settle({ retries: true });
      expect({ label, runs: await d.workersRun('workers'), keys: letIn(d) }).toEqual({
        label,
        runs: [undefined],
        keys: [],
      });
      d.juju.integrate(`${application}:tsa`, 'workers:flight');
      await d.cluster.settle({ retries: true });
      expect({ label, statuses: d.statuses('workers'), keys: letIn(d) }).toEqual({
        label,
        statuses: ['active: worker 8.1.0'],
        keys: [bareKey(keyOf(d, worker))],
      });
      if (!kill.killed) break;
      effects += 1;
    }
    expect(effects).toBeGreaterThan(10);
  },
  600_000,
);
