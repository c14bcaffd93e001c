// Several units of a charm on one fake Juju, in this process and in virtual time: one operation after the other, in an
// order across units that the seed chooses.
import { type Charm, charmFiles } from '../src/index.ts';
import type { CharmFiles } from './charm-files.ts';
import { Impossible } from './errors.ts';
import { FakeJuju } from './fake-juju.ts';
import type { DeployOptions } from './deploy.ts';
import { type Ran, runOperation } from './in-process.ts';
import type { ActionRecord, ActionValue, FakeJujuOptions, Operation } from './model.ts';
import { ownFiles } from './own-files.ts';
import { Seeded } from './seeded.ts';

export interface TestClock {
  /** ms since the epoch. */
  now(): number;
  advance(ms: number): void;
}

/** `revision` counts refreshes: 0 is the deployed charm. A unit may have a machine of its own. */
export type CharmFactory = (unit: string, revision: number) => Charm;

export interface ClusterOptions extends Omit<FakeJujuOptions, 'clock'> {
  charm: CharmFactory;
  /** By default what the charm's definition says. */
  files?: CharmFiles;
  clock?: TestClock;
  beforeTool?: (unit: string, tool: string, args: readonly string[]) => void;
}

/** A machine's timer: at `at` (ms) it runs the script on the unit by juju-exec. */
export interface Timer {
  at: number;
  unit: string;
  script: string;
}

export interface HistoryEntry {
  at: number;
  unit: string;
  /** The hook's or action's name, `run-commands`, or `timer` where a timer found no unit. */
  operation: string;
  outcome: Ran['outcome'];
  exitCode: number | undefined;
  reason?: string;
  /** The unit's status afterwards, `gone` when it is. */
  status: string;
  message: string;
  toolCalls: number;
}

