// The machines of the lab, kept in line with the units that the fake Juju has.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Charm } from 'juju-ts-ops';
import type { FakeJuju, Operation } from 'juju-ts-ops/testing';
import type { LabClock } from './clock.ts';
import { LabError } from './errors.ts';
import type { Happenings } from './happenings.ts';
import type { ExecRequest } from './juju-exec.ts';
import type { LabOptions } from './options.ts';
import { PlayedUnit } from './played.ts';
import type { ToolAnswer } from './tools/server.ts';
import { LabUnit, type UnitMachine, type UnitSurroundings } from './unit.ts';

export interface FleetSurroundings {
  options: LabOptions;
  juju: FakeJuju;
  clock: LabClock;
  happenings: Happenings;
  /** The lab's. */
  directory: string;
  sockets: string;
  applications(): string[];
  charmDirectory(application: string): string;
  /** The charm of an application that is played. */
  played(application: string): Charm | undefined;
}

/** How long a leader's lease lasts that is not renewed any more, at most (ms of Juju's time). */
const leaseMs = 60_000;

export class Fleet {
  readonly #around: FleetSurroundings;
  readonly #units = new Map<string, UnitMachine>();
  /** What goes on by itself and must have ended before the lab has. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #nextEnvironments = new Map<string, Record<string, string>>();
  #socketNumber = 0;
  #closed = false;

  constructor(around: FleetSurroundings) {
    this.#around = around;
  }

  names(): string[] {
    return [...this.#units.keys()];
  }

  machine(name: string): UnitMachine {
    const unit = this.#units.get(name);
    if (unit === undefined)
      throw new LabError(`no unit "${name}"; there are: ${this.names().join(', ') || 'none'}`);
    return unit;
  }

  unit(name: string): LabUnit {
    const unit = this.machine(name);
    if (unit instanceof LabUnit) return unit;
    throw new LabError(`${name} has a machine of its own: ask that`);
  }

  rootOf(unit: string): string {
    return this.#around.options.machines === undefined ? join(this.#folderOf(unit), 'root') : '/';
  }

  /** After every change of the fake Juju: makes machines for new units, ends those of units that are gone, and lets
   * every agent look for work. */
  follow(): void {
    if (this.#closed) return;
    const { juju, applications, happenings } = this.#around;
    const present = applications().flatMap((application) => juju.units(application));
    for (const name of present) {
      if (!this.#units.has(name)) this.#add(name);
    }
    for (const [name, unit] of this.#units) {
      if (present.includes(name)) continue;
      this.#units.delete(name);
      this.#track(unit.close());
    }
    for (const unit of this.#units.values()) unit.uniter.wake();
    happenings.changed();
  }

  /** Why the lab is not at rest: one line for each unit that has something to do. */
  unrest(): string[] {
    return [...this.#units.values()].flatMap((unit) => this.#unrestOf(unit));
  }

  nextEnvironment(unit: string, extra: Record<string, string>): void {
    this.#nextEnvironments.set(this.machine(unit).name, extra);
  }

  /** Mounts the lab's volume, or another folder in its place. */
  mountVolume(unit: string, options: { directory?: string; readOnly?: boolean }): void {
    const mountPath = this.#around.options.volume?.mountPath;
    if (mountPath === undefined) throw new LabError('this lab has no volume: give it the option `volume`');
    const directory = resolve(options.directory ?? join(this.#around.directory, 'volume'));
    mkdirSync(directory, { recursive: true });
    this.unit(unit).root.mount({ mountPath, directory, readOnly: options.readOnly ?? false });
  }

  /** Power off without warning; `boot` brings it back. What ran is lost. */
  async cutPower(name: string): Promise<void> {
    const unit = this.#unitThatIs(name, ['on', 'frozen']);
    const off = unit.cutPower();
    this.#around.juju.agentDown(name);
    this.follow();
    await off;
    this.#around.happenings.changed();
  }

  async boot(name: string): Promise<void> {
    const unit = this.#unitThatIs(name, ['off']);
    await unit.boot();
    this.#around.juju.agentUp(name);
    unit.uniter.start();
    this.follow();
  }

  async reboot(name: string): Promise<void> {
    const unit = this.#unitThatIs(name, ['on']);
    this.#around.juju.agentDown(name);
    await unit.shutDown();
    await this.boot(name);
  }

  /** The machine stands still and the controller hears nothing from it, but nothing that runs there is lost. */
  freeze(name: string): void {
    this.#unitThatIs(name, ['on']).freeze();
    this.#silence(name);
    this.follow();
  }

  thaw(name: string): void {
    const frozen = this.#unitThatIs(name, ['frozen']);
    const { model } = this.#around.juju;
    const [unit, application] = [model.units.get(name), model.applications.get(applicationOf(name))];
    if (unit) unit.agentUp = true;
    if (application?.leader === name) delete application.leaseEnds;
    frozen.thaw();
    this.follow();
  }

  /** The agent ends, and what it runs with it; services run on. */
  stopAgent(name: string): void {
    const { uniter } = this.#unitThatIs(name, ['on']);
    uniter.stop();
    this.#around.juju.agentDown(name);
    uniter.kill();
    this.follow();
  }

  startAgent(name: string): void {
    const { uniter } = this.#unitThatIs(name, ['on']);
    this.#around.juju.agentUp(name, { rebooted: false });
    uniter.start();
    this.follow();
  }

  /** Has a script run in a unit's context, and waits for its end. */
  async runExec({ unit, script, ...context }: ExecRequest): Promise<ToolAnswer> {
    const { juju, happenings } = this.#around;
    const record = juju.exec(unit, script, context);
    this.follow();
    await happenings.waitFor(() => record.status === 'done' || record.status === 'aborted');
    if (record.status === 'done')
      return { code: record.exitCode ?? 1, stdout: record.stdout, stderr: record.stderr };
    return { code: 1, stdout: '', stderr: 'ERROR command execution aborted\n' };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#underWay);
    await Promise.all([...this.#units.values()].map((unit) => unit.close()));
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  #add(name: string): void {
    const { options, juju, clock, happenings, sockets, charmDirectory } = this.#around;
    const around: UnitSurroundings = {
      juju,
      clock,
      node: options.node ?? process.execPath,
      folder: this.#folderOf(name),
      socket: join(sockets, String(this.#socketNumber++)),
      extraEnvironment: options.extraEnvironment ?? {},
      charmDirectory: () => charmDirectory(applicationOf(name)),
      environment: (operation) => this.#environmentOf(name, operation),
      onMachine: () => this.#unitsOnMachineOf(name),
      runExec: (request) => this.runExec(request),
      onStart: (record) => {
        happenings.records.push(record);
        happenings.events.emit('hook-start', record);
        happenings.changed();
      },
      onEnd: (record, reboots) => {
        happenings.events.emit('hook-end', record);
        if (reboots) this.#track(this.reboot(name));
        this.follow();
      },
      onLine: (level, text) => happenings.addLine({ time: clock.now(), unit: name, level, text }),
      onService: (service, state) => {
        happenings.events.emit('service', { unit: name, service, state });
        happenings.changed();
      },
      onChange: () => happenings.changed(),
    };
    const played = this.#around.played(applicationOf(name));
    const unit =
      played === undefined
        ? (options.machines?.make(name, around) ?? new LabUnit(name, around))
        : new PlayedUnit(name, played, around);
    this.#units.set(name, unit);
    if (options.volume !== undefined && played === undefined) this.mountVolume(name, {});
    unit.uniter.start();
  }

  #folderOf(unit: string): string {
    return join(this.#around.directory, 'units', unit.replace('/', '-'));
  }

  #environmentOf(unit: string, operation: Operation): Record<string, string> {
    const { options } = this.#around;
    const next = this.#nextEnvironments.get(unit);
    this.#nextEnvironments.delete(unit);
    return { ...options.extraEnvironment, ...options.hookEnvironment?.(unit, operation), ...next };
  }

  /** `agentDown` would give up on what runs: a frozen machine takes it up again. Its lease is lost in its time. */
  #silence(name: string): void {
    const { model } = this.#around.juju;
    const [unit, application] = [model.units.get(name), model.applications.get(applicationOf(name))];
    if (unit) unit.agentUp = false;
    if (application?.leader === name) application.leaseEnds = model.now() + leaseMs;
  }

  #unitThatIs(name: string, wanted: readonly UnitMachine['power'][]): UnitMachine {
    const unit = this.machine(name);
    if (wanted.includes(unit.power)) return unit;
    throw new LabError(`${name}’s machine is ${unit.power}, not ${wanted.join(' or ')}`);
  }

  #unitsOnMachineOf(unit: string): string[] {
    const { juju } = this.#around;
    const machineOf = (name: string): string | undefined => juju.model.units.get(name)?.machine;
    return this.names().filter((other) => machineOf(other) === machineOf(unit));
  }

  #unrestOf(unit: UnitMachine): string[] {
    const { juju } = this.#around;
    if (unit.power !== 'on' || juju.model.units.get(unit.name)?.agentUp !== true) return [];
    const current = unit.uniter.current;
    if (current !== undefined) return [`${unit.name} runs ${current.name}`];
    const next = juju.next(unit.name);
    if (next !== undefined) return [`${unit.name} is about to run ${next.name}`];
    const failed = juju.model.units.get(unit.name)?.agent.failed;
    if (failed !== undefined) return [`${unit.name} waits to retry ${failed.hook.name}`];
    return unit.timersUnderWay().map((timer) => `${unit.name} has ${timer} under way`);
  }
}

export function applicationOf(unit: string): string {
  return unit.slice(0, unit.lastIndexOf('/'));
}
