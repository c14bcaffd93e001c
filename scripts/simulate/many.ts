// Many seeds on all cores: child processes that are given the next number as soon as they have answered.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Outcome } from '../../tests/simulation/simulate.ts';
import { commit } from './heading.ts';

export type Told = Omit<Outcome, 'trace'>;

export interface ManyOptions {
  json: boolean;
  jobs: number | undefined;
  mutation: string | undefined;
}

export async function playMany(range: string, options: ManyOptions): Promise<number> {
  const [, from = '', to = from] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  if (from === '') throw new Error(`--seeds ${range}: a range such as 1-2000`);
  const began = performance.now();
  console.error(`commit ${commit()}, seeds ${from} to ${to}`);
  const sum = new Sum();
  await play(Number(from), Number(to), options, (told) => {
    sum.add(told);
    if (told.violation !== undefined) console.error(`seed ${told.seed}: ${told.violation.slice(0, 400)}`);
    if (sum.seeds % 500 === 0)
      console.error(`${sum.seeds} seeds, ${Math.round((performance.now() - began) / 1000)} s`);
    return true;
  });
  if (options.json) console.log(JSON.stringify(sum.json()));
  else console.log(sum.text((performance.now() - began) / 1000));
  return sum.violations === 0 ? 0 : 1;
}

/** Plays seeds until `next` says false. */
export async function play(
  from: number,
  to: number,
  options: Pick<ManyOptions, 'jobs' | 'mutation'>,
  next: (told: Told) => boolean,
): Promise<void> {
  let seed = from;
  let going = true;
  const jobs = Math.min(options.jobs ?? availableParallelism(), to - from + 1);
  const script = new URL('../simulate.ts', import.meta.url).pathname;
  const args = [
    '--disable-warning=ExperimentalWarning',
    script,
    '--work',
    ...(options.mutation === undefined ? [] : ['--mutate', options.mutation]),
  ];
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      const ask = () => {
        if (going && seed <= to) child.stdin.write(`${seed++}\n`);
        else child.stdin.end();
      };
      createInterface({ input: child.stdout }).on('line', (line) => {
        // What `work` prints is an outcome.
        const told: Told = JSON.parse(line);
        if (going) going = next(told);
        ask();
      });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`a child ended with ${code}`))));
      ask();
    });
  await Promise.all(Array.from({ length: jobs }, one));
}

class Sum {
  seeds = 0;
  violations = 0;
  converged = 0;
  private steps = 0;
  private hooks = 0;
  private virtualMs = 0;
  private updateStatus = 0;
  private typed = 0;
  private readonly faults: Record<string, number> = {};
  private readonly failures: Record<string, number> = {};
  private readonly violated: { seed: number; violation: string }[] = [];

  add(told: Told): void {
    this.seeds += 1;
    this.steps += told.steps;
    this.hooks += told.hooks;
    this.virtualMs += told.virtualMs;
    this.updateStatus += told.updateStatus;
    this.typed += told.typed;
    for (const [kind, count] of Object.entries(told.faults))
      this.faults[kind] = (this.faults[kind] ?? 0) + count;
    for (const [line, count] of Object.entries(told.failures))
      this.failures[line] = (this.failures[line] ?? 0) + count;
    if (told.violation === undefined) this.converged += 1;
    else {
      this.violations += 1;
      this.violated.push({ seed: told.seed, violation: told.violation });
    }
  }

  json() {
    const { seeds, violations, converged, steps, hooks, updateStatus, typed, faults } = this;
    return {
      seeds,
      violations,
      converged,
      steps,
      hooks,
      virtualHours: Math.round(this.virtualMs / 3_600_000),
      updateStatus,
      typed,
      faults,
    };
  }

  text(seconds: number): string {
    const told = this.json();
    const sorted = (counts: Record<string, number>) => Object.entries(counts).sort(([, a], [, b]) => b - a);
    return [
      `seeds         ${told.seeds} in ${Math.round(seconds)} s`,
      `violations    ${told.violations}${this.violated.length === 0 ? '' : `: ${this.violated.map(({ seed }) => seed).join(', ')}`}`,
      `converged     ${told.converged}, ${told.updateStatus} of them by an update-status, after ${told.typed} actions that a status asked for`,
      `steps         ${told.steps} in ${told.hooks} hooks, ${told.virtualHours} virtual hours`,
      ...sorted(told.faults).map(([kind, count]) => `  ${kind.padEnd(20)} ${count}`),
      'hooks that failed',
      ...sorted(this.failures).map(([line, count]) => `  ${String(count).padStart(6)}  ${line}`),
    ].join('\n');
  }
}
