// Time as the stand-in for systemd sees it: a seam, so that tests and a lab in a hurry move it instead of waiting.

export interface SystemdClock {
  /** Wall clock, ms since the epoch. */
  now(): number;
  /** Calls `fire` once, `ms` from now (Infinity: never). Returns what cancels it. */
  setTimer(ms: number, fire: () => void): () => void;
}

const longestTimeoutMs = 2 ** 31 - 1;

export const realClock: SystemdClock = {
  now: () => Date.now(),
  setTimer(ms, fire) {
    if (ms === Number.POSITIVE_INFINITY) return () => {};
    // A Node timer beyond 24.8 days would fire at once; nothing here lives that long.
    const timer = setTimeout(fire, Math.min(ms, longestTimeoutMs));
    return () => clearTimeout(timer);
  },
};

/** Stands still until it is advanced. Processes go on living in real time; only delays and deadlines wait for it. */
export class ManualClock implements SystemdClock {
  #now: number;
  #timers: { dueMs: number; fire: () => void }[] = [];

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  setTimer(ms: number, fire: () => void): () => void {
    const timer = { dueMs: this.#now + ms, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on, firing what falls due on the way, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs).find((timer) => timer.dueMs <= end);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.dueMs);
      next.fire();
    }
    this.#now = end;
  }

  /** How many timers wait: lets a test wait for one to be set. */
  get pending(): number {
    return this.#timers.length;
  }
}
