// A hook that is killed at any of its effects is run again by Juju, and completes; the invariants hold at each of them.
import { describe, expect, test } from 'vitest';
import { application, Deployment, killAt, webService } from './support/deployment.ts';
import { watch } from './support/invariants.ts';

/** Plays the story with the unit's process killed at its n-th effect, for n from 1 until it has no more of them. To be killed
 * after one effect is to be killed before the next: `before` matters for the first alone. */
async function atEveryEffect(
  when: 'before' | 'after',
  unit: number,
  begin: (d: Deployment) => Promise<void>,
  end: (d: Deployment, label: string) => Promise<void>,
  start: () => Promise<Deployment>,
): Promise<number> {
  for (let n = 1; ; n += 1) {
    const d = await start();
    watch(d);
    let total = 0;
    let killed = false;
    const before = d.everyProcess;
    d.everyProcess = (name, process) => {
      before?.(name, process);
      if (name !== d.unit(unit) || killed) return;
      const invariants = process.beforeEach;
      process.beforeEach = async (effect, index) => {
        await invariants?.(effect, index);
        total += 1;
        if (killed || total !== n) return;
        killed = true;
        killAt(when, 0)(process);
      };
    };
    await begin(d);
    await d.cluster.settle({ retries: true });
    await end(d, `killed ${when} effect ${n}`);
    if (!killed) return n - 1;
  }
}

describe.each(['after'] as const)('killed %s each effect in turn', (when) => {
  test('an installation completes', async () => {
    const effects = await atEveryEffect(
      when,
      0,
      async (d) => d.cluster.settle({ retries: true }),
      async (d, label) => {
        expect({ label, statuses: d.statuses().filter((text) => !text.startsWith('active: ')) }).toEqual({
          label,
          statuses: [],
        });
        expect({ label, left: d.leftovers(), installed: d.installed() }).toEqual({
          label,
          left: [],
          installed: '8.1.0',
        });
      },
      async () => new Deployment({ units: 2 }),
    );
    expect(effects).toBeGreaterThan(50);
  }, 600_000);

  test.each([
    ['the installer', 0],
    ['a worker', 1],
  ] as const)(
    'an upgrade completes: %s',
    async (_who, unit) => {
      const effects = await atEveryEffect(
        when,
        unit,
        async (d) => d.juju.configure(application, { version: '8.2.0' }),
        async (d, label) => {
          expect({
            label,
            installed: d.installed(),
            web: await d.runs(d.unit(0), webService),
            workers: await d.workersRun(),
          }).toEqual({
            label,
            installed: '8.2.0',
            web: '8.2.0',
            workers: ['8.2.0'],
          });
          expect({ label, left: d.leftovers(), state: d.facts(d.unit(0))['upgrade-state'] }).toEqual({
            label,
            left: [],
            state: 'complete',
          });
        },
        async () => Deployment.settled({ units: 2 }),
      );
      expect(effects).toBeGreaterThan(10);
    },
    600_000,
  );
});
