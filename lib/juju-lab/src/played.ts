// A unit of an application that is played: its charm is called in the lab's own process, and there is no machine behind it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { runOperation, type Operation } from 'juju-ts-ops/testing';
import type { Charm } from 'juju-ts-ops';
import { LabError } from './errors.ts';
import type { HookRecord } from './records.ts';
import type { Agent, UnitMachine, UnitSurroundings } from './unit.ts';

type Around = Pick<UnitSurroundings, 'juju' | 'clock' | 'onStart' | 'onEnd'>;

export class PlayedUnit implements UnitMachine, Agent {
  readonly name: string;
  readonly power = 'on';
  readonly #charm: Charm;
  readonly #around: Around;
  #record: HookRecord | undefined;
  #done: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #stopped = true;

  constructor(name: string, charm: Charm, around: Around) {
    this.name = name;
    this.#charm = charm;
    this.#around = around;
  }

  get uniter(): Agent {
    return this;
  }

  get current(): HookRecord | undefined {
    return this.#record;
  }

  start(): void {
    this.#stopped = false;
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** There is no process: what runs ends by itself. */
  kill(): void {}

  ended(): Promise<void> {
    return this.#done;
  }

  wake(): void {
    if (this.#stopped || this.#record !== undefined) return;
    const { juju, clock } = this.#around;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const operation = juju.next(this.name);
    const at = operation === undefined ? juju.nextTime(this.name) : undefined;
    if (operation !== undefined) this.#done = this.#carryOut(operation);
    else if (at !== undefined) this.#cancelTimer = clock.at(at, () => this.wake());
  }

  async #carryOut(operation: Operation): Promise<void> {
    const { juju, onStart, onEnd } = this.#around;
    const { kind, name } = operation;
    const record: HookRecord = {
      ...{ unit: this.name, kind, name, started: Date.now(), ms: 0, toolCalls: 0 },
      ...{ exit: undefined, signal: undefined, outcome: 'running' },
    };
    this.#record = record;
    const began = performance.now();
    const running = runOperation(juju, this.name, operation, { charm: () => this.#charm });
    onStart(record);
    const { outcome, exitCode, calls } = await running;
    const toolCalls = calls.length;
    Object.assign(record, { outcome, exit: exitCode, toolCalls, ms: performance.now() - began });
    this.#record = undefined;
    onEnd(record, false);
  }

  cutPower(): Promise<void> {
    return this.#none();
  }

  shutDown(): Promise<void> {
    return this.#none();
  }

  boot(): Promise<void> {
    return this.#none();
  }

  freeze(): never {
    return this.#none();
  }

  thaw(): never {
    return this.#none();
  }

  timersUnderWay(): string[] {
    return [];
  }

  /** Of the lab's own process, which runs its hooks. */
  readFile(path: string): string | undefined {
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  writeFile(path: string, text: string): void {
    writeFileSync(path, text);
  }

  async close(): Promise<void> {
    this.stop();
    await this.#done;
  }

  #none(): never {
    throw new LabError(`${this.name} is played, and has no machine`);
  }
}
