// Takes away what a failing history does not need: faults one by one, units, delays, differences between clocks.
import type { Plan } from './plan.ts';
import type { Outcome } from './simulate.ts';
import type { Elsewhere } from './topology.ts';

export interface Shrunk {
  plan: Plan;
  outcome: Outcome;
}

const playsAtMost = 400;

export async function shrink(
  plan: Plan,
  outcome: Outcome,
  play: (plan: Plan) => Promise<Outcome>,
): Promise<Shrunk> {
  let best: Shrunk = { plan, outcome };
  let plays = 0;
  const better = async (smaller: Plan): Promise<boolean> => {
    if (plays >= playsAtMost) return false;
    plays += 1;
    const found = await play(smaller);
    const same = found.violation !== undefined && sort(found.violation) === sort(outcome.violation ?? '');
    if (same) best = { plan: smaller, outcome: found };
    return same;
  };
  for (let again = true; again; ) {
    again = false;
    for (const smaller of candidates(best.plan)) again = (await better(smaller)) || again;
  }
  return best;
}

/** The same thing is broken, whatever the units and versions: the first thing that was seen of it decides. */
const sort = (violation: string): string =>
  (violation.split('; ')[0] ?? '')
    .replaceAll(/\d+(\.\d+)*/g, 'N')
    .replaceAll(/invariant N: not converged: \S+ /g, '');

/** Made one after the other from what is best by then. */
function* candidates(plan: Plan): Generator<Plan> {
  for (let index = plan.faults.length - 1; index >= 0; index -= 1) {
    yield { ...plan, faults: plan.faults.filter((_, other) => other !== index) };
  }
  for (const [index, fault] of plan.faults.entries()) {
    const { when, ...rest } = fault;
    if (when !== undefined) yield { ...plan, faults: plan.faults.with(index, rest) };
  }
  const { settings } = plan;
  for (const elsewhere of smaller(settings.elsewhere ?? [])) {
    const { elsewhere: _, ...rest } = settings;
    yield { ...plan, settings: elsewhere.length === 0 ? rest : { ...rest, elsewhere } };
  }
  const simpler: Partial<Plan['settings']>[] = [
    { wallOffsetsMs: [0] },
    { lingerMs: 0 },
    { config: {} },
    { ownVolumes: [] },
    { units: 2 },
    { profile: '4.0' },
    { calmStart: true },
    { volumeType: 'ext4' },
    { syncNames: true },
    { sticky: 0.995 },
  ];
  for (const change of simpler) {
    const next = { ...settings, ...change };
    if (JSON.stringify(next) !== JSON.stringify(settings)) yield { ...plan, settings: next };
  }
}

/** One application less, one with a single unit, one in web's model. */
function* smaller(apps: readonly Elsewhere[]): Generator<Elsewhere[]> {
  for (const [index, { abroad, ...app }] of apps.entries()) {
    yield apps.filter((_, other) => other !== index);
    if (abroad === true) yield apps.with(index, app);
    if (app.volume !== 'shared') yield apps.with(index, { ...apps[index], ...app, volume: 'shared' });
    if (app.units > 1) yield apps.with(index, { ...apps[index], ...app, units: 1 });
  }
}
