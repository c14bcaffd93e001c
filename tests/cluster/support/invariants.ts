// What must hold after every effect of every unit, whatever happens: checked while a deployment runs.
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Deployment, workerService } from './deployment.ts';

export interface Seen {
  /** `upgrade-state` as it was published, without repetitions, whoever installs. */
  states(): string[];
  /** How often each worker was stopped. */
  stops(): Record<string, number>;
}

/** Watches from now on. A broken invariant fails the hook that breaks it, and the test with it. */
export function watch(d: Deployment): Seen {
  const stops: Record<string, number> = {};
  const states: string[] = [];
  const before = d.everyProcess;
  d.everyProcess = (unit, process) => {
    before?.(unit, process);
    note(d, states);
    process.beforeEach = (effect) => {
      check(d, effect);
      if (effect === `services.stop ${workerService}` && d.facts(unit)['role'] === 'worker')
        stops[unit] = (stops[unit] ?? 0) + 1;
    };
    const started = d.machine(unit).services.onStart;
    d.machine(unit).services.onStart = async (start) => {
      if (start.name === workerService) namedByVolume(d, unit, start.unit);
      await started?.(start);
    };
  };
  return {
    states: () => {
      note(d, states);
      return states;
    },
    stops: () => stops,
  };
}

function note(d: Deployment, states: string[]): void {
  for (const unit of d.juju.units('concourse-ci')) {
    const state = d.facts(unit)['upgrade-state'];
    if (state !== undefined && states.at(-1) !== state) states.push(state);
  }
}

/** Invariant 2: whole releases only. */
export function check(d: Deployment, where: string): void {
  const bin = join(d.volume, 'bin');
  if (!existsSync(join(d.volume, 'releases'))) return;
  let target: string;
  try {
    target = readlinkSync(bin);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const release = join(d.volume, target, '..');
  const manifest = JSON.parse(readFileSync(join(release, '.manifest.json'), 'utf8'));
  for (const { path } of manifest.files) {
    if (!existsSync(join(release, path)))
      throw new Error(`invariant 2, before ${where}: ${target} lacks ${path}`);
  }
}

/** Invariant 7: no worker starts a release that the volume does not name as installed. */
function namedByVolume(d: Deployment, unit: string, unitText: string): void {
  const starts = /releases\/([^/]+)\/bin\/concourse/.exec(unitText)?.[1];
  const named = /^releases\/([^/]+)\/bin$/.exec(readlinkSync(join(d.volume, 'bin')))?.[1];
  if (starts !== named)
    throw new Error(`invariant 7: ${unit} starts ${starts}, and the volume names ${named}`);
}
