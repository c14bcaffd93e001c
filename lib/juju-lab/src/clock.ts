// Juju's time in the lab: real time, or a multiple of it, so that retries and update-status need not be waited for.
import { realClock, type SystemdClock } from './systemd/index.ts';

export class LabClock {
  readonly #scale: number;
  readonly #began = Date.now();

  /** `scale`: how many seconds of Juju's time (retry back-off, update-status, leases) go by in a real second. Services
   * and their timers keep real time. */
  constructor(scale: number) {
    this.#scale = scale;
  }

  /** ms since the epoch. */
  now(): number {
    return this.#began + (Date.now() - this.#began) * this.#scale;
  }

  /** Calls `fire` once Juju's time has reached `time`. Returns what cancels it. */
  at(time: number, fire: () => void): () => void {
    // Rounded up: a timer that fires a moment early would find nothing to do yet.
    const ms = Math.max(1, Math.ceil((time - this.now()) / this.#scale));
    const timer = setTimeout(fire, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }
}

/** A machine's own timers, which stand still while the machine is frozen: what falls due meanwhile fires at the thaw. */
export class PausableClock implements SystemdClock {
  #paused = false;
  readonly #held = new Set<() => void>();

  now(): number {
    return realClock.now();
  }

  setTimer(ms: number, fire: () => void): () => void {
    const due = (): void => {
      if (this.#paused) this.#held.add(fire);
      else fire();
    };
    const cancel = realClock.setTimer(ms, due);
    return () => {
      cancel();
      this.#held.delete(fire);
    };
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const fire of this.#held) fire();
    this.#held.clear();
  }
}
