// The processes of a unit, found by the mark that each carries in its environment: hooks, services, and whatever
// those started and left behind. One way to freeze, to cut the power of, and to clean up after a unit.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { codeOf } from './errors.ts';

/** The one variable that the lab adds to Juju's environment: where this unit's file system begins. */
export const rootVariable = 'JUJU_LAB_ROOT';

/** The pids of all processes of the unit whose root that is. */
export function processesOf(root: string): number[] {
  const mark = Buffer.from(`${rootVariable}=${root}\0`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(mark));
}

/** Signals all of them, those included that a process forked while the others were being signalled. */
export function signalAll(root: string, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  const signalled = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const fresh = processesOf(root).filter((pid) => !signalled.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      signalled.add(pid);
      sendSignal(pid, signal);
    }
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it has ended by itself meanwhile.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

function environmentOf(pid: number): Buffer {
  try {
    return readFileSync(`/proc/${pid}/environ`);
  } catch (error) {
    // ENOENT, ESRCH: ended meanwhile. EACCES, EPERM: another user's, so none of ours.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) return Buffer.alloc(0);
    throw error;
  }
}

/** Starts watcher.sh. `end` makes it do its work now, and resolves when that is done. */
export function watchOver(units: string, sockets: string): { end(): Promise<void> } {
  const script = fileURLToPath(new URL('watcher.sh', import.meta.url));
  const watcher: ChildProcess = spawn('/bin/sh', [script, units, sockets], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    cwd: '/',
  });
  const exited = once(watcher, 'exit');
  watcher.unref();
  // The pipe is a net.Socket underneath; without this the watcher would keep the lab's process alive.
  if (watcher.stdin && 'unref' in watcher.stdin && typeof watcher.stdin.unref === 'function')
    watcher.stdin.unref();
  return {
    async end() {
      watcher.ref();
      watcher.stdin?.end();
      await exited;
    },
  };
}
