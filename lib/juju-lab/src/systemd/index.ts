// The stand-in for systemd, as the lab uses it.
export { ManualClock, realClock, type SystemdClock } from './clock.ts';
export { Journal, type JournalEntry } from './journal.ts';
export { sweep } from './processes.ts';
export { type ActiveState, Service } from './service.ts';
export { type CommandOutput, Systemd, type SystemdOptions } from './systemd.ts';
