// Asks services over and over whether they answer, in a thread of its own: the lab in the main thread may keep that busy.
import { get } from 'node:http';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { z } from 'zod';

export interface Target {
  name: string;
  url: string;
}

export interface Outage {
  name: string;
  /** From the last good answer to the first good one after it. */
  ms: number;
}

const setting = z.object({
  targets: z.array(z.object({ name: z.string(), url: z.string() })),
  everyMs: z.number(),
});
const outageSchema = z.object({ name: z.string(), ms: z.number() });

/** Follows the targets until it is ended. */
export class Watch {
  readonly #thread: Worker;
  readonly #outages: Outage[] = [];
  #waiting: (() => void)[] = [];

  constructor(targets: readonly Target[], everyMs: number) {
    this.#thread = new Worker(new URL(import.meta.url), { workerData: { targets, everyMs } });
    this.#thread.on('message', (message) => {
      this.#outages.push(outageSchema.parse(message));
      for (const go of this.#waiting.splice(0)) go();
    });
  }

  /** Outages that have ended since it was called last; waits until each of `names` has had one, for a minute. */
  async outagesOf(names: readonly string[]): Promise<Outage[]> {
    const missing = () => names.filter((name) => !this.#outages.some((outage) => outage.name === name));
    const late = AbortSignal.timeout(60_000);
    while (missing().length > 0) {
      if (late.aborted) throw new Error(`no outage of ${missing().join(', ')} was seen that has ended`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        late.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.#outages.splice(0);
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}

if (!isMainThread && parentPort !== null) {
  const { targets, everyMs } = setting.parse(workerData);
  const tell = parentPort.postMessage.bind(parentPort);
  for (const target of targets) void follow(target, everyMs, tell);
}

async function follow({ name, url }: Target, everyMs: number, tell: (outage: Outage) => void): Promise<void> {
  let good: number | undefined;
  let isDown = false;
  for (;;) {
    const began = performance.now();
    const answers = await isGood(url);
    const now = performance.now();
    if (answers && isDown && good !== undefined) tell({ name, ms: now - good });
    isDown = !answers;
    if (answers) good = now;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (now - began))));
  }
}

/** Not within a second, or not at all, is no answer. */
function isGood(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 1000, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
      response.on('error', () => resolve(false));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}
