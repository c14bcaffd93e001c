// One start of a service: its invocation, its environment, its main process, and the commands run around that.
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseEnvironmentFile } from './environment-file.ts';
import { describeExit, type Exit, type Failure, failureOf, isClean, type Result } from './exit.ts';
import type { Machine } from './machine.ts';
import { launch, type ProcessGroup, type RunningProcess, scanProcesses, signalProcess } from './processes.ts';
import type { CommandKey, ServiceCommand, ServiceSettings } from './settings.ts';
import { readIfThere } from './unit-file.ts';
import { expandVariables } from './words.ts';

/** What became of a job; `canceled` when a stop came in between. */
export type JobResult = 'done' | 'canceled' | Failure;

export class Run {
  readonly invocation = randomUUID().replaceAll('-', '');
  readonly started = Promise.withResolvers<JobResult>();
  readonly stopped = Promise.withResolvers<void>();
  main: RunningProcess | undefined;
  control: RunningProcess | undefined;
  /** How the main process ended, once that has been judged. */
  lastExit: Exit | undefined;
  stopWanted = false;
  /** Power was cut: nothing more happens. */
  over = false;
  readonly #machine: Machine;
  readonly #name: string;
  readonly #settings: ServiceSettings;
  readonly #group: ProcessGroup;
  #environment: Record<string, string> = {};

  constructor(machine: Machine, name: string, settings: ServiceSettings, group: ProcessGroup) {
    this.#machine = machine;
    this.#name = name;
    this.#settings = settings;
    this.#group = group;
  }

  get mainPid(): number {
    return this.main === undefined || this.main.exit !== undefined ? 0 : this.main.pid;
  }

  get controlPid(): number {
    return this.control === undefined || this.control.exit !== undefined ? 0 : this.control.pid;
  }

  /** Environment= first, then the files, later over earlier, less what UnsetEnvironment= names (systemd.exec(5)); and whom
   * to run as. */
  prepare(): Failure | undefined {
    const environment: Record<string, string> = {
      ...this.#machine.environment,
      INVOCATION_ID: this.invocation,
      ...Object.fromEntries(this.#settings.environment),
    };
    for (const { path, optional } of this.#settings.environmentFiles) {
      const text = readIfThere(path);
      if (text === undefined && !optional) {
        this.say(4, `${this.#name}: Failed to load environment files: No such file or directory (${path})`);
        this.say(4, `${this.#name}: Failed to run 'start' task: No such file or directory`);
        return 'resources';
      }
      const { assignments, ignored } = parseEnvironmentFile(text ?? '');
      Object.assign(environment, Object.fromEntries(assignments));
      for (const key of ignored)
        this.say(4, `${this.#name}: Ignoring invalid environment assignment '${key}=…': ${path}`);
    }
    for (const unset of this.#settings.unsetEnvironment) {
      const [key = ''] = unset.split('=');
      if (unset === key || environment[key] === unset.slice(key.length + 1)) delete environment[key];
    }
    this.#environment = environment;
    if (this.#machine.account(this.#settings) !== 'missing') return undefined;
    this.say(3, `${this.#name}: Failed to determine user credentials: No such process`);
    this.lastExit = { code: 217, signal: null }; // 217/USER
    return 'exit-code';
  }

  /** Starts the main process. 203/EXEC: it could not be executed. */
  async startMain(command: ServiceCommand): Promise<Failure | undefined> {
    this.main = this.#launch(command, {});
    if ((await this.main.started) === undefined) return undefined;
    this.lastExit = { code: 203, signal: null };
    return 'exit-code';
  }

  /** Runs the commands of `key` one after another; the first that fails ends it. `result` is what ExecStopPost= is told. */
  async runCommands(
    key: CommandKey,
    timeoutMs: number,
    result: Result = 'success',
  ): Promise<Failure | undefined> {
    for (const command of this.#settings.commands[key]) {
      if (this.over) return 'signal';
      const { exit, late } = await this.#runControl(
        command,
        this.#controlEnvironment(key, result),
        timeoutMs,
      );
      if (late) {
        this.say(4, `${this.#name}: ${key} timed out. Killing.`);
        return 'timeout';
      }
      if (key === 'ExecStart') this.lastExit = exit;
      if (isClean(exit, []) || command.ignoreFailure) continue;
      if (!this.over) this.say(5, `${this.#name}: Control process exited, ${describeExit(exit)}`);
      return failureOf(exit);
    }
    return undefined;
  }

  async #runControl(command: ServiceCommand, extra: Record<string, string>, timeoutMs: number) {
    const control = this.#launch(command, extra);
    this.control = control;
    let late = false;
    const cancel = this.#machine.clock.setTimer(timeoutMs, () => {
      late = true;
      this.killControl();
    });
    const exit = await control.exited;
    cancel();
    this.control = undefined;
    return { exit, late };
  }

  /** Kills the control process with all that it started in its session. */
  killControl(): void {
    const session = this.controlPid;
    if (session === 0) return;
    for (const each of scanProcesses()) if (each.session === session) signalProcess(each.pid, 'SIGKILL');
  }

  say(priority: number, message: string): void {
    const entry = { unit: this.#name, invocation: this.invocation, priority, message };
    this.#machine.log({ ...entry, from: 'systemd', pid: 1, identifier: 'systemd' });
  }

  #launch(command: ServiceCommand, extra: Record<string, string>): RunningProcess {
    const environment = { ...this.#environment, ...extra };
    const account = this.#machine.account(this.#settings);
    const entry = {
      unit: this.#name,
      from: 'service' as const,
      invocation: this.invocation,
      identifier: this.#settings.identifier ?? basename(command.path),
      priority: 6,
    };
    const running = launch(this.#machine.root, this.#name, {
      program: this.#machine.findProgram(command.path),
      argv: command.expand ? expandVariables(command.words, environment) : command.words,
      environment,
      directory: this.#directory(),
      user: account === 'missing' ? undefined : account,
      onLine: (message) => this.#machine.log({ ...entry, pid: running.pid, message }),
    });
    this.#group.addSession(running.pid);
    void running.started.then((error) => {
      if (error) this.say(3, `${this.#name}: Failed at step EXEC spawning ${command.path}: ${error.message}`);
    });
    return running;
  }

  #directory(): string {
    const wanted = this.#settings.workingDirectory;
    if (wanted === undefined) return '/';
    const there = statSync(wanted.path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    return there || !wanted.optional ? wanted.path : '/';
  }

  #controlEnvironment(key: CommandKey, result: Result): Record<string, string> {
    const main: Record<string, string> = this.mainPid > 0 ? { MAINPID: String(this.mainPid) } : {};
    if (key !== 'ExecStop' && key !== 'ExecStopPost') return main;
    const exit = this.lastExit ?? this.main?.exit;
    if (exit === undefined) return { ...main, SERVICE_RESULT: result };
    const status = exit.signal === null ? String(exit.code) : exit.signal.slice(3);
    return {
      ...main,
      SERVICE_RESULT: result,
      EXIT_CODE: exit.signal === null ? 'exited' : 'killed',
      EXIT_STATUS: status,
    };
  }
}
