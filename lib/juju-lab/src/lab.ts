// The lab: units of charms on one machine, with a fake Juju for a controller and real processes for everything else.
import type { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Charm, charmFiles } from 'juju-ts-ops';
import {
  type ActionRecord,
  type ActionValue,
  type CharmFiles,
  type DeployOptions,
  FakeJuju,
} from 'juju-ts-ops/testing';
import { readCharm, type UnpackedCharm } from './charm.ts';
import { LabClock } from './clock.ts';
import { serveControl } from './control/server.ts';
import { LabError } from './errors.ts';
import { applicationOf, Fleet } from './fleet.ts';
import { controlFile, makeSocketFolder, refuseSecondLab, takeFolder } from './folder.ts';
import { Happenings } from './happenings.ts';
import type { LabOptions } from './options.ts';
import { Addresses, rootedStorage } from './placement.ts';
import { watchOver } from './processes.ts';
import type { HookRecord, LabEvents, LogLine } from './records.ts';
import type { ToolAnswer } from './tools/server.ts';
import type { LabUnit } from './unit.ts';

export class Lab {
  readonly directory: string;
  readonly juju: FakeJuju;
  readonly events: EventEmitter<LabEvents>;
  /** Every hook, action and juju-exec that began, oldest first. */
  readonly records: readonly HookRecord[];
  /** The units' log, oldest first. */
  readonly log: readonly LogLine[];
  readonly #options: LabOptions;
  readonly #happenings: Happenings;
  readonly #fleet: Fleet;
  readonly #sockets: string;
  readonly #watcher: { end(): Promise<void> };
  readonly #charms = new Map<string, UnpackedCharm>();
  readonly #played = new Map<string, Charm>();
  readonly #addresses = new Addresses();
  #control: { close(): void } | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: LabOptions) {
    this.#options = options;
    this.directory = resolve(options.directory);
    refuseSecondLab(this.directory);
    this.#sockets = makeSocketFolder();
    takeFolder(this.directory, this.#sockets);
    this.#watcher = watchOver(join(this.directory, 'units'), this.#sockets);
    const clock = new LabClock(options.timeScale ?? 1);
    this.juju = new FakeJuju({
      seed: options.seed ?? 1,
      clock,
      ...(options.profile && { profile: options.profile }),
      ...(options.updateStatusMs && { updateStatusMs: options.updateStatusMs }),
      ...(options.proxies && { proxies: options.proxies }),
      disk: {
        read: (unit, path) => this.#fleet.machine(unit).readFile(path),
        write: (unit, path, text) => this.#fleet.machine(unit).writeFile(path, text),
      },
    });
    this.#happenings = new Happenings(this.juju, join(this.directory, 'log'));
    this.events = this.#happenings.events;
    this.records = this.#happenings.records;
    this.log = this.#happenings.log;
    this.#fleet = new Fleet({
      options,
      juju: this.juju,
      clock,
      happenings: this.#happenings,
      directory: this.directory,
      sockets: this.#sockets,
      applications: () => this.applications(),
      charmDirectory: (application) => this.charmDirectory(application),
      played: (application) => this.#played.get(application),
    });
  }

  /** The folder that is the shared volume. */
  get volume(): string {
    return join(this.directory, 'volume');
  }

  /** As `juju deploy`. A resource's path is what `resource-get` prints. */
  deploy(application: string, options: Omit<DeployOptions, 'address'> = {}): void {
    const charm = this.charm();
    const rootOf = (number: number): string => this.#fleet.rootOf(`${application}/${number}`);
    this.operate((juju) => {
      juju.deploy(application, charm.files, {
        ...options,
        storage: rootedStorage(charm.files, options.storage ?? {}, rootOf),
        address: (number) => this.#addressOf(`${application}/${number}`),
      });
      this.#charms.set(application, charm);
    });
  }

  /** As `juju deploy` of another charm, which is called in this process, and whose units have no machines: what there is beside the
   * charm that the lab is for. */
  play(application: string, charm: Charm, options: DeployOptions = {}): void {
    this.operate((juju) => {
      juju.deploy(application, charmFiles(charm), options);
      this.#played.set(application, charm);
    });
  }

  /** The new unit's name. */
  addUnit(application: string, options?: { machine?: string }): string {
    return this.operate((juju) => juju.addUnit(application, options));
  }

  removeUnit(unit: string, options?: { force?: boolean }): void {
    this.operate((juju) => juju.removeUnit(unit, options));
  }

  configure(application: string, values: Record<string, string | number | boolean>): void {
    this.operate((juju) => juju.configure(application, values));
  }

  /** Each unit unpacks the charm when its upgrade-charm begins. */
  refresh(application: string, charmDirectory: string, options?: { force?: boolean }): void {
    const charm = readCharm(charmDirectory);
    this.operate((juju) => {
      juju.refresh(application, charm.files, options);
      this.#charms.set(application, charm);
    });
  }

  /** Resolves when the action has ended. */
  async runAction(
    unit: string,
    name: string,
    params: Record<string, ActionValue> = {},
  ): Promise<ActionRecord> {
    const record = this.operate((juju) => juju.runAction(unit, name, params));
    await this.#happenings.waitFor(() => record.status !== 'pending' && record.status !== 'running');
    return record;
  }

  /** Runs a script in the unit's context, as `juju-exec` from a terminal on its machine. */
  execIn(unit: string, script: string): Promise<ToolAnswer> {
    return this.#fleet.runExec({ unit, script });
  }

  /** Cuts the power of the unit's machine. */
  kill(unit: string): Promise<void> {
    return this.#fleet.cutPower(unit);
  }

  /** Switches a machine on that `kill` switched off. */
  boot(unit: string): Promise<void> {
    return this.#fleet.boot(unit);
  }

  /** Shuts the machine down in order, and boots it. */
  reboot(unit: string): Promise<void> {
    return this.#fleet.reboot(unit);
  }

  /** Stops all processes of the unit, its agent included, until `thaw`. */
  freeze(unit: string): void {
    this.#fleet.freeze(unit);
  }

  thaw(unit: string): void {
    this.#fleet.thaw(unit);
  }

  /** The machine loses the controller until `heal`: what runs goes on, its tools get no answer, nothing new begins. Other
   * networks are the machine's own affair. */
  partition(unit: string): void {
    this.operate((juju) => juju.partition(unit));
  }

  heal(unit: string): void {
    this.operate((juju) => juju.heal(unit));
  }

  /** Ends the unit's agent, and what it runs with it, until `agentUp`; its services run on. */
  agentDown(unit: string): void {
    this.#fleet.stopAgent(unit);
  }

  agentUp(unit: string): void {
    this.#fleet.startAgent(unit);
  }

  setLeader(unit: string): void {
    this.operate((juju) => juju.setLeader(applicationOf(unit), unit));
  }

  /** Any other command of an operator, such as `(juju) => juju.resolve('app/0', { retry: true })`. */
  operate<Result>(command: (juju: FakeJuju) => Result): Result {
    const result = command(this.juju);
    this.#fleet.follow();
    return result;
  }

  /** Mounts the volume, or another folder in its place. */
  mountVolume(unit: string, options: { directory?: string; readOnly?: boolean } = {}): void {
    this.#fleet.mountVolume(unit, options);
  }

  /** Leaves an empty, writable folder where the volume was. */
  unmountVolume(unit: string): void {
    this.unit(unit).root.unmount();
  }

  /** Adds variables to the environment of the unit's next hook, action or juju-exec only. */
  nextHookEnvironment(unit: string, extra: Record<string, string>): void {
    this.#fleet.nextEnvironment(unit, extra);
  }

  status(): ReturnType<FakeJuju['status']> {
    return this.juju.status();
  }

  /** What the unit's service has printed, as journalctl shows it. */
  async journal(unit: string, service: string): Promise<string> {
    return (await this.unit(unit).systemd.command('journalctl', ['-u', service, '--no-pager'])).stdout;
  }

  applications(): string[] {
    return [...this.#charms.keys(), ...this.#played.keys()];
  }

  unitNames(): string[] {
    return this.#fleet.names();
  }

  unit(name: string): LabUnit {
    return this.#fleet.unit(name);
  }

  /** The one that `deploy` deploys. */
  charm(): { directory: string; files: CharmFiles } {
    return readCharm(this.#options.charm.directory);
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
    const unrest = (): string[] => this.#fleet.unrest();
    await this.waitFor(
      () => unrest().length === 0,
      options.timeoutMs,
      () => unrest().join('; '),
    );
  }

  /** Resolves once `predicate` holds; it is asked again after every change. LabError after `timeoutMs`, which says what
   * `describe` says then. */
  waitFor(predicate: () => boolean, timeoutMs = 60_000, describe?: () => string): Promise<void> {
    return this.#happenings.waitFor(predicate, { timeoutMs, ...(describe && { describe }) });
  }

  /** Lets other terminals in (`askLab`). `onStop`: when somebody types `stop`; closes the lab by default. */
  async openControl(onStop: () => void = () => void this.close()): Promise<void> {
    this.#control = await serveControl(this, { socket: join(this.#sockets, 'control'), onStop });
  }

  /** Ends everything that the lab started, whatever became of it. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#control?.close();
      this.#happenings.end();
      await this.#fleet.close();
      await this.#watcher.end();
      rmSync(controlFile(this.directory), { force: true });
    })();
    return this.#closed;
  }

  #addressOf(unit: string): string {
    return this.#options.machines?.address(unit) ?? this.#addresses.of(unit);
  }

  #charmOf(application: string): UnpackedCharm {
    const charm = this.#charms.get(application);
    if (charm !== undefined) return charm;
    throw new LabError(
      `no application "${application}"; there are: ${this.applications().join(', ') || 'none'}`,
    );
  }
}
