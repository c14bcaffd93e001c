// One history with its trace; shrunk and written to a file when that is asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import { historyOf, parseHistory } from '../../tests/simulation/history.ts';
import { biasOf } from '../../tests/simulation/mutate.ts';
import { commit, heading } from './heading.ts';
import { load } from './load.ts';

export async function playOne(options: {
  seed: string | undefined;
  history: string | undefined;
  shrink: string | undefined;
  mutation: string | undefined;
}): Promise<number> {
  const { charmed, drawPlan, simulate, shrink } = await load(options.mutation);
  const bias = options.mutation === undefined ? {} : { bias: biasOf(options.mutation) };
  const plan =
    options.history === undefined
      ? drawPlan(Number(options.seed), bias)
      : parseHistory(readFileSync(options.history, 'utf8')).plan;
  console.log(heading(plan));
  const outcome = await simulate(plan, charmed, { trace: true });
  console.log(outcome.trace.join('\n'));
  const { trace: _, ...told } = outcome;
  console.log(JSON.stringify(told));
  if (outcome.violation === undefined) return 0;
  if (options.shrink === undefined) return 1;
  const small = await shrink(plan, outcome, (smaller) => simulate(smaller, charmed));
  writeFileSync(
    options.shrink,
    historyOf(small.plan, small.outcome, { commit: commit(), mutation: options.mutation }),
  );
  console.log(
    `shrunk to ${small.plan.faults.length} faults and ${small.outcome.steps} steps: ${options.shrink}`,
  );
  return 1;
}
