// The lab: units of charms on one machine, with a fake Juju for a controller and real processes for everything else.
import { EventEmitter } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ActionRecord, type CharmFiles, FakeJuju, type Operation } from 'juju-ts-ops/testing';
import { isRecord, readCharmFiles } from './charm.ts';
import { LabClock } from './clock.ts';
import { controlFile, serveControl } from './control/server.ts';
import { codeOf, LabError } from './errors.ts';
import { watchOver } from './processes.ts';
import type { HookRecord, LabEvents, LogLine } from './records.ts';
import type { ExecRequest } from './juju-exec.ts';
import type { ToolAnswer } from './tools/server.ts';
import { LabUnit } from './unit.ts';

export interface LabOptions {
  /** The lab's own folder. What an earlier lab left in it goes. */
  directory: string;
  /** The charm to deploy: an unpacked `.charm`. */
  charm: { directory: string };
  /** Of everything random in Juju: the order of hooks, ids, jitter. */
  seed?: number;
  profile?: '4.0' | '3.6';
  /** One folder that all units share, linked into each unit's root at that absolute path. */
  volume?: { mountPath: string };
  /** The Node for tool calls on machines without Perl. */
  node?: string;
  /** For every hook, action and juju-exec, and for every service. */
  extraEnvironment?: Record<string, string>;
  /** For single ones, such as NODE_OPTIONS of one hook. */
  hookEnvironment?: (unit: string, operation: Operation) => Record<string, string>;
  /** How many times faster Juju's time runs (retries, update-status, leases); services keep real time. */
  timeScale?: number;
  /** Interval of update-status, in ms of Juju's time; none by default. */
  updateStatusMs?: number;
}

interface DeployOptions {
  units?: number;
  config?: Record<string, string | number | boolean>;
  resources?: Record<string, string>;
}

export class Lab {
  readonly directory: string;
  readonly juju: FakeJuju;
  readonly events = new EventEmitter<LabEvents>();
  /** Every hook, action and juju-exec that began, oldest first. */
  readonly records: HookRecord[] = [];
  /** The units' log, oldest first. */
  readonly log: LogLine[] = [];
  readonly #options: LabOptions;
  readonly #clock: LabClock;
  readonly #sockets: string;
  readonly #watcher: { end(): Promise<void> };
  readonly #units = new Map<string, LabUnit>();
  readonly #charms = new Map<string, { directory: string; files: CharmFiles }>();
  readonly #nextEnvironments = new Map<string, Record<string, string>>();
  readonly #addresses = new Map<string, string>();
  #control: { close(): void } | undefined;
  #socketNumber = 0;
  #jujuLogRead = 0;
  #closed: Promise<void> | undefined;

  constructor(options: LabOptions) {
    this.#options = options;
    this.directory = resolve(options.directory);
    refuseSecondLab(this.directory);
    for (const folder of ['units', 'volume', 'log']) {
      rmSync(join(this.directory, folder), { recursive: true, force: true });
      mkdirSync(join(this.directory, folder), { recursive: true });
    }
    this.#sockets = mkdtempSync(join(shortTemporary(), 'lab-'));
    this.#watcher = watchOver(join(this.directory, 'units'), this.#sockets);
    this.#clock = new LabClock(options.timeScale ?? 1);
    this.juju = new FakeJuju({
      seed: options.seed ?? 1,
      clock: this.#clock,
      ...(options.profile && { profile: options.profile }),
      ...(options.updateStatusMs && { updateStatusMs: options.updateStatusMs }),
    });
  }

  /** The folder that is the shared volume. */
  get volume(): string {
    return join(this.directory, 'volume');
  }

  deploy(application: string, options: DeployOptions = {}): void {
    const charm = this.#readCharm(this.#options.charm.directory);
    this.#charms.set(application, charm);
    this.juju.deploy(application, charm.files, {
      units: options.units ?? 1,
      ...(options.config && { config: options.config }),
      ...(options.resources && { resources: options.resources }),
      address: (number) => this.#addressOf(`${application}/${number}`),
    });
    this.#follow();
  }

