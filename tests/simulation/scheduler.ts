// Who goes on next: every operation of every simulated process asks here for its turn, exactly one goes on at a time, and
// time jumps only when nobody can. With one seed, the order of everything is one and the same.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Gunzip, gunzipSync } from 'node:zlib';
import type { Seeded } from 'juju-ts-ops/testing';

/** A running hook, action or wake-up: a process on a unit's machine. */
export class Process {
  readonly parked: Turn[] = [];
  readonly waits: Wait[] = [];
  /** Operations under way that will not answer before something is healed. */
  readonly hung: Turn[] = [];
  alive = true;
  /** Until when the machine gives it no time (ms); it is not dead, and will go on. */
  frozenUntil = 0;
  /** Virtual ms spent frozen or hung, which count for nobody's fault. */
  excusedMs = 0;
  readonly unit: string;
  readonly name: string;
  readonly id: number;
  readonly startedAt: number;
  /** The machine's wall clock, for code that looks at the global one. */
  readonly wallNow: () => number;

  constructor(unit: string, name: string, id: number, startedAt: number, wallNow: () => number) {
    this.unit = unit;
    this.name = name;
    this.id = id;
    this.startedAt = startedAt;
    this.wallNow = wallNow;
  }

  get busy(): boolean {
    return (
      this.alive && (this.parked.length > 0 || this.hung.length > 0 || this.waits.some((wait) => wait.counts))
    );
  }
}

export interface Turn {
  what: string;
  costMs: number;
  go: () => void;
}

interface Wait {
  at: number;
  /** A heartbeat's timer does not keep a process going. */
  counts: boolean;
  what: string;
  wake: () => void;
}

/** Something that may happen next. */
export interface Choice {
  process: Process | undefined;
  what: string;
  costMs: number;
  run: () => void;
}

const running = new AsyncLocalStorage<Process>();
const turnOfTheLoop = setImmediate;
const realNow = performance.now.bind(performance);
/** Real time in which a process may do what the simulation does not see (loading a module, a secret's private file). */
const unseenMs = 20_000;

export class Scheduler {
  now: number;
  steps = 0;
  readonly processes = new Set<Process>();
  /** The likelihood that the process that went last goes on. */
  readonly sticky: number;
  private readonly random: Seeded;
  private last: Process | undefined;
  private spawned = 0;

  constructor(random: Seeded, startMs: number, sticky: number) {
    this.random = random;
    this.now = startMs;
    this.sticky = sticky;
  }

  /** Runs `work` as a process; `ended` is called when it is over, unless it was killed. */
  spawn(
    unit: string,
    name: string,
    wallNow: () => number,
    work: (process: Process) => Promise<void>,
    ended: (process: Process, error: unknown) => void,
  ): Process {
    this.spawned += 1;
    const process = new Process(unit, name, this.spawned, this.now, wallNow);
    this.processes.add(process);
    const end = (error: unknown) => {
      if (!process.alive) return;
      process.alive = false;
      this.processes.delete(process);
      ended(process, error);
    };
    running.run(process, () => {
      void work(process).then(
        () => end(undefined),
        (error: unknown) => end(error),
      );
    });
    return process;
  }

  /** SIGKILL: nothing of it goes on, no `finally` runs. */
  kill(process: Process): void {
    process.alive = false;
    process.parked.length = 0;
    process.waits.length = 0;
    process.hung.length = 0;
    this.processes.delete(process);
  }

