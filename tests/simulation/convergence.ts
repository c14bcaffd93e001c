// The eighth invariant: once faults have stopped, everything converges by itself, or by what a status tells the operator to type.
import { Impossible } from 'juju-ts-ops/testing';
import type { Disk } from './disk.ts';
import type { Faults } from './faults.ts';
import { Violation } from './invariants.ts';
import { versions } from './mirror.ts';
import { webService, workerService } from './services.ts';
import { application, appOf } from './topology.ts';
import type { App, World } from './world.ts';

/** A staging that failed often is tried again within an hour. */
const boundMs = 2 * 3_600_000;
const actionsAtMost = 12;

export interface Converged {
  /** Rounds of update-status, where Juju had told nobody. */
  updateStatus: number;
  /** Actions that a status told the operator to run. */
  typed: number;
}

/** What is wrong still; empty: converged. */
export function open(world: World): string[] {
  const target = world.goal().version ?? '';
  const wrong = world.apps.flatMap((app) => openIn(world, app, target));
  const configured = world.juju.model.applications.get(application)?.config.get('version');
  const goal = world.goal();
  const pinned = world.app(application).pins.at(-1);
  const asked = typeof configured === 'string' && configured !== '' ? configured : undefined;
  if (goal['skip-version'] === undefined && asked !== undefined && asked !== target)
    wrong.push(`the goal is ${target}, and ${asked} is configured`);
  if (asked === undefined && goal['skip-version'] === undefined && pinned !== undefined && target < pinned)
    wrong.push(`the goal is ${target}, and the charm pins ${pinned}`);
  const keys = world.juju.units(application).flatMap((unit) => keysOfWeb(world, unit) ?? []);
  if (new Set(keys).size > 1) wrong.push('webs have different keys');
  const used = world.allUnits().map((unit) => world.machine(unit).volume);
  for (const disk of world.volumes()) if (used.includes(disk)) wrong.push(...left(disk));
  return wrong;
}

/** Undefined: it is no web. */
function keysOfWeb(world: World, unit: string): string | undefined {
  const machine = world.machine(unit);
  if (machine.systemd.runs(webService) === undefined) return undefined;
  const files = ['tsa_host_key', 'session_signing_key'];
  return files.map((file) => machine.text(`/etc/concourse/${file}`)).join('');
}

/** `target`: of web's application, which decides for all. */
function openIn(world: World, { name, elsewhere }: App, target: string): string[] {
  const wrong: string[] = [];
  const goal = world.goal(name);
  for (const unit of world.juju.units(name)) {
    const machine = world.machine(unit);
    const { status, message } = world.juju.unitStatus(unit);
    if (status !== 'active') wrong.push(`${unit} is ${status}: ${message}`);
    const facts = world.facts(unit) ?? {};
    const role = facts.role ?? '';
    const web = machine.systemd.runs(webService);
    const worker = machine.systemd.runs(workerService);
    if (role.includes('web') ? web !== target : web !== undefined)
      wrong.push(`${unit} (${role}) runs web ${web}, the goal is ${target}`);
    if (role.includes('worker') ? worker !== target : worker !== undefined)
      wrong.push(`${unit} (${role}) runs worker ${worker}, the goal is ${target}`);
    if (worker !== undefined && !world.isRegistered(machine))
      wrong.push(`${unit} is not registered with web`);
    if (facts['upgrade-state'] === 'prepare') wrong.push(`${unit} says prepare`);
    if (role === '') wrong.push(`${unit} has no role`);
  }
  if (elsewhere !== undefined && world.units(name).length > 0 && goal.version !== target)
    wrong.push(`the goal of ${name} is ${goal.version}, and web's is ${target}`);
  if (goal.hold !== undefined) wrong.push(`upgrades of ${name} are held`);
  return wrong;
}

/** What no settled volume has. */
function left(disk: Disk): string[] {
  const { entries } = disk.root;
  const top = [...entries.keys()].filter((name) =>
    /^\.(install\.lease|download_in_progress|volume-id\.)/.test(name),
  );
  const staging = [...(entries.get('.staging')?.entries.keys() ?? [])].map((name) => `.staging/${name}`);
  const marker = entries.get('.installed_version')?.content.toString();
  const bin = /^releases\/([^/]+)\/bin$/.exec(entries.get('bin')?.target ?? '')?.[1];
  const disagree =
    bin === undefined || marker === `${bin}\n`
      ? []
      : [`bin points at ${bin}, and the marker says ${JSON.stringify(marker)}`];
  return [...top, ...staging].map((name) => `${name} is left on the volume`).concat(disagree);
}