  /** The new unit's name. */
  addUnit(application: string, options?: { machine?: string }): string {
    const unit = this.juju.addUnit(application, options);
    this.#follow();
    return unit;
  }

  removeUnit(unit: string, options?: { force?: boolean }): void {
    this.juju.removeUnit(unit, options);
    this.#follow();
  }

  configure(application: string, values: Record<string, string | number | boolean>): void {
    this.juju.configure(application, values);
    this.#follow();
  }

  /** Each unit unpacks the charm when its upgrade-charm begins. */
  refresh(application: string, charmDirectory: string): void {
    const charm = this.#readCharm(charmDirectory);
    this.#charms.set(application, charm);
    this.juju.refresh(application, charm.files);
    this.#follow();
  }

  /** Resolves when the action has ended. */
  async runAction(unit: string, name: string, params: Record<string, unknown> = {}): Promise<ActionRecord> {
    const record = this.juju.runAction(unit, name, params);
    this.#follow();
    await this.waitFor(() => record.status !== 'pending' && record.status !== 'running');
    return record;
  }

  /** Runs a script in the unit's context, as `juju-exec` from a terminal on its machine. */
  execIn(unit: string, script: string): Promise<ToolAnswer> {
    return this.#runExec({ unit, script });
  }

  /** Cuts the power of the unit's machine. */
  async kill(unit: string): Promise<void> {
    await this.unit(unit).cutPower();
    this.juju.agentDown(unit);
    this.#follow();
  }

  /** Switches a machine on that `kill` switched off. */
  async boot(unit: string): Promise<void> {
    this.juju.agentUp(unit);
    this.juju.reboot(unit);
    await this.unit(unit).boot();
    this.#follow();
  }

  async reboot(unit: string): Promise<void> {
    const machine = this.unit(unit);
    await machine.cutPower();
    this.juju.reboot(unit);
    await machine.boot();
    this.#follow();
  }

  /** Stops all processes of the unit, its agent included, until `thaw`. */
  freeze(unit: string): void {
    this.unit(unit).freeze();
    this.juju.agentDown(unit);
    this.#follow();
  }

  thaw(unit: string): void {
    this.juju.agentUp(unit);
    this.unit(unit).thaw();
    this.#follow();
  }

  /** Cuts the agent off from the controller; its services run on. */
  agentDown(unit: string): void {
    this.juju.agentDown(unit);
    this.#follow();
  }

  agentUp(unit: string): void {
    this.juju.agentUp(unit);
    this.#follow();
  }

  setLeader(unit: string): void {
    this.juju.setLeader(applicationOf(unit), unit);
    this.#follow();
  }

  /** Mounts the volume, or another folder in its place. */
  mountVolume(unit: string, options: { directory?: string; readOnly?: boolean } = {}): void {
    const mountPath = this.#options.volume?.mountPath;
    if (mountPath === undefined) throw new LabError('this lab has no volume: give it the option `volume`');
    const directory = resolve(options.directory ?? this.volume);
    mkdirSync(directory, { recursive: true });
    this.unit(unit).root.mount({ mountPath, directory, readOnly: options.readOnly ?? false });
  }

  /** Leaves an empty, writable folder where the volume was. */
  unmountVolume(unit: string): void {
    this.unit(unit).root.unmount();
  }

  /** Adds variables to the environment of the unit's next hook, action or juju-exec only. */
  nextHookEnvironment(unit: string, extra: Record<string, string>): void {
    this.#nextEnvironments.set(unit, extra);
  }

  status(): ReturnType<FakeJuju['status']> {
    return this.juju.status();
  }

  /** What the unit's service has printed, as journalctl shows it. */
  async journal(unit: string, service: string): Promise<string> {
    return (await this.unit(unit).systemd.command('journalctl', ['-u', service, '--no-pager'])).stdout;
  }

