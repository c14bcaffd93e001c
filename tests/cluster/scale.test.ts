// What an upgrade costs, and that it does not grow with the number of workers where it need not: the simulation of scale.
import { describe, expect, test } from 'vitest';
import { type Upgrade, upgrade } from '../simulation/scale.ts';
import { web } from '../simulation/scale-site.ts';

const small = await upgrade(5, 'juju');
const larger = await upgrade(20, 'juju');

describe.each([small, larger])('an upgrade of $measured.workers workers', ({ measured, whole }) => {
  const { workers } = measured;

  test('calls no hook tool for an event that does not concern the worker', () => {
    const ofWorkers = whole.filter(({ unit }) => unit !== web);
    expect([...new Set(ofWorkers.map(({ remoteUnit }) => remoteUnit))].sort()).toEqual(['', web]);
    // Each worker writes twice, and each of the others hears of it.
    expect(measured.hooks.quiet).toBe(2 * workers * (workers - 1));
  });

  test('calls the same tools for each acknowledgement but the last', () => {
    const acknowledgements = whole.filter(
      ({ unit, remoteUnit, upgradeState, upgradeStateAfter }) =>
        unit === web && remoteUnit !== '' && upgradeState === 'prepare' && upgradeStateAfter === 'prepare',
    );
    const called = new Set(acknowledgements.map(({ tools }) => tools.join(' ')));
    expect(acknowledgements.length).toBeGreaterThanOrEqual(workers - 2);
    expect([...called]).toHaveLength(1);
  });

  test('calls as many tools on each worker as an upgrade of any other number', () => {
    const perWorker = Map.groupBy(
      whole.filter(({ unit }) => unit !== web),
      ({ unit }) => unit,
    );
    const counts = [...perWorker.values()].map((hooks) => hooks.flatMap(({ tools }) => tools).length);
    expect(perWorker.size).toBe(workers);
    expect(Math.max(...counts)).toBeLessThanOrEqual(45);
    expect(small.measured.tools.onOneWorker).toBe(larger.measured.tools.onOneWorker);
  });

  test('writes to databags three times from web, and twice from each worker', () => {
    expect(measured.databags.writes).toBe(3 + 2 * workers);
  });
});

test('the number of workers changes nothing in what one acknowledgement costs web', () => {
  const costs = [small, larger].map(
    ({ whole }) =>
      whole.find(
        ({ unit, remoteUnit, upgradeStateAfter }) =>
          unit === web && remoteUnit !== '' && upgradeStateAfter === 'prepare',
      )?.tools,
  );
  expect(costs[0]).toEqual(costs[1]);
});

/** Of the same instant, which unit comes first is open. */
const byUnit = ({ measured, whole }: Upgrade) => ({
  measured,
  whole: whole.toSorted((a, b) => (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : 0)),
});

describe('events that are only counted', () => {
  test.each([10, 30, 100])(
    'are as many as the fake Juju runs, of %i workers, and the other hooks the same',
    async (workers) => {
      expect(byUnit(await upgrade(workers, 'rules'))).toEqual(byUnit(await upgrade(workers, 'juju')));
    },
    240_000,
  );
});
