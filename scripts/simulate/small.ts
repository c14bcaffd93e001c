// A small world, exhaustively: two units, one upgrade, every schedule up to so many switches from one process to another.
import { exhaust } from '../../tests/simulation/small.ts';
import { load } from './load.ts';

export async function playSmall(depth: number, mutation: string | undefined): Promise<number> {
  const { charmed, simulate } = await load(mutation);
  const found = await exhaust(depth, (plan, schedule) => simulate(plan, charmed, { schedule }));
  console.log(JSON.stringify(found));
  return found.violations.length === 0 ? 0 : 1;
}