  /** Resolves when it is this operation's turn; never when the process is dead. */
  turn(process: Process, what: string, costMs = 1): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (process.alive) process.parked.push({ what, costMs, go: resolve });
    return promise;
  }

  /** Resolves when `release` has put it back among those whose turn may come. */
  hang(process: Process, what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (process.alive) process.hung.push({ what, costMs: 1, go: resolve });
    return promise;
  }

  /** What hung goes on, when its turn comes. */
  release(process: Process): void {
    process.parked.push(...process.hung.splice(0));
  }

  wait(process: Process, ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!process.alive) return promise;
    const wait: Wait = {
      at: Math.ceil(this.now + Math.max(ms, 0)),
      counts: true,
      what: `waited ${Math.round(ms)} ms`,
      wake: resolve,
    };
    process.waits.push(wait);
    const abort = () => {
      if (!take(process.waits, wait)) return;
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }

  /** What may go on now, in an order that depends on nothing but the history. */
  ready(): Choice[] {
    const choices: Choice[] = [];
    for (const process of this.processes) {
      if (process.frozenUntil > this.now) continue;
      for (const turn of process.parked) {
        choices.push({
          process,
          what: turn.what,
          costMs: turn.costMs,
          run: () => void (take(process.parked, turn) && turn.go()),
        });
      }
      for (const wait of process.waits) {
        if (wait.at > this.now) continue;
        choices.push({
          process,
          what: wait.what,
          costMs: 0,
          run: () => void (take(process.waits, wait) && wait.wake()),
        });
      }
    }
    return choices;
  }

  /** Where the one that would go on does not: then nothing is drawn. */
  schedule: readonly number[] | undefined;
  /** Steps so far at which, by the schedule, another could have gone on. */
  places = 0;

  pick(choices: readonly Choice[]): Choice | undefined {
    if (this.schedule !== undefined) return this.scheduled(this.schedule, choices);
    const mine = choices.filter((each) => each.process !== undefined && each.process === this.last);
    const from = mine.length > 0 && this.random.next() < this.sticky ? mine : choices;
    return this.random.pick(from);
  }

  /** The process that went last goes on, else the first; at a place of the schedule, the first other one. */
  private scheduled(schedule: readonly number[], choices: readonly Choice[]): Choice | undefined {
    const usual =
      choices.find((each) => each.process !== undefined && each.process === this.last) ?? choices[0];
    const other = choices.find((each) => each.process !== usual?.process || each.process === undefined);
    if (usual === undefined || other === undefined || other === usual) return usual;
    if (isOwnBusiness(usual.what)) return usual;
    this.places += 1;
    return schedule.includes(this.places - 1) ? other : usual;
  }

  /** Lets the choice happen, and returns when nothing goes on any more by itself. */
  async take(choice: Choice): Promise<void> {
    this.steps += 1;
    this.now += choice.costMs;
    this.last = choice.process;
    choice.run();
    await this.quiet();
  }

  async quiet(): Promise<void> {
    await oneTurn();
    for (const process of this.processes) {
      if (process.busy) continue;
      for (const since = realNow(); process.alive && !process.busy; ) {
        if (realNow() - since > unseenMs)
          throw new Error(`${process.unit} ${process.name} waits for something outside of the simulation`);
        await oneTurn();
      }
    }
  }

  /** The next moment at which a process may go on by time alone. */
  nextTime(): number | undefined {
    const times: number[] = [];
    for (const process of this.processes) {
      const moments = process.waits.map((wait) => wait.at);
      if (process.parked.length > 0) moments.push(this.now);
      for (const at of moments) times.push(Math.max(at, process.frozenUntil));
    }
    const later = times.filter((at) => at > this.now);
    return later.length === 0 ? undefined : Math.min(...later);
  }
}

/** What no other unit can tell: that another goes on before it is the same as that it goes on before the next operation. */
function isOwnBusiness(what: string): boolean {
  const [, path] =
    /^(?:read|readdir|readlink|stat|lstat|open|write|fsync|mkdir|create|unlink|chmod|chown|rename) (\S+)/.exec(
      what,
    ) ?? [];
  if (path !== undefined)
    return !what.includes(' /var/lib/concourse/') && !what.endsWith(' /var/lib/concourse');
  return /^(dispatch|juju-log|config-get|network-get|opened-ports|mounts|systemctl show|timer|waited)\b/.test(
    what,
  );
}

const oneTurn = () => new Promise<void>((resolve) => void turnOfTheLoop(resolve));

function take<T>(list: T[], item: T): boolean {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
}

/** While a simulation runs, timers and the global clock are the running process's, and nothing is unpacked on another
 * thread: proper-lockfile's heartbeats then beat in virtual time. Undone by the function returned. */
export function takeOverGlobals(scheduler: Scheduler): () => void {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const dateNow = Date.now;
  const timers = new Map<object, { process: Process; wait: Wait }>();
  const later = (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): object => {
    const handle = { unref: () => handle, ref: () => handle, hasRef: () => false };
    const process = running.getStore();
    if (process?.alive !== true) return handle;
    const wait: Wait = {
      at: Math.ceil(scheduler.now + Math.max(ms, 1)),
      counts: false,
      what: 'timer',
      wake: () => {
        timers.delete(handle);
        running.run(process, () => act(...args));
      },
    };
    process.waits.push(wait);
    timers.set(handle, { process, wait });
    return handle;
  };
  const never = (handle: unknown): void => {
    const found = typeof handle === 'object' && handle !== null ? timers.get(handle) : undefined;
    if (found !== undefined) take(found.process.waits, found.wait);
  };
  const refuse = () => {
    throw new Error('setInterval in a simulation');
  };
  Object.assign(globalThis, {
    setTimeout: later,
    clearTimeout: never,
    setInterval: refuse,
    clearInterval: never,
  });
  Date.now = () => running.getStore()?.wallNow() ?? scheduler.now;
  const unzip = unpackAtOnce();
  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    Date.now = dateNow;
    unzip();
  };
}

/** zlib works on a thread of its own, whose speed no seed decides: here the whole input is unpacked when it has come. */
function unpackAtOnce(): () => void {
  const prototype = Gunzip.prototype;
  const before = { _transform: prototype._transform, _flush: prototype._flush, _final: prototype._final };
  const inputs = new WeakMap<object, Buffer[]>();
  Object.assign(prototype, {
    _transform(this: Gunzip, chunk: Buffer, _encoding: string, done: () => void) {
      inputs.set(this, [...(inputs.get(this) ?? []), chunk]);
      done();
    },
    _flush(this: Gunzip, done: (error?: unknown) => void) {
      try {
        this.push(gunzipSync(Buffer.concat(inputs.get(this) ?? [])));
        done();
      } catch (error) {
        done(error);
      }
    },
    _final(this: Gunzip, done: () => void) {
      done();
    },
  });
  return () => Object.assign(prototype, before);
}
