// One service: its state machine after systemd's service.c, one coroutine for each start, over real processes.
import {
  describeExit,
  type Exit,
  type Failure,
  failureOf,
  isClean,
  type Result,
  wantsRestart,
} from './exit.ts';
import type { Machine } from './machine.ts';
import { type FoundProcess, nextLook, ProcessGroup, signalProcess } from './processes.ts';
import { type JobResult, Run } from './run.ts';
import type { ServiceSettings } from './settings.ts';

export type ActiveState = 'inactive' | 'activating' | 'active' | 'deactivating' | 'failed' | 'reloading';

export class Service {
  readonly name: string;
  settings: ServiceSettings;
  active: ActiveState = 'inactive';
  sub = 'dead';
  result: Result = 'success';
  restarts = 0;
  invocation = '';
  lastExit: Exit | undefined;
  changedMs = 0;
  /** Called at every change of state. */
  onChange: () => void = () => {};
  readonly #machine: Machine;
  readonly #group: ProcessGroup;
  #run: Run | undefined;
  #ended: Promise<void> = Promise.resolve();
  #cancelRestart: (() => void) | undefined;
  #starts: number[] = [];

  constructor(machine: Machine, name: string, settings: ServiceSettings) {
    this.#machine = machine;
    this.name = name;
    this.#group = new ProcessGroup(machine.root, name);
    this.settings = settings;
  }

  get mainPid(): number {
    return this.#run?.mainPid ?? 0;
  }

  /** At rest: stopped or failed, with no restart ahead. */
  get resting(): boolean {
    return this.active === 'inactive' || this.active === 'failed';
  }

  /** Its living processes, those included that an earlier run left behind. */
  processes(): FoundProcess[] {
    return this.#group.members();
  }

