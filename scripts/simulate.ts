// npm run simulate: plays seeded histories of the charm on simulated machines, and says what broke. See docs/explanation/simulation.md.
import { parseArgs } from 'node:util';
import { playMany } from './simulate/many.ts';
import { playMutations } from './simulate/mutations.ts';
import { playOne } from './simulate/one.ts';
import { playScale } from './simulate/scale.ts';
import { playSmall } from './simulate/small.ts';
import { work } from './simulate/work.ts';

const usage = `usage: npm run simulate -- [options]
  --seed N              one history, with its trace
  --seeds A-B           many, on all cores; --json ends with one line of JSON
  --history FILE        one history from a file, with its trace
  --shrink FILE         with --seed: takes away what a failing history does not need, and writes it
  --small [DEPTH]       two units, one upgrade: every schedule up to that many switches between processes (default 2)
  --scale N,N,…         one upgrade of so many workers each: hooks, hook tools, bytes, virtual time, and how they grow
  --mutate NAME         with a deliberate defect
  --mutations [NAME …]  every deliberate defect, or those named, until it is caught
  --jobs N              processes (default: as many as there are cores)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    history: { type: 'string' },
    shrink: { type: 'string' },
    small: { type: 'string' },
    scale: { type: 'string' },
    mutate: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    jobs: { type: 'string' },
    work: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  args: process.argv
    .slice(2)
    .flatMap((arg, index, all) =>
      arg === '--small' && !/^\d+$/.test(all[index + 1] ?? '') ? [arg, '2'] : [arg],
    ),
});

const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
const mutation = values.mutate;

if (values.work) await work(mutation);
else if (values.mutations) process.exitCode = await playMutations(positionals, jobs);
else if (values.small !== undefined) process.exitCode = await playSmall(Number(values.small), mutation);
else if (values.scale !== undefined) process.exitCode = await playScale(values.scale, values.json);
else if (values.seeds !== undefined)
  process.exitCode = await playMany(values.seeds, { json: values.json, jobs, mutation });
else if (values.seed !== undefined || values.history !== undefined) {
  process.exitCode = await playOne({
    seed: values.seed,
    history: values.history,
    shrink: values.shrink,
    mutation,
  });
} else {
  console.log(usage);
  process.exitCode = values.help ? 0 : 2;
}
