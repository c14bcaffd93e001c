// Starts the processes of services and finds them again: a mark in the environment and the session stand in for a control group.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Exit } from './exit.ts';
import { isMissing, readIfThere } from './unit-file.ts';

/** Names machine and unit in the environment of every process, `<root>|<unit>`; what forks inherits it. */
const mark = 'SYSTEMD_LAB_UNIT';

export interface RunningProcess {
  /** 0 when the program could not be started. */
  pid: number;
  /** Once the program runs, or once it is known that it cannot: then with the reason. */
  started: Promise<Error | undefined>;
  exited: Promise<Exit>;
  /** Until it is known, undefined. */
  exit: Exit | undefined;
}

export interface Launch {
  program: string;
  argv: readonly string[];
  environment: Readonly<Record<string, string>>;
  directory: string;
  user?: { uid: number; gid: number } | undefined;
  onLine(line: string): void;
}

/** Starts a program in a session of its own, so that no terminal and no signal of the lab's reaches it. */
export function launch(machine: string, unit: string, wanted: Launch): RunningProcess {
  const [argv0 = wanted.program, ...args] = wanted.argv;
  const child = spawn(wanted.program, args, {
    argv0,
    cwd: wanted.directory,
    env: { ...wanted.environment, [mark]: `${machine}|${unit}` },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(wanted.user ?? {}),
  });
  readLines(child.stdout, wanted.onLine);
  readLines(child.stderr, wanted.onLine);
  return watch(child);
}

function watch(child: ChildProcess): RunningProcess {
  const running: RunningProcess = {
    pid: child.pid ?? 0,
    exit: undefined,
    started: new Promise((resolve) => {
      child.once('spawn', () => resolve(undefined));
      child.once('error', (error) => resolve(error));
    }),
    exited: new Promise((resolve) => {
      const ended = (exit: Exit) => {
        running.exit ??= exit;
        resolve(running.exit);
      };
      child.once('exit', (code, signal) => ended({ code, signal }));
      // systemd.exec(5): 203/EXEC, the program could not be executed; 200/CHDIR and others are not told apart by Node.
      child.once('error', () => child.pid === undefined && ended({ code: 203, signal: null }));
    }),
  };
  return running;
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream === null) return;
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
}

export interface FoundProcess {
  pid: number;
  parent: number;
  session: number;
  /** The mark's value; undefined where the environment cannot be read or was wiped. */
  mark: string | undefined;
  command: string;
  /** Ticks from boot to its start: tells it from a later process with the same id. */
  startTicks: number;
}

/** All living processes that can be seen, zombies apart (an init that reaps late leaves many). */
export function scanProcesses(): FoundProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const found = inspect(Number(name));
    return found === undefined ? [] : [found];
  });
}

function inspect(pid: number): FoundProcess | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const close = stat.lastIndexOf(')'); // the command's name may hold anything
  const fields = stat.slice(close + 2).split(' '); // from the third on (proc(5))
  const [state, parent, , session] = fields;
  if (state === 'Z' || state === 'X') return undefined;
  return {
    pid,
    parent: Number(parent),
    session: Number(session),
    mark: readMark(pid),
    command: stat.slice(stat.indexOf('(') + 1, close),
    startTicks: Number(fields[19]),
  };
}

function readMark(pid: number): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    return environment
      .split('\0')
      .find((entry) => entry.startsWith(`${mark}=`))
      ?.slice(mark.length + 1);
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'EACCES'))
      return undefined;
    throw error;
  }
}

/** How often the end of processes is looked for that are not children of this one: no event tells of it. */
const pollMs = 20;

export function nextLook(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pollMs));
}

/** The processes of one unit, which systemd would know by their control group. */
export class ProcessGroup {
  readonly #mark: string;
  readonly #sessions = new Set<number>();
  /** What was seen to be a member, by its id: when it started. */
  #seen = new Map<number, number>();

  constructor(machine: string, unit: string) {
    this.#mark = `${machine}|${unit}`;
  }

  /** A process started for the unit leads a session; what forks stays in it, unless it makes its own. */
  addSession(pid: number): void {
    if (pid > 0) this.#sessions.add(pid);
  }

  /** The living ones: by mark, by session, by having been one before, and, where a program wiped its environment, by a
   * parent that is one. Lost is only what wiped it, left its session and lost its parent before anybody looked. */
  members(): FoundProcess[] {
    const all = scanProcesses();
    const living = new Set(all.map(({ session }) => session));
    for (const session of this.#sessions) if (!living.has(session)) this.#sessions.delete(session);
    const members = new Map(all.filter((each) => this.#isOurs(each)).map((each) => [each.pid, each]));
    for (let before = -1; before !== members.size; ) {
      before = members.size;
      for (const each of all)
        if (members.has(each.parent) && each.mark === undefined) members.set(each.pid, each);
    }
    this.#seen = new Map([...members.values()].map(({ pid, startTicks }) => [pid, startTicks]));
    return [...members.values()];
  }

  #isOurs({ pid, mark, session, startTicks }: FoundProcess): boolean {
    return mark === this.#mark || this.#sessions.has(session) || this.#seen.get(pid) === startTicks;
  }

  /** SIGKILL to all, until none is left. */
  async kill(): Promise<void> {
    for (let left = this.members(); left.length > 0; left = this.members()) {
      for (const { pid } of left) signalProcess(pid, 'SIGKILL');
      await nextLook();
    }
  }
}

/** Sends a signal; a process that is gone by now is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, constants.signals[signal]);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Kills whatever an earlier lab, itself killed, has left running for `machine`. Returns how many. */
export function sweep(machine: string): number {
  const left = scanProcesses().filter((each) => each.mark?.startsWith(`${machine}|`));
  for (const each of left) signalProcess(each.pid, 'SIGKILL');
  return left.length;
}