  async start(): Promise<JobResult> {
    if (this.#run?.stopWanted || this.active === 'deactivating') await this.#ended;
    this.#forgetRestart();
    if (this.#run === undefined) {
      this.restarts = 0;
      this.#begin();
    }
    return (await this.#run?.started.promise) ?? 'start-limit-hit';
  }

  /** Resolves when it has stopped. */
  async stop(): Promise<void> {
    if (this.#forgetRestart()) this.#enter('inactive', 'dead');
    const run = this.#run;
    if (run === undefined) return;
    if (!run.stopWanted) {
      run.stopWanted = true;
      if (this.active === 'activating') run.killControl();
      run.stopped.resolve();
    }
    await this.#ended;
  }

  async reload(): Promise<JobResult> {
    const run = this.#run;
    if (run === undefined || this.active !== 'active') return 'canceled';
    this.#enter('reloading', 'reload');
    const failure = await run.runCommands('ExecReload', this.settings.startTimeoutMs);
    if (this.sub === 'reload') this.#enter('active', 'running');
    if (failure === undefined) run.say(6, `Reloaded ${this.#title}.`);
    return failure ?? 'done';
  }

  /** Signals the main process, the control process, or all. False when there is no such process. */
  kill(signal: NodeJS.Signals, whom: 'main' | 'control' | 'all'): boolean {
    const one = whom === 'main' ? this.mainPid : (this.#run?.controlPid ?? 0);
    const pids = whom === 'all' ? this.processes().map(({ pid }) => pid) : [one].filter((pid) => pid > 0);
    for (const pid of pids) signalProcess(pid, signal);
    return pids.length > 0;
  }

  /** Power is cut: every process dies, nothing more is run, nothing is remembered. */
  async cut(): Promise<void> {
    this.#forgetRestart();
    const run = this.#run;
    if (run !== undefined) {
      run.over = true;
      run.stopped.resolve();
    }
    await this.#group.kill();
    await this.#ended;
    run?.started.resolve('canceled');
    this.#run = undefined;
    this.#starts = [];
    this.restarts = 0;
    this.invocation = '';
    this.result = 'success';
    this.#enter('inactive', 'dead');
  }

  resetFailed(): void {
    this.#starts = [];
    this.result = 'success';
    if (this.active === 'failed') this.#enter('inactive', 'dead');
  }

  get #title(): string {
    return `${this.name} - ${this.settings.description}`;
  }

  #begin(): void {
    const now = this.#machine.clock.now();
    const { startLimitBurst, startLimitIntervalMs } = this.settings;
    this.#starts = this.#starts.filter((time) => now - time < startLimitIntervalMs);
    const run = new Run(this.#machine, this.name, this.settings, this.#group);
    if (startLimitIntervalMs > 0 && startLimitBurst > 0 && this.#starts.length >= startLimitBurst) {
      run.say(4, `${this.name}: Start request repeated too quickly.`);
      run.say(3, `Failed to start ${this.#title}.`);
      this.result = 'start-limit-hit';
      this.#enter('failed', 'failed');
      return;
    }
    this.#starts.push(now);
    this.#run = run;
    this.invocation = run.invocation;
    this.result = 'success';
    this.lastExit = undefined;
    this.#ended = this.#live(run);
  }

  /** From the first ExecStartPre= to the last ExecStopPost=. */
  async #live(run: Run): Promise<void> {
    this.#enter('activating', 'start-pre');
    for (const { pid, command } of this.processes()) {
      run.say(
        4,
        `${this.name}: Found left-over process ${pid} (${command}) in control group while starting unit. Ignoring.`,
      );
    }
    const failure = await this.#bringUp(run);
    if (run.over) return;
    if (failure !== undefined) this.result = run.stopWanted ? 'success' : failure;
    else await this.#stayUp(run);
    if (!run.over) await this.#bringDown(run);
    if (run.over) return;
    this.#judge(run);
    this.#enter('deactivating', 'stop-post');
    await run.runCommands('ExecStopPost', this.settings.stopTimeoutMs, this.result);
    if (run.over) return;
    this.#run = undefined;
    this.#conclude(run);
    run.started.resolve(run.stopWanted ? 'canceled' : this.result === 'success' ? 'done' : this.result);
  }

  async #bringUp(run: Run): Promise<Failure | undefined> {
    const { commands, type, startTimeoutMs } = this.settings;
    const unprepared = run.prepare();
    if (unprepared !== undefined) return unprepared;
    if (commands.ExecStartPre.length > 0 || type === 'oneshot') run.say(6, `Starting ${this.#title}...`);
    const before = await run.runCommands('ExecStartPre', startTimeoutMs);
    if (before !== undefined || run.stopWanted || run.over) return before ?? 'signal';
    this.#enter('activating', 'start');
    if (type === 'oneshot') {
      const failure = await run.runCommands('ExecStart', startTimeoutMs);
      return failure ?? (await run.runCommands('ExecStartPost', startTimeoutMs));
    }
    const [command] = commands.ExecStart;
    if (command === undefined) return 'resources';
    const failure = await run.startMain(command);
    // Type=simple counts as started once forked (systemd.service(5)): it fails only after that.
    if (failure !== undefined && type === 'simple') run.started.resolve('done');
    return failure ?? (await run.runCommands('ExecStartPost', startTimeoutMs));
  }

  async #stayUp(run: Run): Promise<void> {
    const { type, remainAfterExit, commands, stopTimeoutMs } = this.settings;
    run.say(6, `${type === 'oneshot' ? 'Finished' : 'Started'} ${this.#title}.`);
    if (run.main !== undefined) {
      this.#enter('active', 'running');
      run.started.resolve('done');
      await Promise.race([run.stopped.promise, run.main.exited]);
      if (!run.stopWanted && !run.over) this.#judge(run);
    }
    if (remainAfterExit && this.result === 'success' && !run.stopWanted && !run.over) {
      this.#enter('active', 'exited');
      run.started.resolve('done');
      await run.stopped.promise;
    }
    if (run.stopWanted) run.say(6, `Stopping ${this.#title}...`);
    // A service that ends well by itself is asked to stop too, one that failed is not.
    if (run.over || this.result !== 'success' || commands.ExecStop.length === 0) return;
    this.#enter('deactivating', 'stop');
    this.result = (await run.runCommands('ExecStop', stopTimeoutMs)) ?? 'success';
  }

