// One unit's machine: its root, its services, its agent and its tools, and the power switch.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FakeJuju, HookContext, Operation } from 'juju-ts-ops/testing';
import { unpackCharm } from './charm.ts';
import { type LabClock, PausableClock } from './clock.ts';
import { type ExecRequest, parseJujuExec } from './juju-exec.ts';
import { rootVariable, signalAll } from './processes.ts';
import type { HookRecord } from './records.ts';
import { MachineRoot } from './root.ts';
import { Systemd } from './systemd/index.ts';
import { hostCommands, writeToolFolders } from './tools/folder.ts';
import { serveTools, type ToolAnswer, type ToolCall } from './tools/server.ts';
import { Uniter } from './uniter.ts';

export interface UnitSurroundings {
  juju: FakeJuju;
  clock: LabClock;
  node: string;
  /** `<lab>/units/<app>-<n>` */
  folder: string;
  socket: string;
  /** The unpacked charm that its application has now. */
  charmDirectory(): string;
  /** For services; hooks get it by `environment`. */
  extraEnvironment: Record<string, string>;
  environment(operation: Operation): Record<string, string>;
  /** The units on the same machine, this one included. */
  onMachine(): string[];
  runExec(request: ExecRequest): Promise<ToolAnswer>;
  onStart(record: HookRecord): void;
  onEnd(record: HookRecord, reboots: boolean): void;
  onLine(level: string, text: string): void;
  onService(service: string, state: string): void;
  onChange(): void;
}

/** What runs a unit's operations, as the lab drives it. */
export type Agent = Pick<Uniter, 'current' | 'start' | 'stop' | 'kill' | 'ended' | 'wake'>;

/** A unit's machine as the lab drives it: whatever it consists of. */
export interface UnitMachine {
  readonly name: string;
  readonly uniter: Agent;
  readonly power: 'on' | 'off' | 'frozen';
  cutPower(): Promise<void>;
  shutDown(): Promise<void>;
  boot(): Promise<void>;
  freeze(): void;
  thaw(): void;
  timersUnderWay(): string[];
  readFile(path: string): string | undefined;
  writeFile(path: string, text: string): void;
  close(): Promise<void>;
}

export class LabUnit implements UnitMachine {
  readonly name: string;
  readonly root: MachineRoot;
  readonly systemd: Systemd;
  readonly uniter: Uniter;
  readonly charmDirectory: string;
  power: 'on' | 'off' | 'frozen' = 'on';
  readonly #around: UnitSurroundings;
  readonly #server: { close(): void };
  readonly #timers = new PausableClock();
  /** Which revision of the charm lies in the charm's folder. */
  #unpacked: number | undefined;

  constructor(name: string, around: UnitSurroundings) {
    this.name = name;
    this.#around = around;
    this.charmDirectory = join(around.folder, 'charm');
    this.root = new MachineRoot(join(around.folder, 'root'));
    const folders = { tools: join(around.folder, 'tools'), bin: join(this.root.path, 'usr/bin') };
    writeToolFolders(folders, around);
    const basePath = process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const marked = { [rootVariable]: this.root.path };
    this.systemd = this.#startSystemd({ ...around.extraEnvironment, ...marked }, folders.bin);
    this.uniter = new Uniter({
      juju: around.juju,
      clock: around.clock,
      unit: name,
      charmDirectory: this.charmDirectory,
      socket: around.socket,
      temporary: join(this.root.path, 'tmp'),
      environment: (operation) => ({
        CHARM_DIR: this.charmDirectory,
        JUJU_CHARM_DIR: this.charmDirectory,
        JUJU_AGENT_SOCKET_ADDRESS: around.socket,
        JUJU_AGENT_SOCKET_NETWORK: 'unix',
        PATH: `${folders.tools}:${folders.bin}:${basePath}`,
        ...around.environment(operation),
        ...marked,
      }),
      prepare: (context) => this.#prepare(context),
      onStart: around.onStart,
      onEnd: around.onEnd,
      onLine: (stream, record, line) => {
        around.onLine(stream === 'stdout' ? 'DEBUG' : 'WARNING', `${record.name}: ${line}`);
      },
      onChange: around.onChange,
    });
    this.#server = serveTools(around.socket, (call, stdin) => this.#answer(call, stdin));
  }

