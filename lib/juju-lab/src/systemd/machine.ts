// What a service needs of the machine that it runs on; Systemd is one.
import type { SystemdClock } from './clock.ts';
import type { JournalEntry } from './journal.ts';
import type { ServiceSettings } from './settings.ts';

export interface Machine {
  /** Names the machine: an absolute path that no other machine of the lab shares. */
  root: string;
  clock: SystemdClock;
  /** What every service's environment begins with. */
  environment: Readonly<Record<string, string>>;
  /** The file to execute for a program that a unit file names. */
  findProgram(named: string): string;
  /** Whom to run as: undefined for whoever runs the lab, 'missing' for a user or group that is not there. */
  account(settings: ServiceSettings): { uid: number; gid: number } | undefined | 'missing';
  log(entry: Omit<JournalEntry, 'timeMs'>): void;
}
