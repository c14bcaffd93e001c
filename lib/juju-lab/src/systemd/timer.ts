// A transient timer, as `systemd-run --on-active` makes it: starts its service once, and is forgotten when that has come to rest.
import type { SystemdClock } from './clock.ts';

export class Timer {
  readonly name: string;
  readonly service: string;
  /** When it fires: ms since the epoch, by the machine's clock. */
  readonly dueMs: number;
  sub: 'waiting' | 'running' = 'waiting';
  readonly #cancel: () => void;

  constructor(name: string, service: string, delayMs: number, clock: SystemdClock, fire: () => void) {
    this.name = name;
    this.service = service;
    this.dueMs = clock.now() + delayMs;
    this.#cancel = clock.setTimer(delayMs, () => {
      this.sub = 'running';
      fire();
    });
  }

  cancel(): void {
    this.#cancel();
  }
}