  /** Cuts the power: every process of the unit dies at once, whatever it was doing. */
  async cutPower(): Promise<void> {
    this.power = 'off';
    this.uniter.stop();
    signalAll(this.root.path, 'SIGKILL');
    await this.systemd.cut();
    this.#timers.resume();
    // What a dying service's supervisor had started last.
    signalAll(this.root.path, 'SIGKILL');
    await this.uniter.ended();
  }

  /** Shuts down as an operator's `reboot` does: the agent goes with what it runs, then services are stopped their way. */
  async shutDown(): Promise<void> {
    this.uniter.stop();
    this.uniter.kill();
    await Promise.all([...this.systemd.services.values()].map(({ service }) => service.stop()));
    await this.cutPower();
  }

  /** A new boot id, and enabled services start. The agent comes up with `uniter.start`. */
  async boot(): Promise<void> {
    this.root.boot();
    this.power = 'on';
    await this.systemd.boot();
  }

  /** Stops every process where it stands, the agent included; timers do not fire meanwhile. */
  freeze(): void {
    this.power = 'frozen';
    this.uniter.stop();
    this.#timers.pause();
    signalAll(this.root.path, 'SIGSTOP');
  }

  thaw(): void {
    this.power = 'on';
    signalAll(this.root.path, 'SIGCONT');
    this.#timers.resume();
    this.uniter.start();
  }

  /** Commands of timers that are under way, or are to be repeated because they failed. */
  timersUnderWay(): string[] {
    return [...this.systemd.timers.values()].filter(({ sub }) => sub === 'running').map(({ name }) => name);
  }

  /** Of `--file`: relative to the charm's folder, where hooks run. undefined when it is not there. */
  readFile(path: string): string | undefined {
    const absolute = resolve(this.charmDirectory, path);
    return existsSync(absolute) ? readFileSync(absolute, 'utf8') : undefined;
  }

  /** Of `--output`. */
  writeFile(path: string, text: string): void {
    writeFileSync(resolve(this.charmDirectory, path), text);
  }

  /** Ends the machine for good. Its folder stays, to be looked at. */
  async close(): Promise<void> {
    await this.cutPower();
    this.#server.close();
  }

  #prepare({ charmRevision, env }: HookContext): void {
    if (charmRevision !== this.#unpacked) {
      unpackCharm(this.#around.charmDirectory(), this.charmDirectory);
      this.#unpacked = charmRevision;
    }
    const location = env.JUJU_STORAGE_LOCATION;
    if (location?.startsWith(`${this.root.path}/`)) mkdirSync(location, { recursive: true });
  }

  async #answer(call: ToolCall, stdin: string | undefined): Promise<ToolAnswer> {
    const command = hostCommands.find((name) => name === call.tool);
    if (command === undefined) return this.uniter.answer(call, stdin);
    return command === 'juju-exec' ? this.#jujuExec(call) : this.systemd.command(command, call.argv);
  }

  async #jujuExec(call: ToolCall): Promise<ToolAnswer> {
    const parsed = parseJujuExec(call.argv, call.contextId, this.#around.onMachine());
    if ('refused' in parsed) return { code: parsed.code, stdout: '', stderr: `ERROR ${parsed.refused}\n` };
    return this.#around.runExec(parsed.request);
  }

  #startSystemd(environment: Record<string, string>, bin: string): Systemd {
    return new Systemd({
      root: this.root.path,
      journalDirectory: join(this.#around.folder, 'journal'),
      clock: this.#timers,
      path: [bin],
      environment,
      programs: Object.fromEntries(hostCommands.map((name) => [`/usr/bin/${name}`, join(bin, name)])),
      // Told in the midst of the change: who asks the supervisor then would hear of the state before.
      onChange: ({ name, active }) => queueMicrotask(() => this.#around.onService(name, active)),
    });
  }
}