export class Cluster {
  readonly juju: FakeJuju;
  readonly clock: TestClock;
  /** What fake machines register; due ones are taken off and run by `advance` and `settle`. */
  readonly timers: Timer[] = [];
  readonly history: HistoryEntry[] = [];
  readonly #options: ClusterOptions;
  readonly #random: Seeded;
  readonly #factories = new Map<string, CharmFactory>();
  readonly #start: number;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.clock = options.clock ?? standingClock();
    this.#start = this.clock.now();
    this.#random = new Seeded(options.seed);
    this.juju = new FakeJuju({ disk: ownFiles, ...options, clock: this.clock });
  }

  /** The charm of the constructor, or another one's. */
  deploy(app: string, options: DeployOptions & { charm?: CharmFactory; files?: CharmFiles } = {}): void {
    const { charm = this.#options.charm, files, ...rest } = options;
    const own = options.charm === undefined ? this.#options.files : undefined;
    this.#factories.set(app, charm);
    this.juju.deploy(app, files ?? own ?? charmFiles(charm(`${app}/0`, 0)), rest);
  }

  /** Runs one operation: of `unit`, or of one that the seed picks. undefined: nothing could run. */
  async step(unit?: string): Promise<HistoryEntry | undefined> {
    const ready: [string, Operation][] = [];
    for (const name of unit === undefined ? this.#units() : [unit]) {
      const operation = this.juju.next(name);
      if (operation) ready.push([name, operation]);
    }
    const picked = this.#random.pick(ready);
    return picked && this.#run(...picked);
  }

  /** Runs until every unit is idle. `retries`: failed hooks count as not idle, time jumps to their retry. */
  async settle(options: { maxHooks?: number; retries?: boolean } = {}): Promise<void> {
    const { maxHooks = 1_000, retries = false } = options;
    for (let ran = 0; ; ran += 1) {
      if (ran >= maxHooks) {
        throw new Error(`not settled after ${maxHooks} operations; the last of them:\n${this.trace(20)}`);
      }
      this.#fireTimers();
      if (await this.step()) continue;
      const retryAt = retries ? this.#earliestRetry() : undefined;
      if (retryAt === undefined) return;
      this.clock.advance(Math.max(retryAt - this.clock.now(), 0));
    }
  }

  /** Lets `ms` pass: timers, retries, update-status and leases on the way, each settled before time goes on. */
  async advance(ms: number, options: { maxHooks?: number } = {}): Promise<void> {
    const until = this.clock.now() + ms;
    for (;;) {
      await this.settle(options);
      const now = this.clock.now();
      const times = [
        ...this.timers.map((each) => each.at),
        ...this.#units().map((each) => this.juju.nextTime(each)),
      ];
      const due = times.filter((at) => at !== undefined).filter((at) => at > now && at <= until);
      if (due.length === 0) break;
      this.clock.advance(Math.min(...due) - now);
    }
    this.clock.advance(Math.max(until - this.clock.now(), 0));
    await this.settle(options);
  }

  /** Queues the action and lets the cluster run until it has its result. */
  async action(
    unit: string,
    name: string,
    params: Readonly<Record<string, ActionValue>> = {},
  ): Promise<ActionRecord> {
    const record = this.juju.runAction(unit, name, params);
    while (record.status === 'pending') {
      if (!(await this.step()))
        throw new Impossible(`${unit} does not get to the action ${name} (failed or away?)`);
    }
    return record;
  }

  /** The last `count` operations, one a line. */
  trace(count = Number.POSITIVE_INFINITY): string {
    return this.history
      .slice(-count)
      .map((each) => this.#line(each))
      .join('\n');
  }

  #line(entry: HistoryEntry): string {
    const { at, unit, operation, outcome, exitCode, reason, status, message } = entry;
    const seconds = ((at - this.#start) / 1000).toFixed(3).padStart(10);
    const end = outcome === 'committed' ? 'ok' : `${outcome} (${reason ?? exitCode ?? 'killed'})`;
    return `${seconds} ${unit} ${operation} ${end} ${status}${message === '' ? '' : `: ${message}`}`;
  }

  #units(): string[] {
    return [...this.juju.model.units.keys()];
  }

  async #run(unit: string, operation: Operation): Promise<HistoryEntry> {
    const app = unit.split('/')[0] ?? '';
    const factory = this.#factories.get(app);
    if (!factory) throw new Impossible(`${app} was not deployed by this cluster`);
    const { beforeTool } = this.#options;
    const charm = (revision: number) => factory(unit, revision);
    const ran = await runOperation(this.juju, unit, operation, {
      charm,
      wait: (ms) => this.clock.advance(ms),
      ...(beforeTool ? { beforeTool } : {}),
    });
    return this.#record(unit, operation.name, ran);
  }

  #record(unit: string, operation: string, ran: Omit<Ran, 'stderr'>): HistoryEntry {
    const there = this.juju.model.units.has(unit);
    const { status, message } = there ? this.juju.unitStatus(unit) : { status: 'gone', message: '' };
    const { outcome, exitCode, reason, calls } = ran;
    const entry: HistoryEntry = {
      at: this.clock.now(),
      unit,
      operation,
      outcome,
      exitCode,
      ...(reason === undefined ? {} : { reason }),
      status,
      message,
      toolCalls: calls.length,
    };
    this.history.push(entry);
    return entry;
  }

  /** A timer on a machine that is away, or of a unit that is gone, runs nothing. */
  #fireTimers(): void {
    const due = this.timers.filter((each) => each.at <= this.clock.now()).sort((a, b) => a.at - b.at);
    for (const timer of due) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      if (this.juju.model.units.get(timer.unit)?.agentUp) this.juju.exec(timer.unit, timer.script);
      else this.#record(timer.unit, 'timer', { outcome: 'lost', exitCode: undefined, calls: [] });
    }
  }

  #earliestRetry(): number | undefined {
    const times = this.#units().flatMap((name) => {
      const { agentUp, agent } = this.juju.model.units.get(name) ?? {};
      return agentUp && agent?.failed ? [agent.failed.retryAt] : [];
    });
    return times.length > 0 ? Math.min(...times) : undefined;
  }
}

/** Time that only `advance` moves. */
function standingClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}
