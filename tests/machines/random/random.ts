// Seeded histories on real machines: `npm run test:machines -- --random N [--seed S]`.
import { expect, test } from 'vitest';
import { describePlan, planOf } from './plan.ts';
import { play } from './play.ts';

const first = Number(process.env['MACHINES_SEED']);
const seeds = Array.from({ length: Number(process.env['MACHINES_RANDOM']) }, (_, index) => first + index);

test.for(seeds)(
  'seed %i: after whatever befell them, all units run what the goal says',
  { timeout: 600_000 },
  async (seed) => {
    const plan = planOf(seed);
    const said: string[] = [];
    console.log(describePlan(plan));
    try {
      await play(plan, (line) => said.push(line));
    } catch (error) {
      console.log(`${said.join('\n')}\nonce more: npm run test:machines -- --random 1 --seed ${seed}`);
      throw error;
    }
    expect(said).not.toEqual([]);
  },
);
