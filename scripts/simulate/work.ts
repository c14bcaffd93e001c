// A child process: takes numbers of seeds from its standard input, one a line, and answers each with a line of JSON.
import { createInterface } from 'node:readline';
import { biasOf } from '../../tests/simulation/mutate.ts';
import { load } from './load.ts';

export async function work(mutation: string | undefined): Promise<void> {
  const { charmed, drawPlan, simulate } = await load(mutation);
  const bias = mutation === undefined ? {} : { bias: biasOf(mutation) };
  for await (const line of createInterface({ input: process.stdin })) {
    const outcome = await simulate(drawPlan(Number(line), bias), charmed);
    const { trace: _, ...told } = outcome;
    process.stdout.write(`${JSON.stringify(told)}\n`);
  }
}
