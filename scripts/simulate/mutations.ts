// Plays each deliberate defect until it is caught, and prints which invariant caught it and how many seeds that took.
import { mutationOf } from '../../tests/simulation/mutate.ts';
import { mutations } from '../../tests/simulation/mutations.ts';
import { play } from './many.ts';

const seedsAtMost = 4_000;

/** All of them when none is named. */
export async function playMutations(names: readonly string[], jobs: number | undefined): Promise<number> {
  const chosen = names.length === 0 ? mutations : names.map(mutationOf);
  let missed = 0;
  console.log(`${'mutation'.padEnd(28)} ${'invariant'.padEnd(10)} ${'seeds'.padEnd(6)} what was seen`);
  for (const { name, breaks } of chosen) {
    let seeds = 0;
    let seen: string | undefined;
    let invariant: number | undefined;
    await play(1, seedsAtMost, { jobs, mutation: name }, (told) => {
      seeds += 1;
      if (told.invariant === undefined || !breaks.includes(told.invariant)) return true;
      invariant = told.invariant;
      seen = told.violation;
      return false;
    });
    if (seen === undefined) missed += 1;
    console.log(
      `${name.padEnd(28)} ${String(invariant ?? 'missed').padEnd(10)} ${String(seeds).padEnd(6)} ${seen?.slice(0, 140) ?? ''}`,
    );
  }
  return missed === 0 ? 0 : 1;
}
