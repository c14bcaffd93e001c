// The charm on simulated machines under a fake Juju: hooks of several units under way at once, their operations interleaved as the
// seed says, every step traced and checked.
import { readFileSync, writeFileSync } from 'node:fs';
import { execute, type RunTool, ToolTimeout } from 'juju-ts-ops';
import {
  type CharmFiles,
  type ExecRecord,
  FakeJuju,
  type HookContext,
  type Operation,
  Seeded,
} from 'juju-ts-ops/testing';
import type { concourse } from '../../src/charm.ts';
import { Disk } from './disk.ts';
import { Invariants, Violation } from './invariants.ts';
import { Flocks, Machine } from './machine.ts';
import { Mirror, mirrorUrl } from './mirror.ts';
import type { Settings } from './plan.ts';
import { type Choice, type Process, Scheduler } from './scheduler.ts';
import { webService, workerService } from './services.ts';
import { addressOf, application, appOf, Border, type Elsewhere, machineNumber } from './topology.ts';
import type { Trace } from './trace.ts';

const wakeUp = /\bJUJU_DISPATCH_PATH=(['"]?)([\w./-]+)\1\s+\.\/dispatch\b/;
/** What starting the executable costs. */
const dispatchMs = 200;
const toolMs = 8;
const retryTimerMs = 5_000;
const password = 'hunter2hunter2';

export interface Charmed {
  concourse: typeof concourse;
  files: CharmFiles;
}

/** An application of the history, web's first. */
export interface App {
  name: string;
  /** Undefined: web's. */
  elsewhere: Elsewhere | undefined;
  border: Border;
  /** The version that each revision of its charm pins. */
  pins: string[];
  /** An operator wants it related to web's. */
  related: boolean;
}

interface Running {
  process: Process;
  context: HookContext;
  machine: Machine;
}

export class World {
  readonly scheduler: Scheduler;
  readonly random: Seeded;
  readonly juju: FakeJuju;
  readonly mirror: Mirror;
  readonly flocks = new Flocks();
  readonly volume: Disk;
  readonly invariants: Invariants;
  readonly machinesByUnit = new Map<string, Machine>();
  readonly running = new Map<string, Running>();
  readonly apps: readonly App[];
  /** Hooks that failed, by their first line, to be looked at. */
  readonly failures = new Map<string, number>();
  readonly jujuOptions: { updateStatusMs?: number };
  hooks = 0;
  /** Faults are over. */
  healed = false;
  violation: Error | undefined;
  /** Called for each process when it begins: a fault may wait for it. */
  readonly settings: Settings;
  private readonly charmed: Charmed;
  private readonly trace: Trace;
  private readonly execs = new Map<ExecRecord, { machine: Machine; timer: string }>();
  private readonly sharedVolumes = new Map<string, Disk>();

  constructor(settings: Settings, charmed: Charmed, trace: Trace) {
    this.settings = settings;
    this.charmed = charmed;
    this.trace = trace;
    this.random = new Seeded(settings.seed);
    this.scheduler = new Scheduler(this.random, Date.UTC(2026, 0, 1), settings.sticky);
    this.mirror = new Mirror(this.scheduler);
    this.volume = this.newDisk(1, settings.volumeType);
    const elsewhere = settings.elsewhere ?? [];
    this.apps = [undefined, ...elsewhere].map((each) => {
      const name = each?.app ?? application;
      return {
        name,
        elsewhere: each,
        border: new Border(name, elsewhere),
        pins: ['8.1.0'],
        related: each !== undefined,
      };
    });
    const options = {
      seed: settings.seed,
      profile: settings.profile,
      clock: { now: () => this.scheduler.now },
      peersHearDeparture: settings.peersHearDeparture,
      ...(settings.updateStatusMs === undefined ? {} : { updateStatusMs: settings.updateStatusMs }),
      configChangedTwice: (unit: string, change: number) =>
        settings.configTwice === true && (Number(unit.split('/')[1]) + change) % 2 === 0,
      leaderlessMs: () => settings.leaderlessMs ?? 0,
      disk: {
        read: (_unit: string, path: string) => readFileSync(path, 'utf8'),
        write: (_unit: string, path: string, text: string) => writeFileSync(path, text),
      },
    };
    this.jujuOptions = options;
    this.juju = new FakeJuju(options);
    this.invariants = new Invariants({
      now: () => this.scheduler.now,
      machines: () => this.machinesByUnit.values(),
      machineOf: (unit) => this.machine(unit),
      facts: (unit) => this.facts(unit),
      goal: (app) => this.goal(app),
      units: (app) => this.units(app),
      decides: (disk) => this.units().some((unit) => this.machine(unit).volume === disk),
      mayRoll: () => settings.config['upgrade-strategy'] !== undefined,
      atOnce: (resumed) =>
        settings.config['upgrade-strategy'] === 'canary' && !resumed
          ? 1
          : Number(settings.config['max-unavailable']),
      here: (app, unit) => this.app(app).border.here(unit),
      schemaOf: (version) => this.schemaOf(version),
      known: (unit) => this.app(appOf(unit)).border.there(unit),
      word: (unit, elsewhere) => this.word(unit, elsewhere),
      guestsHeardBy: (unit) => this.guestsHeardBy(unit),
      preparedBefore: () => false,
      seenBy: (unit) => this.seenBy(unit),
      isActive: (unit) => this.juju.model.units.get(unit)?.workload.status === 'active',
      readyTimeoutMs: () => settings.readyTimeoutMs,
      completeTimeoutMs: () => settings.completeTimeoutMs,
    });
    const postgres = this.juju.addSecret('postgres', {
      uri: `postgresql://concourse:${password}@db:5432/concourse`,
    });
    const config = {
      'release-mirror': mirrorUrl,
      'upgrade-ready-timeout': `${settings.readyTimeoutMs / 1000}s`,
      'upgrade-complete-timeout': `${settings.completeTimeoutMs / 1000}s`,
    };
    this.juju.deploy(application, charmed.files, {
      units: settings.units,
      config: { ...config, 'postgres-uri': postgres, ...settings.config },
      address: (number) => addressOf(0, number),
    });
    this.juju.grantSecret('postgres', application);
    for (const [index, { app, units }] of elsewhere.entries()) {
      this.juju.deploy(app, charmed.files, {
        units,
        config: { ...config, ...settings.config, mode: 'worker' },
        address: (number) => addressOf(index + 1, number),
      });
    }
    this.relate();
    this.invariants.secrets = [password];
    for (const unit of this.allUnits()) this.machine(unit);
  }

  get charmFiles(): CharmFiles {
    return this.charmed.files;
  }

  // --- what is there ---

  machine(unit: string): Machine {
    const known = this.machinesByUnit.get(unit);
    if (known !== undefined) return known;
    const app = this.app(appOf(unit));
    const index = this.apps.indexOf(app);
    const number = machineNumber(unit, index);
    const { settings } = this;
    const machine = new Machine({
      unit,
      number,
      address: addressOf(index, Number(unit.split('/')[1])),
      schemaOf: (version) => this.schemaOf(version),
      seed: settings.seed * 64 + number,
      scheduler: this.scheduler,
      volume: this.volumeOf(app, number),
      flocks: this.flocks,
      mirror: this.mirror,
      watcher: {
        before: (...seen) => this.guard(() => this.invariants.before(...seen)),
        after: (...seen) => this.guard(() => this.invariants.after(...seen)),
        looked: (...seen) => this.guard(() => this.invariants.looked(...seen)),
      },
      events: {
        starting: (...seen) => this.guard(() => this.invariants.services(unit).starting(...seen)),
        stopped: (...seen) => this.guard(() => this.invariants.services(unit).stopped(...seen)),
      },
      syncNames: settings.syncNames,
      wallOffsetMs: settings.wallOffsetsMs[number % settings.wallOffsetsMs.length] ?? 0,
    });
    if (settings.landMs !== undefined) machine.systemd.troubles.landMs = settings.landMs;
    machine.systemd.registered = () => this.isRegistered(machine);
    this.machinesByUnit.set(unit, machine);
    return machine;
  }

  private schemaOf(version: string): string {
    return this.settings.schemas === 'one' ? '1' : version.replaceAll('.', '');
  }

  private volumeOf({ name, elsewhere }: App, number: number): Disk {
    const { settings } = this;
    const sharesWebs =
      elsewhere === undefined ? !settings.ownVolumes.includes(number) : elsewhere.volume === 'web';
    if (sharesWebs) return this.volume;
    const shared = elsewhere?.volume === 'shared' ? this.sharedVolumes.get(name) : undefined;
    if (shared !== undefined) return shared;
    const disk = this.newDisk(10 + number, elsewhere?.volume === 'shared' ? settings.volumeType : 'ext4');
    if (elsewhere?.volume === 'shared') this.sharedVolumes.set(name, disk);
    return disk;
  }

  app(name: string): App {
    const found = this.apps.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no application ${name}`);
    return found;
  }

  /** Of all applications, those that are being removed included. */
  allUnits(): string[] {
    return this.apps.flatMap(({ name }) => this.juju.units(name));
  }

  /** Units of one application that are not being removed. */
  units(app = application): string[] {
    return this.juju.units(app).filter((unit) => this.juju.model.units.get(unit)?.life === 'alive');
  }

  machinesOf(app: string): Machine[] {
    return [...this.machinesByUnit.values()].filter(({ unit }) => appOf(unit) === app);
  }

  /** The volumes of units that there are or were. */
  volumes(): Set<Disk> {
    return new Set([...this.machinesByUnit.values()].flatMap(({ volume }) => volume ?? []));
  }

  /** By the units of an application. */
  isShared(disk: Disk): boolean {
    return disk === this.volume || [...this.sharedVolumes.values()].includes(disk);
  }

  /** The operator's wish about relations to web comes true as soon as Juju lets it. */
  relate(): void {
    for (const { name, elsewhere, related } of this.apps) {
      if (elsewhere === undefined) continue;
      const there = this.relationOf(name);
      if (related && there === undefined) this.juju.integrate(`${application}:tsa`, `${name}:flight`);
      if (!related && there?.life === 'alive') this.juju.removeRelation(there.id);
    }
  }

  private relationOf(app: string) {
    return [...this.juju.model.relations.values()].find(({ endpoints }) =>
      endpoints.some((end) => end.application === app && end.endpoint === 'flight'),
    );
  }

  facts(unit: string): Record<string, string> | undefined {
    return this.juju.model.units.has(unit) ? this.juju.databag('peers', unit) : undefined;
  }

  /** Whose joined has run there, with their facts as that agent keeps them. */
  private seenBy(unit: string): Map<string, Record<string, string>> {
    const agent = this.juju.model.units.get(unit)?.agent;
    const peers = [...(agent?.relations ?? [])].find(
      ([each]) => this.juju.model.relations.get(each)?.endpoints.length === 1,
    );
    const [id, view] = peers ?? [];
    return new Map(
      [...(view?.members.keys() ?? [])].map((other) => [
        other,
        agent?.remoteBags.get(`${id}/${other}`) ?? this.facts(other) ?? {},
      ]),
    );
  }

  private word(unit: string, elsewhere: string): Record<string, string> | undefined {
    const relation = this.relationOf(elsewhere);
    return relation?.life !== 'alive' || unit === '' ? undefined : this.juju.databag(relation.id, unit);
  }

  /** Whose latest word has come to the unit's agent, by a hook that has run. */
  private guestsHeardBy(unit: string): Map<string, Record<string, string>> {
    const agent = this.juju.model.units.get(unit)?.agent;
    const heard = new Map<string, Record<string, string>>();
    for (const { name, elsewhere } of this.apps) {
      const relation = elsewhere && this.relationOf(name);
      if (relation?.life !== 'alive') continue;
      for (const [other, version] of agent?.relations.get(relation.id)?.members ?? []) {
        const bag = relation.bags.get(other);
        if (bag?.version === version && !relation.ghosts.has(other)) heard.set(other, bag.values);
      }
    }
    return heard;
  }

  goal(app = application): Record<string, string> {
    const goal = this.juju.databag('peers', app);
    const { installer } = goal;
    return installer === undefined ? goal : { ...goal, installer: this.app(app).border.here(installer) };
  }

  /** The unit's agent could run something now. */
  works(unit: string): boolean {
    const machine = this.machine(unit);
    const model = this.juju.model.units.get(unit);
    return (
      model?.agentUp === true && machine.powered && !machine.cut && machine.frozenUntil <= this.scheduler.now
    );
  }

  /** Nothing is wrong with the unit's machine but what its own charm does. */
  healthy(unit: string): boolean {
    const machine = this.machine(unit);
    const { troubles } = machine.systemd;
    return (
      this.works(unit) &&
      machine.mounted === (machine.volume !== undefined) &&
      machine.link.state === 'good' &&
      troubles.failingStarts === 0 &&
      [machine.own, machine.volume].every(
        (disk) => disk === undefined || !(disk.full || disk.readOnly || disk.failingSyncs > 0),
      ) &&
      this.juju.model.units.get(unit)?.agent.failed === undefined
    );
  }

  isRegistered(machine: Machine): boolean {
    const key = machine.text('/etc/concourse/worker_key.pub')?.trim();
    const hosts = machine.systemd.of(workerService).environment?.CONCOURSE_TSA_HOST?.split(',') ?? [];
    if (key === undefined || machine.apart) return false;
    for (const web of this.machinesByUnit.values()) {
      if (!hosts.includes(`${web.address}:2222`) || !web.powered || web.systemd.webAnswers() === undefined)
        continue;
      if (web.systemd.of(webService).authorized.includes(key)) return true;
    }
    return false;
  }

  private newDisk(device: number, type: string): Disk {
    return new Disk({ device, type, now: () => this.scheduler.now, syncNames: this.settings.syncNames });
  }

  // --- what happens ---

  /** What may happen next. */
  choices(): Choice[] {
    const { scheduler } = this;
    for (const { powered, frozenUntil, systemd } of this.machinesByUnit.values())
      if (powered && frozenUntil <= scheduler.now) systemd.goOn();
    this.watchExecs();
    this.relate();
    const choices = scheduler.ready();
    for (const unit of this.allUnits()) {
      if (this.running.has(unit) || !this.works(unit)) continue;
      const operation = this.juju.next(unit);
      if (operation !== undefined)
        choices.push({
          process: undefined,
          what: `begin ${unit}`,
          costMs: 5,
          run: () => this.begin(unit, operation),
        });
    }
    for (const machine of this.machinesByUnit.values()) {
      if (!machine.powered || machine.frozenUntil > scheduler.now) continue;
      for (const timer of machine.systemd.timers.values()) {
        if (timer.running || timer.at > scheduler.now) continue;
        choices.push({
          process: undefined,
          what: `timer of ${machine.unit}`,
          costMs: 5,
          run: () => this.fire(machine, timer.name),
        });
      }
    }
    return choices;
  }

  /** One step. False: nobody can go on before time passes. */
  async step(): Promise<boolean> {
    const { scheduler } = this;
    const choice = scheduler.pick(this.choices());
    if (choice === undefined) return false;
    const before = scheduler.now;
    const { process } = choice;
    if (process !== undefined)
      this.trace.line(scheduler.steps + 1, before, process.unit, process.name, choice.what);
    await scheduler.take(choice);
    this.timePassed(scheduler.now - before);
    return true;
  }

  /** Lets time pass until something may happen by itself, or `until`. False: nothing ever would. */
  jump(until: number): boolean {
    const { scheduler } = this;
    const times = [scheduler.nextTime()];
    for (const unit of this.allUnits()) {
      const machine = this.machine(unit);
      if (!machine.powered || machine.cut) continue;
      times.push(this.juju.nextTime(unit));
    }
    for (const machine of this.machinesByUnit.values()) {
      times.push(machine.frozenUntil);
      if (!machine.powered) continue;
      for (const timer of machine.systemd.timers.values())
        if (!timer.running) times.push(Math.max(timer.at, machine.frozenUntil));
      times.push(Math.max(machine.systemd.nextTime(), machine.frozenUntil));
    }
    const later = times
      .filter((at) => at !== undefined)
      .filter((at) => at > scheduler.now && Number.isFinite(at));
    const next = Math.min(until, ...later);
    if (!Number.isFinite(next) || next <= scheduler.now) return false;
    const ms = next - scheduler.now;
    scheduler.now = next;
    this.timePassed(ms);
    return true;
  }

  private timePassed(ms: number): void {
    const { scheduler, invariants } = this;
    if (ms <= 0) return;
    for (const process of scheduler.processes) {
      const machine = this.machine(process.unit);
      if (process.hung.length > 0 || machine.frozenUntil > scheduler.now - ms || machine.cut)
        process.excusedMs += ms;
    }
    // A freeze that ends with this jump lasted for all of it.
    const since = scheduler.now - ms;
    const worked = (unit: string) => this.healthy(unit) && this.machine(unit).frozenUntil <= since;
    this.guard(() => invariants.passed(ms, worked, scheduler.processes));
    if (this.settings.polled === true && !this.healed) this.guard(() => invariants.webs.someAnswers());
    this.watchExecs();
  }

  /** The first broken invariant stands; what it would do to the hook that broke it does not matter. */
  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation ??= error;
    }
  }

  private begin(unit: string, operation: Operation): void {
    const machine = this.machine(unit);
    const context = this.juju.begin(unit, operation);
    const name = operation.kind === 'action' ? `action ${operation.name}` : operation.name;
    this.hooks += 1;
    const process = this.scheduler.spawn(
      unit,
      name,
      () => this.scheduler.now + machine.wallOffsetMs,
      (self) => this.dispatch(self, machine, context, operation),
      (self, error) => this.ended(self, error),
    );
    this.running.set(unit, { process, context, machine });
    this.invariants.begins(process);
    this.trace.line(this.scheduler.steps, this.scheduler.now, unit, name, 'begins');
  }

  private async dispatch(
    process: Process,
    machine: Machine,
    context: HookContext,
    operation: Operation,
  ): Promise<void> {
    await this.scheduler.turn(process, 'dispatch', dispatchMs);
    const path = operation.kind === 'exec' ? wakeUp.exec(operation.exec.script)?.[2] : undefined;
    const { border, name: app, pins } = this.app(appOf(process.unit));
    const own = border.environment(context.env, app);
    const env = path === undefined ? own : { ...own, JUJU_DISPATCH_PATH: path };
    const pin = pins[context.charmRevision] ?? pins.at(-1) ?? '8.1.0';
    const charm = this.charmed.concourse(machine.host(process), {
      version: pin,
      sha256: { amd64: null, arm64: null },
      seen: 'simulated',
    });
    const stderr: string[] = [];
    const exitCode = await execute(charm, {
      env,
      runTool: this.tools(process, machine, context),
      writeError: (line) => void stderr.push(line),
    });
    await this.scheduler.turn(process, `exits with ${exitCode}`, 20);
    // The agent sends what was buffered when it reaches its controller again.
    while (machine.cut) await this.scheduler.wait(process, 1_000);
    const { outcome, reason } = context.finish({ exitCode, stderr: stderr.join('\n') });
    this.trace.line(
      this.scheduler.steps,
      this.scheduler.now,
      process.unit,
      process.name,
      reason === undefined ? outcome : `${outcome}: ${reason}`,
    );
  }

  private tools(process: Process, machine: Machine, context: HookContext): RunTool {
    const { border } = this.app(appOf(process.unit));
    return async (tool, args, { stdin, timeoutMs }) => {
      await this.scheduler.turn(
        process,
        `${tool} ${args.filter((arg) => !arg.includes('#file=')).join(' ')}`,
        toolMs,
      );
      for (let waitedMs = 0; machine.cut; waitedMs += 1_000) {
        if (waitedMs >= timeoutMs) throw new ToolTimeout(tool, args, timeoutMs);
        await this.scheduler.wait(process, 1_000);
      }
      if (tool !== 'secret-add' && tool !== 'secret-set') {
        const handsOver = process.name === 'action get-admin-password' && tool === 'action-set';
        if (!handsOver)
          this.guard(() => this.invariants.noSecret(`${args.join(' ')} ${stdin ?? ''}`, `a call of ${tool}`));
      }
      if (tool === 'juju-log') this.noteFailure(args.join(' '));
      const result = await context.tool(tool, border.needed ? border.asked(tool, args) : args, stdin);
      if (tool === 'secret-add') this.learnSecrets();
      if (!border.needed || result.code !== 0) return result;
      return { ...result, stdout: border.answered(tool, result.stdout) };
    };
  }

  /** The lines of private keys, and the passwords: none of them may be anywhere. */
  private learnSecrets(): void {
    const keyLines = (pem: string) =>
      pem
        .split('\n')
        .slice(1, 3)
        .filter((line) => line.length > 20);
    const found = [password];
    for (const { owner, revisions } of this.juju.model.secrets.values()) {
      for (const [key, value] of revisions.flatMap((content) => Object.entries(content ?? {}))) {
        if (owner.kind !== 'application' || key.endsWith('-pub')) continue;
        found.push(...(key.includes('password') ? [value] : keyLines(value)));
      }
    }
    for (const machine of this.machinesByUnit.values()) {
      const pem = [machine.text('/etc/concourse/worker_key'), machine.text('/var/lib/concourse/worker_key')];
      found.push(...pem.flatMap((text) => (text === undefined ? [] : keyLines(text))));
    }
    const fresh = found.filter((each) => !this.invariants.secrets.includes(each));
    if (fresh.length === 0) return;
    this.invariants.secrets.push(...fresh);
    // What was said before this simulation knew that it is a secret.
    for (const { text } of this.juju.log)
      for (const secret of fresh)
        if (text.includes(secret)) this.violation ??= new Violation(10, 'a secret is in the log');
    for (const { unit } of this.machinesByUnit.values())
      for (const text of Object.values(this.facts(unit) ?? {}))
        this.guard(() => this.invariants.noSecret(text, `the databag of ${unit}`));
    for (const secret of fresh)
      if (this.isOnVolume(secret)) this.violation ??= new Violation(10, 'a secret is on the volume');
  }

  private isOnVolume(secret: string): boolean {
    const within = (directory: Disk['root']): boolean =>
      [...directory.entries.values()].some((inode) =>
        inode.kind === 'directory' ? within(inode) : inode.content.includes(secret),
      );
    return [...this.volumes()].some((disk) => within(disk.root));
  }

  private noteFailure(text: string): void {
    const failed = / failed: (.*)/.exec(text)?.[1];
    if (failed === undefined || !text.includes('ERROR')) return;
    const key =
      failed
        .split('\n')[0]
        ?.replace(/[0-9a-f]{16}/g, 'T')
        .slice(0, 160) ?? '';
    this.failures.set(key, (this.failures.get(key) ?? 0) + 1);
    if (failed.includes('nothing settles')) this.violation ??= new Violation(9, failed.slice(0, 400));
    if (/TypeError|ReferenceError|RangeError/.test(failed))
      this.violation ??= new Error(`bug: ${failed.slice(0, 400)}`);
  }

  private ended(process: Process, error: unknown): void {
    const { unit } = process;
    const found = this.running.get(unit);
    if (found?.process === process) this.running.delete(unit);
    this.machine(unit).processEnded(process);
    this.guard(() => this.invariants.ends(process));
    this.learnSecrets();
    if (error !== undefined) {
      if (error instanceof Violation) this.violation ??= error;
      else
        this.violation ??= new Error(`the simulation itself: ${process.name} on ${unit}`, { cause: error });
    }
  }

  /** SIGKILL of what runs on the unit, which the agent sees (`seen`), or which goes with it. */
  kill(unit: string, seen: boolean): boolean {
    const found = this.running.get(unit);
    if (found === undefined) return false;
    this.running.delete(unit);
    this.scheduler.kill(found.process);
    found.machine.processEnded(found.process);
    if (seen) found.context.finish({ signal: 'SIGKILL' });
    this.guard(() => this.invariants.ends(found.process));
    return true;
  }

  private fire(machine: Machine, name: string): void {
    const timer = machine.systemd.timers.get(name);
    if (timer === undefined) return;
    const unit = this.juju.model.units.get(machine.unit);
    if (unit?.agentUp !== true || machine.cut) {
      timer.at = this.scheduler.now + retryTimerMs;
      return;
    }
    timer.running = true;
    this.execs.set(this.juju.exec(machine.unit, timer.script), { machine, timer: name });
  }

  /** A timer's command that failed is run again after 5 s; one that succeeded is over. */
  private watchExecs(): void {
    for (const [record, { machine, timer: name }] of this.execs) {
      if (record.status === 'pending' || record.status === 'running') continue;
      this.execs.delete(record);
      const timer = machine.systemd.timers.get(name);
      if (timer?.running !== true) continue;
      if (record.status === 'done' && record.exitCode === 0) machine.systemd.timers.delete(name);
      else Object.assign(timer, { running: false, at: this.scheduler.now + retryTimerMs });
    }
  }
}
