// One unit's agent: asks the fake Juju what to run, runs it as a process, answers the tools that it calls meanwhile, and
// tells the fake Juju how it ended. One operation at a time, as in Juju.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FakeJuju, HookContext, Operation } from 'juju-ts-ops/testing';
import { type ChildEnd, type ChildOptions, runChild } from './child.ts';
import type { LabClock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { HookRecord } from './records.ts';
import { findExecutable, isExecutable } from './tools/folder.ts';
import type { ToolAnswer, ToolCall } from './tools/server.ts';

/** What the agent needs of the unit's machine and of the lab around it. */
export interface UniterSurroundings {
  juju: FakeJuju;
  clock: LabClock;
  unit: string;
  charmDirectory: string;
  socket: string;
  /** Folder for scripts of juju-exec. */
  temporary: string;
  /** What is put on top of Juju's environment for this operation. */
  environment(operation: Operation): Record<string, string>;
  /** Called before an operation's process starts: puts the charm's files in place, makes the storage's folder. */
  prepare(context: HookContext): void | Promise<void>;
  /** Where the lab's own process finds a path of the unit's machine. By default machine and lab have one file system. */
  seen?(path: string): string;
  /** Starts a process on the unit's machine; by default as a child of the lab's own. */
  run?(command: string, args: readonly string[], options: ChildOptions): Promise<ChildEnd>;
  onStart(record: HookRecord): void;
  /** `reboots`: the charm has asked that the machine be rebooted now. */
  onEnd(record: HookRecord, reboots: boolean): void;
  /** A line that a hook printed. Those of actions and scripts go into their results. */
  onLine(stream: 'stdout' | 'stderr', record: HookRecord, line: string): void;
  /** A tool was answered. */
  onChange(): void;
}

interface Running {
  context: HookContext;
  record: HookRecord;
  /** Tool calls of one context are answered one after another. */
  tools: Promise<unknown>;
  done: Promise<void>;
  kill: AbortController;
  /** It asked for a reboot of the machine, once it has ended well. */
  rebootWanted: boolean;
}

export class Uniter {
  readonly #around: UniterSurroundings;
  #running: Running | undefined;
  #cancelTimer: (() => void) | undefined;
  #stopped = true;
  /** What waits for the controller. */
  #whenHealed: (() => void)[] = [];

  constructor(around: UniterSurroundings) {
    this.#around = around;
  }

  /** What runs now. */
  get current(): HookRecord | undefined {
    return this.#running?.record;
  }

  /** Lets the agent take up work; `stop` keeps it from beginning anything more. */
  start(): void {
    this.#stopped = false;
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Kills the process of the operation that runs now. */
  kill(): void {
    this.#running?.kill.abort();
  }

  /** Resolves when the operation that runs now has ended, and it has been recorded how. */
  async ended(): Promise<void> {
    await this.#running?.done;
  }

  /** Begins what there is to do, if anything; else sets the alarm for when there will be. */
  wake(): void {
    if (this.#running?.context.hangs !== true) for (const go of this.#whenHealed.splice(0)) go();
    if (this.#stopped || this.#running !== undefined) return;
    const { juju, unit, clock } = this.#around;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const operation = juju.next(unit);
    if (operation !== undefined) {
      this.#begin(operation);
      return;
    }
    const at = juju.nextTime(unit);
    if (at !== undefined) this.#cancelTimer = clock.at(at, () => this.wake());
  }

  /** Answers a hook tool, in Juju's words also where it refuses to. */
  async answer(call: ToolCall, stdin: string | undefined): Promise<ToolAnswer> {
    const refuse = (text: string): ToolAnswer => ({ code: 1, stdout: '', stderr: `ERROR ${text}\n` });
    if (call.contextId === '') return refuse('JUJU_CONTEXT_ID not set');
    const running = this.#running;
    // Juju's agent listens only while a context runs.
    if (running === undefined) {
      return refuse(`dial unix ${this.#around.socket}: connect: no such file or directory`);
    }
    if (call.contextId !== running.context.id)
      return refuse(`bad request: wrong context ID; got "${call.contextId}"`);
    running.record.toolCalls++;
    if (call.tool === 'juju-reboot' && running.record.kind !== 'action') {
      running.rebootWanted = true;
      if (call.argv.includes('--now')) running.kill.abort();
      return { code: 0, stdout: '', stderr: '' };
    }
    const answered = running.tools
      .then(() => this.#controller(running))
      .then(() => running.context.tool(call.tool, call.argv, stdin));
    running.tools = answered.catch(() => undefined);
    const answer = await answered;
    this.#around.onChange();
    return answer;
  }

  /** Resolves when the controller answers, or nobody waits any more. */
  #controller({ context }: Running): Promise<void> {
    if (!context.hangs) return Promise.resolve();
    return new Promise((resolve) => this.#whenHealed.push(resolve));
  }

  #begin(operation: Operation): void {
    const { juju, unit, onStart } = this.#around;
    const context = juju.begin(unit, operation);
    const record: HookRecord = {
      unit,
      kind: operation.kind,
      name: operation.name,
      started: Date.now(),
      ms: 0,
      toolCalls: 0,
      exit: undefined,
      signal: undefined,
      outcome: 'running',
    };
    const running: Running = {
      context,
      record,
      tools: Promise.resolve(),
      done: Promise.resolve(),
      kill: new AbortController(),
      rebootWanted: false,
    };
    this.#running = running;
    running.done = this.#carryOut(operation, running);
    onStart(record);
  }

  async #carryOut(operation: Operation, running: Running): Promise<void> {
    const { context, record } = running;
    const began = performance.now();
    const end = await this.#runProcess(operation, running);
    // With the controller away its tools wait for nobody.
    if (!context.hangs) await running.tools;
    record.ms = performance.now() - began;
    record.exit = end.exitCode;
    record.signal = end.signal;
    // A hook's lines are in the log already, as they came.
    const printed = operation.kind === 'hook' ? {} : { stdout: end.stdout, stderr: end.stderr };
    const finished = context.finish({
      ...(end.signal === undefined ? { exitCode: end.exitCode ?? 1 } : { signal: end.signal }),
      ...printed,
    });
    record.outcome = finished.outcome;
    this.#running = undefined;
    for (const go of this.#whenHealed.splice(0)) go();
    // Juju's agent reboots after a success, or when the hook was killed for it at once.
    const reboots = running.rebootWanted && finished.outcome !== 'failed' && finished.outcome !== 'lost';
    this.#around.onEnd(record, reboots);
  }

  async #runProcess(operation: Operation, { context, record, kill }: Running): Promise<ChildEnd> {
    const { charmDirectory, environment, prepare, onLine } = this.#around;
    const options = {
      cwd: charmDirectory,
      env: { ...context.env, ...environment(operation) },
      signal: kill.signal,
      onLine: (stream: 'stdout' | 'stderr', line: string) => {
        if (operation.kind === 'hook') onLine(stream, record, line);
      },
    };
    try {
      await prepare(context);
    } catch (error) {
      // Whatever keeps the charm's files from being put in place fails the hook, as it does in Juju, and is retried.
      options.onLine('stderr', `cannot put the charm in place: ${messageOf(error)}`);
      return ended(1);
    }
    if (operation.kind === 'exec') return this.#runScript(operation.exec.script, options);
    const program = this.#program(operation);
    if (program !== undefined) return this.#run(program, [], options);
    // A hook that the charm does not have counts as run, an action does not.
    return operation.kind === 'hook' ? ended(0) : ended(127);
  }

  /** `dispatch` for everything; only a charm without one is asked for single files. */
  #program(operation: Operation): string | undefined {
    const { charmDirectory } = this.#around;
    const dispatch = join(charmDirectory, 'dispatch');
    if (existsSync(this.#seen(dispatch))) return dispatch;
    const single = join(charmDirectory, operation.kind === 'action' ? 'actions' : 'hooks', operation.name);
    return existsSync(this.#seen(single)) ? single : undefined;
  }

  #seen(path: string): string {
    return this.#around.seen?.(path) ?? path;
  }

  #run(command: string, args: readonly string[], options: ChildOptions): Promise<ChildEnd> {
    return (this.#around.run ?? runChild)(command, args, options);
  }

  async #runScript(script: string, options: ChildOptions): Promise<ChildEnd> {
    const { temporary } = this.#around;
    const folder = mkdtempSync(join(this.#seen(temporary), 'juju-exec-'));
    const path = join(folder, 'script.sh');
    writeFileSync(path, script, { mode: 0o700 });
    const shell = isExecutable('/bin/bash') ? '/bin/bash' : (findExecutable('sh') ?? '/bin/sh');
    try {
      return await this.#run(shell, [join(temporary, basename(folder), 'script.sh')], options);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

const ended = (exitCode: number): ChildEnd => ({ exitCode, signal: undefined, stdout: '', stderr: '' });
