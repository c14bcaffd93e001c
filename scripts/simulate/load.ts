// The simulation with the charm in it, loaded late: a deliberate defect is put into the charm's source on its way in.
import { mutate } from '../../tests/simulation/mutate.ts';

export async function load(mutation: string | undefined) {
  if (mutation !== undefined) mutate(mutation);
  const [{ charmed }, { drawPlan }, { simulate }, { shrink }] = await Promise.all([
    import('../../tests/simulation/charmed.ts'),
    import('../../tests/simulation/plan.ts'),
    import('../../tests/simulation/simulate.ts'),
    import('../../tests/simulation/shrink.ts'),
  ]);
  return { charmed, drawPlan, simulate, shrink };
}