/** Heals everything, then demands convergence within bounded virtual time. Throws `Violation` 8. */
export async function converge(world: World, faults: Faults): Promise<Converged> {
  heal(world, faults);
  const { scheduler } = world;
  let until = scheduler.now + boundMs;
  const result: Converged = { updateStatus: 0, typed: 0 };
  const typed = new Set<string>();
  for (;;) {
    if (world.violation !== undefined) return result;
    if (await world.step()) continue;
    const wrong = open(world);
    if (wrong.length === 0) return result;
    if (result.typed < actionsAtMost && typeWhatIsAsked(world, faults, typed)) {
      result.typed += 1;
      continue;
    }
    if (scheduler.now < until && world.jump(until)) continue;
    if (faults.untold && result.updateStatus === 0) {
      result.updateStatus += 1;
      await updateStatus(world);
      until = scheduler.now + boundMs;
      continue;
    }
    throw new Violation(8, `not converged: ${wrong.join('; ')}`);
  }
}

function heal(world: World, faults: Faults): void {
  faults.endAll();
  world.healed = true;
  for (const machine of world.machinesByUnit.values()) {
    machine.frozenUntil = 0;
    Object.assign(machine.link, { state: 'good', staleMs: 0 });
    machine.apart = false;
    Object.assign(machine.systemd.troubles, { failingStarts: 0, stopMs: 50, webMs: 500 });
    machine.systemd.troubles.silent.clear();
  }
  for (const process of world.scheduler.processes) process.frozenUntil = 0;
  delete world.jujuOptions.updateStatusMs;
  for (const unit of world.juju.model.units.values()) delete unit.agent.tickAt;
  const configured = world.juju.model.applications.get(application)?.config.get('version');
  // An operator who asked for what does not exist asks again.
  const asked = configured === undefined || configured === '' ? world.goal().version : configured;
  if (asked !== undefined && !versions.some((each) => each === asked))
    world.juju.configure(application, { version: '8.4.0' });
}

/** Once for each unit whose hook comes. */
async function updateStatus(world: World): Promise<void> {
  for (const unit of world.juju.model.units.values()) {
    if (!unit.agent.started) continue;
    unit.agent.tickAt = world.scheduler.now;
    while (world.juju.next(unit.name)?.name === 'update-status' || world.running.has(unit.name)) {
      const began = world.running.has(unit.name);
      if (!(await world.step()) && !world.jump(world.scheduler.now + 60_000)) break;
      if (began || world.running.has(unit.name)) delete unit.agent.tickAt;
    }
    delete unit.agent.tickAt;
  }
}

/** `juju run UNIT ACTION [KEY=VALUE]…` or `juju config` in a blocked status: the operator does so, once for each text. */
function typeWhatIsAsked(world: World, faults: Faults, typed: Set<string>): boolean {
  const { juju, scheduler } = world;
  // Whoever holds upgrades back goes on with them, too; and does not type it again while it is waiting for its turn.
  for (const { name } of world.apps) {
    const leader = juju.leader(name);
    const resume = `resume ${name} ${Math.floor(scheduler.now / 600_000)}`;
    if (world.goal(name).hold === undefined || leader === undefined || typed.has(resume)) continue;
    typed.add(resume);
    juju.runAction(leader, 'resume', {});
    return true;
  }
  for (const unit of world.allUnits()) {
    const { status, message } = juju.unitStatus(unit);
    const goesOn = /^juju run \S+ resume /.test(message);
    if ((status !== 'blocked' && !goesOn) || typed.has(`${unit} ${message}`)) continue;
    // While nobody leads there is nobody to tell: later.
    const [, app = ''] = /juju run (\S+)\/leader /.exec(message) ?? [];
    if (app !== '' && juju.leader(world.app(appOf(unit)).border.here(app)) === undefined) continue;
    typed.add(`${unit} ${message}`);
    if (types(world, faults, unit, message)) return true;
  }
  return false;
}

/** False: there is nothing to type, or it is not to be had. */
function types(world: World, faults: Faults, unit: string, message: string): boolean {
  const { juju } = world;
  const own = world.app(appOf(unit));
  const [, configured = '', option = '', value = ''] =
    /juju config (\S+) ([a-z-]+)=([^\s:…]+)/.exec(message) ?? [];
  if (option === 'version') {
    juju.configure(own.border.here(configured), { [option]: value });
    return true;
  }
  const [, resetIn = '', reset = ''] = /juju config (\S+) --reset ([a-z-]+)/.exec(message) ?? [];
  if (reset !== '') {
    if (juju.model.profile === '4.0') faults.untold = true;
    juju.resetConfig(own.border.here(resetIn), [reset]);
    return true;
  }
  const [, target = '', action = '', rest = ''] =
    /juju run (\S+?) ([a-z-]+)((?: [a-z-]+=[^\s:]+)*)/.exec(message) ?? [];
  const at = target.endsWith('/leader')
    ? juju.leader(own.border.here(appOf(target)))
    : own.border.here(target);
  if (action === '' || at === undefined) return false;
  const pairs = rest.trim().split(' ').filter(Boolean);
  try {
    juju.runAction(at, action, Object.fromEntries(pairs.map((text) => text.split('='))));
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    return false;
  }
  return true;
}