  applications(): string[] {
    return [...this.#charms.keys()];
  }

  unitNames(): string[] {
    return [...this.#units.keys()];
  }

  unit(name: string): LabUnit {
    const unit = this.#units.get(name);
    if (unit === undefined) {
      throw new LabError(`no unit "${name}"; there are: ${this.unitNames().join(', ') || 'none'}`);
    }
    return unit;
  }

  charmDirectory(application: string): string {
    return this.#charmOf(application).directory;
  }

  charmFiles(application: string): CharmFiles {
    return this.#charmOf(application).files;
  }

  /** Resolves when no unit whose machine runs has anything to do: nothing running, nothing queued, no failed hook
   * waiting for its retry, no timer's command under way. Timers that have yet to fire do not count. */
  async settle(options: { timeoutMs?: number } = {}): Promise<void> {
    await this.waitFor(
      () => this.#unrest().length === 0,
      options.timeoutMs,
      () => this.#unrest().join('; '),
    );
  }

  /** Resolves once `predicate` holds; it is asked again after every change. LabError after `timeoutMs`. */
  waitFor(predicate: () => boolean, timeoutMs = 60_000, describe?: () => string): Promise<void> {
    if (predicate()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!predicate()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new LabError(`not so within ${timeoutMs} ms: ${describe?.() ?? predicate.toString()}`));
      }, timeoutMs);
      const end = (): void => {
        clearTimeout(timer);
        this.events.off('change', check);
      };
      this.events.on('change', check);
    });
  }

  /** Lets other terminals in (`askLab`). `onStop`: when somebody types `stop`; closes the lab by default. */
  async openControl(onStop: () => void = () => void this.close()): Promise<void> {
    const socket = join(this.#sockets, 'control');
    this.#control = await serveControl(this, { directory: this.directory, socket, onStop });
  }

  /** Ends everything that the lab started, whatever became of it. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#control?.close();
      await Promise.all([...this.#units.values()].map((unit) => unit.close()));
      await this.#watcher.end();
    })();
    return this.#closed;
  }

  /** Brings the machines in line with the units that there are, then lets every agent look for work. */
  #follow(): void {
    if (this.#closed !== undefined) return;
    const present = this.applications().flatMap((application) => this.juju.units(application));
    for (const name of present) {
      if (!this.#units.has(name)) this.#addMachine(name);
    }
    for (const [name, unit] of this.#units) {
      if (present.includes(name)) continue;
      this.#units.delete(name);
      void unit.close();
    }
    for (const unit of this.#units.values()) unit.uniter.wake();
    this.#changed();
  }

  #changed(): void {
    for (const entry of this.juju.log.slice(this.#jujuLogRead))
      this.#addLine(entry.unit, entry.level, entry.text);
    this.#jujuLogRead = this.juju.log.length;
    this.events.emit('change');
  }

  #addMachine(name: string): void {
    const folderName = name.replace('/', '-');
    const unit = new LabUnit(name, {
      juju: this.juju,
      clock: this.#clock,
      profile: this.#options.profile ?? '4.0',
      node: this.#options.node ?? process.execPath,
      folder: join(this.directory, 'units', folderName),
      socket: join(this.#sockets, String(this.#socketNumber++)),
      extraEnvironment: this.#options.extraEnvironment ?? {},
      charmDirectory: () => this.charmDirectory(applicationOf(name)),
      environment: (operation) => this.#environmentOf(name, operation),
      onMachine: () => this.#unitsOnMachineOf(name),
      runExec: (request) => this.#runExec(request),
      onStart: (record) => {
        this.records.push(record);
        this.events.emit('hook-start', record);
      },
      onEnd: (record) => {
        this.events.emit('hook-end', record);
        this.#follow();
      },
      onLine: (level, text) => this.#addLine(name, level, text),
      onService: (service, state) => {
        this.events.emit('service', { unit: name, service, state });
        this.#changed();
      },
      onChange: () => this.#changed(),
    });
    this.#units.set(name, unit);
    if (this.#options.volume !== undefined) this.mountVolume(name);
    unit.uniter.start();
  }

  #environmentOf(unit: string, operation: Operation): Record<string, string> {
    const next = this.#nextEnvironments.get(unit);
    this.#nextEnvironments.delete(unit);
    return {
      ...this.#options.extraEnvironment,
      ...this.#options.hookEnvironment?.(unit, operation),
      ...next,
    };
  }

  async #runExec(request: ExecRequest): Promise<ToolAnswer> {
    const { unit, script, ...context } = request;
    const record = this.juju.exec(unit, script, context);
    this.#follow();
    await this.waitFor(
      () => record.status === 'done' || record.status === 'aborted',
      Number.POSITIVE_INFINITY,
    );
    if (record.status === 'aborted')
      return { code: 1, stdout: '', stderr: 'ERROR command execution aborted\n' };
    return { code: record.exitCode ?? 1, stdout: record.stdout, stderr: record.stderr };
  }

  #unitsOnMachineOf(unit: string): string[] {
    const machine = this.juju.machineOf(unit);
    return this.unitNames().filter((other) => this.juju.machineOf(other) === machine);
  }

  #addLine(unit: string, level: string, text: string): void {
    const line: LogLine = { time: this.#clock.now(), unit, level, text };
    this.log.push(line);
    const file = join(this.directory, 'log', `${unit.replace('/', '-')}.log`);
    appendFileSync(file, `${new Date(line.time).toISOString()} ${level} ${text}\n`);
    this.events.emit('log', line);
  }

  /** 127.0.10.1 for the first unit that asks, and so on: what listens on them does not clash. */
  #addressOf(unit: string): string {
    const known = this.#addresses.get(unit);
    if (known !== undefined) return known;
    const index = this.#addresses.size;
    const address = `127.0.${10 + Math.floor(index / 254)}.${(index % 254) + 1}`;
    this.#addresses.set(unit, address);
    return address;
  }

  #readCharm(directory: string): { directory: string; files: CharmFiles } {
    const absolute = resolve(directory);
    return { directory: absolute, files: readCharmFiles(absolute) };
  }

  #charmOf(application: string): { directory: string; files: CharmFiles } {
    const charm = this.#charms.get(application);
    if (charm !== undefined) return charm;
    throw new LabError(
      `no application "${application}"; there are: ${this.applications().join(', ') || 'none'}`,
    );
  }

  #unrest(): string[] {
    return [...this.#units.values()].flatMap((unit) => {
      if (unit.power !== 'on') return [];
      const current = unit.uniter.current;
      if (current !== undefined) return [`${unit.name} runs ${current.name}`];
      const next = this.juju.next(unit.name);
      if (next !== undefined) return [`${unit.name} is about to run ${next.name}`];
      if (unit.hasFailedHook()) return [`${unit.name} waits to retry a failed hook`];
      return unit.timersUnderWay().map((timer) => `${unit.name} has ${timer} under way`);
    });
  }
}

/** A lab that runs in that folder must not have its files taken from under it. */
function refuseSecondLab(directory: string): void {
  const path = controlFile(directory);
  if (!existsSync(path)) return;
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const pid = isRecord(content) ? Number(content.pid) : 0;
  if (pid > 0 && pid !== process.pid && isRunning(pid)) {
    throw new LabError(`a lab runs in ${directory} already (process ${pid}); end it first: stop`);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    if (codeOf(error) === 'EPERM') return true;
    throw error;
  }
}

/** The name of a unix socket may have 107 bytes: a long TMPDIR is of no use for one. */
function shortTemporary(): string {
  return tmpdir().length <= 60 ? tmpdir() : '/tmp';
}

function applicationOf(unit: string): string {
  return unit.slice(0, unit.lastIndexOf('/'));
}
