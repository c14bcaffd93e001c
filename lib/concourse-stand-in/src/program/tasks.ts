// Builds: a test drops `<id>.json` into WORK_DIR/tasks, and finds there `<id>.log`, `<id>.exit` and `<id>.status` later. A
// task runs under a shim of its own that outlives the worker, as in containerd.
import { spawn } from 'node:child_process';
import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { log } from './log.ts';

/** `<id>.status` is one line: `succeeded`, `failed`, or `errored` and why. */
export class Tasks {
  readonly #directory: string;
  readonly #running = new Set<string>();
  /** Of jobs that are `interruptible`: nobody waits for them, and they go on under their shims. */
  readonly #interruptible = new Set<string>();
  #accepting = false;
  #unusable: string | undefined;
  #watcher: FSWatcher | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(workDirectory: string) {
    this.#directory = join(workDirectory, 'tasks');
    mkdirSync(this.#directory, { recursive: true });
  }

  /** Takes up what an earlier worker left, once: a task that still runs goes on; one that ended unseen is in error. */
  attach(): void {
    for (const id of this.#ids('.pid')) {
      if (this.#has(`${id}.status`)) continue;
      if (this.#has(`${id}.exit`)) this.#conclude(id, 'errored proc not running: status = stopped');
      else if (isShim(Number(this.#read(`${id}.pid`)), id)) {
        this.#runs(id, readTask(this.#read(`${id}.json`)));
        log('worker.tasks.attached', { id });
      } else this.#conclude(id, 'errored task attach: no running task found');
    }
    this.#watcher = watch(this.#directory, () => this.#look());
  }

  /** Web gives work from now on, or (`unusable`) every build errors for a reason. */
  accept(unusable?: string): void {
    this.#accepting = true;
    this.#unusable = unusable;
    this.#look();
  }

  refuse(): void {
    this.#accepting = false;
  }

  /** Resolves when no task runs but interruptible ones; new ones are not accepted. */
  drained(): Promise<void> {
    this.refuse();
    if (this.#idle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  close(): void {
    this.#watcher?.close();
  }

  #look(): void {
    for (const id of this.#running) {
      const code = this.#has(`${id}.exit`) ? this.#read(`${id}.exit`).trim() : undefined;
      if (code !== undefined) this.#conclude(id, code === '0' ? 'succeeded' : 'failed');
    }
    if (this.#accepting)
      for (const id of this.#ids('.json'))
        if (!this.#has(`${id}.pid`) && !this.#has(`${id}.status`)) this.#start(id);
    if (this.#idle) this.#whenIdle?.();
  }

  get #idle(): boolean {
    return [...this.#running].every((id) => this.#interruptible.has(id));
  }

  #start(id: string): void {
    if (this.#unusable !== undefined) {
      this.#conclude(id, `errored ${this.#unusable}`);
      return;
    }
    const task = readTask(this.#read(`${id}.json`));
    if (task === undefined) return; // Half written: its next change is seen too.
    // Of this very release, whatever link it was started through.
    const shim = join(import.meta.dirname, 'containerd-shim-runc-v2');
    const args = ['-namespace', 'concourse', '-id', id, '-tasks', this.#directory, '--', ...task.command];
    const child = spawn(shim, args, { detached: true, stdio: 'ignore' });
    child.on('error', (error) => this.#conclude(id, `errored ${error.message}`));
    if (child.pid === undefined) return;
    child.unref();
    this.#runs(id, task);
    this.#write(`${id}.pid`, `${child.pid}\n`);
    log('worker.tasks.started', { id, shim: child.pid });
  }

  #runs(id: string, task: Task | undefined): void {
    this.#running.add(id);
    if (task?.interruptible === true) this.#interruptible.add(id);
  }

  #conclude(id: string, status: string): void {
    this.#running.delete(id);
    this.#write(`${id}.status`, `${status}\n`);
    log('worker.tasks.finished', { id, status });
  }

  #ids(suffix: string): string[] {
    return readdirSync(this.#directory)
      .filter((file) => file.endsWith(suffix))
      .map((file) => file.slice(0, -suffix.length));
  }

  #has(file: string): boolean {
    return existsSync(join(this.#directory, file));
  }

  #read(file: string): string {
    return readFileSync(join(this.#directory, file), 'utf8');
  }

  #write(file: string, content: string): void {
    writeWhole(join(this.#directory, file), content);
  }
}

/** Whoever waits for the file never sees half of it. */
export function writeWhole(path: string, content: string): void {
  writeFileSync(`${path}~`, content);
  renameSync(`${path}~`, path);
}

interface Task {
  command: string[];
  interruptible: boolean;
}

/** `{"command": "a shell line"}` or `{"command": ["program", "argument"]}`; of a job with `"interruptible": true` or not. */
function readTask(text: string): Task | undefined {
  try {
    const { command, interruptible = false } = JSON.parse(text) as {
      command: string | string[];
      interruptible?: boolean;
    };
    return { command: typeof command === 'string' ? ['/bin/sh', '-c', command] : command, interruptible };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A number may belong to another process by now. */
function isShim(pid: number, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`-namespace\0concourse\0-id\0${id}\0`);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false; // ENOENT, ESRCH: it has ended.
    throw error;
  }
}
