// Time as the kernel tells it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../host.ts';

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wait: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // Node rejects with an AbortError of its own; the interface promises the signal's reason.
      if (signal?.aborted) throw signal.reason;
      throw error;
    }
  },
};
