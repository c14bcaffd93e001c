// A clock that tests own: it stands still until someone waits on it, or until a test moves it.
import type { Clock } from '../../src/host/host.ts';

interface Waiter {
  at: number;
  wake: () => void;
}

/** Time passes in jumps, from one waiter's end to the next, whenever the event loop has turned once with somebody waiting.
 * `auto: false`: only `advance` moves it. */
export class VirtualClock implements Clock {
  private current: number;
  /** What the wall clock shows more than the monotonic one: a test may set it back or forth. */
  wallOffsetMs = 0;
  private waiters: Waiter[] = [];
  private pumping = false;
  private readonly auto: boolean;

  constructor(startMs = Date.UTC(2026, 0, 1), options: { auto?: boolean } = {}) {
    this.current = startMs;
    this.auto = options.auto ?? true;
  }

  now(): number {
    return this.current + this.wallOffsetMs;
  }

  monotonic(): number {
    return this.current;
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted) return Promise.reject(signal.reason);
    const waiter: Waiter = { at: this.current + Math.max(ms, 0), wake: resolve };
    this.waiters.push(waiter);
    signal?.addEventListener(
      'abort',
      () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        reject(signal.reason);
      },
      { once: true },
    );
    if (this.auto) this.pump();
    return promise;
  }

  /** Moves time, waking whoever waited for a moment on the way, in order. */
  advance(ms: number): void {
    const until = this.current + ms;
    for (let next = this.earliest(); next !== undefined && next.at <= until; next = this.earliest())
      this.wakeOne(next);
    this.current = until;
  }

  private earliest(): Waiter | undefined {
    return this.waiters.reduce<Waiter | undefined>(
      (first, waiter) => (first === undefined || waiter.at < first.at ? waiter : first),
      undefined,
    );
  }

  private wakeOne(waiter: Waiter): void {
    this.current = Math.max(this.current, waiter.at);
    this.waiters = this.waiters.filter((other) => other !== waiter);
    waiter.wake();
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    setImmediate(() => {
      this.pumping = false;
      const next = this.earliest();
      if (next === undefined) return;
      this.wakeOne(next);
      if (this.waiters.length > 0) this.pump();
    });
  }
}
