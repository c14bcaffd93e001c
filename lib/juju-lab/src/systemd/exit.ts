// How a process ended, in systemd's words, and what its service makes of that.
import { constants } from 'node:os';
import type { ServiceSettings } from './settings.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export type Failure = 'exit-code' | 'signal' | 'timeout' | 'resources' | 'start-limit-hit';
export type Result = 'success' | Failure;

export function isClean(exit: Exit, alsoClean: readonly string[]): boolean {
  if (exit.code === 0 || ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGPIPE'].includes(exit.signal ?? '')) return true;
  return alsoClean.some((status) => matches(status, exit));
}

export function failureOf(exit: Exit): Failure {
  return exit.signal === null ? 'exit-code' : 'signal';
}

/** Whether `status`, a number or a signal's name with or without SIG, is how a process ended. */
function matches(status: string, exit: Exit): boolean {
  return exit.signal === null
    ? String(exit.code) === status
    : [exit.signal, exit.signal.slice(3)].includes(status);
}

const statusNames: Record<number, string> = { 0: 'SUCCESS', 1: 'FAILURE', 2: 'INVALIDARGUMENT', 203: 'EXEC' };

/** `code=exited, status=1/FAILURE` or `code=killed, status=9/KILL`. */
export function describeExit(exit: Exit): string {
  if (exit.signal !== null)
    return `code=killed, status=${constants.signals[exit.signal]}/${exit.signal.slice(3)}`;
  return `code=exited, status=${exit.code}/${statusNames[exit.code ?? 0] ?? 'n/a'}`;
}

/** The table of Restart= in systemd.service(5), for a service that nobody stopped. */
export function wantsRestart(settings: ServiceSettings, result: Result, exit: Exit | undefined): boolean {
  if (exit !== undefined && settings.preventRestart.some((status) => matches(status, exit))) return false;
  switch (settings.restart) {
    case 'no':
      return false;
    case 'always':
      return true;
    case 'on-success':
      return result === 'success';
    case 'on-failure':
      return result !== 'success';
    case 'on-abnormal':
      return result === 'signal' || result === 'timeout';
    case 'on-abort':
      return result === 'signal';
    default:
      return settings.restart satisfies never;
  }
}
