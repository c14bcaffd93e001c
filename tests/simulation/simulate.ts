// One history from its plan: installed, faults on while the invariants are watched, healed, converged; and what came of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Converged, converge } from './convergence.ts';
import { Faults } from './faults.ts';
import { Violation } from './invariants.ts';
import type { Plan } from './plan.ts';
import type { Schedule } from './small.ts';
import { takeOverGlobals } from './scheduler.ts';
import { Trace } from './trace.ts';
import { type Charmed, World } from './world.ts';

export interface Outcome extends Converged {
  seed: number;
  /** What was broken, if anything: `invariant 2: …`. */
  violation: string | undefined;
  invariant: number | undefined;
  steps: number;
  hooks: number;
  virtualMs: number;
  faults: Record<string, number>;
  /** First lines of hooks that failed, with how many did. */
  failures: Record<string, number>;
  /** With a schedule: steps at which more than one process could have gone on. */
  places: number;
  trace: string[];
}

export interface SimulateOptions {
  trace?: boolean;
  /** Instead of what the seed says: see small.ts. */
  schedule?: Schedule;
}

/** Steps in which a history must have come to its end. */
const stepsAtMost = 400_000;
/** An installation that is not over by then never will be: convergence says why. */
const calmAtMostMs = 3_600_000;
/** How long a fault waits for its moment. */
const waitForMomentMs = 10 * 60_000;

export async function simulate(
  plan: Plan,
  charmed: Charmed,
  options: SimulateOptions = {},
): Promise<Outcome> {
  const trace = new Trace(options.trace === true);
  const scratch = mkdtempSync(join(tmpdir(), 'simulation-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  const world = new World(plan.settings, charmed, trace);
  const faults = new Faults(world, trace);
  const giveBack = takeOverGlobals(world.scheduler);
  const start = world.scheduler.now;
  let converged: Converged = { updateStatus: 0, typed: 0 };
  try {
    await safety(world, faults, plan, options.schedule);
    if (world.violation === undefined) {
      trace.line(world.scheduler.steps, world.scheduler.now, '', '', '*** all is healed');
      converged = await converge(world, faults);
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    world.violation ??= error;
  } finally {
    giveBack();
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(scratch, { recursive: true, force: true });
  }
  const { violation } = world;
  const cause = violation?.cause instanceof Error ? `: ${violation.cause.stack}` : '';
  if (violation !== undefined)
    trace.line(world.scheduler.steps, world.scheduler.now, '', '', `!!! ${violation.message}`);
  return {
    seed: plan.settings.seed,
    violation: violation === undefined ? undefined : violation.message + cause,
    invariant: violation instanceof Violation ? violation.invariant : undefined,
    steps: world.scheduler.steps,
    hooks: world.hooks,
    virtualMs: world.scheduler.now - start,
    faults: Object.fromEntries(faults.happened),
    failures: Object.fromEntries(world.failures),
    places: world.scheduler.places,
    trace: trace.lines,
    ...converged,
  };
}

async function safety(
  world: World,
  faults: Faults,
  plan: Plan,
  schedule: Schedule | undefined,
): Promise<void> {
  const { scheduler } = world;
  if (plan.settings.calmStart) {
    const latest = scheduler.now + calmAtMostMs;
    for (;;) {
      if (world.violation !== undefined) return;
      bounded(world);
      if (await world.step()) continue;
      if (
        scheduler.now > latest ||
        !world.jump(scheduler.now + 60_000) ||
        world.allUnits().every((unit) => world.juju.unitStatus(unit).status === 'active')
      )
        break;
    }
  }
  const from = scheduler.steps;
  scheduler.schedule = schedule;
  let idleSince = scheduler.now;
  for (const fault of plan.faults) {
    while (scheduler.steps - from < fault.step && world.violation === undefined) {
      bounded(world);
      faults.endDue();
      if (await world.step()) {
        idleSince = scheduler.now;
        continue;
      }
      const due = idleSince + fault.idleMs;
      if (scheduler.now >= due || !world.jump(Math.min(due, faults.nextTime()))) break;
    }
    if (world.violation !== undefined) return;
    const on = fault.when === undefined ? undefined : await untilAbout(world, faults, fault.when);
    if (fault.when === undefined || on !== undefined)
      faults.apply(fault, fault.elsewhere === true ? undefined : on);
    idleSince = scheduler.now;
  }
  const until = scheduler.now + (plan.settings.lingerMs ?? 0);
  while (scheduler.now < until && world.violation === undefined) {
    bounded(world);
    faults.endDue();
    if (!(await world.step()) && !world.jump(Math.min(until, faults.nextTime()))) break;
  }
  // The last fault may show what it did.
  for (let after = 0; after < 200 && world.violation === undefined; after += 1) {
    faults.endDue();
    if (!(await world.step())) break;
  }
}

/** Goes on until a process is about to do what begins so; its unit. Undefined: it did not come to that. */
async function untilAbout(world: World, faults: Faults, when: string): Promise<string | undefined> {
  const { scheduler } = world;
  const from = scheduler.steps;
  const until = scheduler.now + waitForMomentMs;
  while (scheduler.steps - from < 3_000 && scheduler.now < until && world.violation === undefined) {
    const about = [...scheduler.processes].find((process) =>
      process.parked.some(({ what }) => what.startsWith(when)),
    );
    if (about !== undefined) return about.unit;
    bounded(world);
    faults.endDue();
    if (!(await world.step()) && !world.jump(Math.min(until, faults.nextTime()))) break;
  }
  return undefined;
}

function bounded(world: World): void {
  if (world.scheduler.steps > stepsAtMost) throw new Violation(8, `no end after ${stepsAtMost} steps`);
}