  /** Ends what still runs, as far as KillMode= reaches (systemd.kill(5)). */
  async #bringDown(run: Run): Promise<void> {
    const { killMode, killSignal, sendKill } = this.settings;
    this.processes(); // sees children while their parent still tells whose they are
    if (killMode === 'none') return;
    this.#enter('deactivating', 'stop-sigterm');
    const main = () => (run.mainPid > 0 ? [run.mainPid] : []);
    const all = () => this.processes().map(({ pid }) => pid);
    const first = killMode === 'control-group' ? all : main;
    await this.#signalUntilGone(run, killSignal, first);
    if (run.over || !sendKill) return;
    if (first().length > 0) {
      run.say(4, `${this.name}: State 'stop-sigterm' timed out. Killing.`);
      this.result = 'timeout';
    }
    this.#enter('deactivating', 'stop-sigkill');
    await this.#signalUntilGone(run, 'SIGKILL', killMode === 'process' ? main : all);
  }

  async #signalUntilGone(run: Run, signal: NodeJS.Signals, remaining: () => number[]): Promise<void> {
    const targets = remaining();
    if (targets.length === 0) return;
    let late = false;
    const cancel = this.#machine.clock.setTimer(this.settings.stopTimeoutMs, () => {
      late = true;
    });
    for (const pid of targets) {
      signalProcess(pid, signal);
      signalProcess(pid, 'SIGCONT'); // so that a suspended process can end too (systemd.kill(5))
    }
    // The main process may be seen to be gone a moment before its exit code is known.
    while (!late && !run.over && (remaining().length > 0 || run.mainPid > 0)) {
      await Promise.race([
        nextLook(),
        ...(run.mainPid > 0 && run.main !== undefined ? [run.main.exited] : []),
      ]);
    }
    cancel();
  }

  /** Takes the main process's end into the result, once. */
  #judge(run: Run): void {
    const exit = run.lastExit ?? run.main?.exit;
    if (exit === undefined || this.lastExit !== undefined) return;
    this.lastExit = exit;
    const clean = isClean(exit, this.settings.successStatus);
    if (!clean && this.result === 'success') this.result = failureOf(exit);
    if (!clean) run.say(5, `${this.name}: Main process exited, ${describeExit(exit)}`);
  }

  #conclude(run: Run): void {
    if (this.result === 'success') run.say(6, `${this.name}: Deactivated successfully.`);
    else run.say(4, `${this.name}: Failed with result '${this.result}'.`);
    if (run.stopWanted) run.say(6, `Stopped ${this.#title}.`);
    else if (wantsRestart(this.settings, this.result, this.lastExit)) {
      this.#enter('activating', 'auto-restart');
      this.#cancelRestart = this.#machine.clock.setTimer(this.settings.restartDelayMs, () =>
        this.#restart(run),
      );
      return;
    }
    if (this.result === 'success') this.#enter('inactive', 'dead');
    else this.#enter('failed', 'failed');
  }

  #restart(previous: Run): void {
    this.#cancelRestart = undefined;
    this.restarts += 1;
    previous.say(6, `${this.name}: Scheduled restart job, restart counter is at ${this.restarts}.`);
    this.#begin();
  }

  #forgetRestart(): boolean {
    const wasAhead = this.#cancelRestart !== undefined;
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    return wasAhead;
  }

  #enter(active: ActiveState, sub: string): void {
    this.active = active;
    this.sub = sub;
    this.changedMs = this.#machine.clock.now();
    this.onChange();
  }
}
