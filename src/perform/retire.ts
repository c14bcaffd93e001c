// A worker that goes for good: it retires (SIGUSR2), so that web forgets it; then nothing of it is left running.
import path from 'node:path';
import { workerScriptPath, WORKER_SERVICE } from '../concourse/worker.ts';
import type { Host } from '../host/host.ts';
import { otherUnit } from '../observe/services.ts';
import type { Session } from '../session.ts';

const pollMs = 500;
/** The unit's own TimeoutStopSec is 60 s for each of its steps. */
const stopMs = 180_000;
const clearMs = 60_000;

/** This unit's own only. Bounded: a worker whose builds take longer than `withinMs` is stopped all the same, and its builds
 * with it. An idle one is gone within 57 s. */
export async function retireWorker(
  { hook, host }: Session,
  withinMs: number,
): Promise<'retired' | 'stopped' | 'absent'> {
  let outcome: 'retired' | 'stopped' | 'absent' = 'absent';
  if ((await otherUnit({ hook, host }, WORKER_SERVICE)) !== undefined) return outcome;
  const look = async () => (await host.services.show([WORKER_SERVICE]))[WORKER_SERVICE];
  const running = () => workerRuns(host);
  const before = await look();
  if (before?.installed === true) await host.services.disable(WORKER_SERVICE);
  if (await running()) {
    outcome = 'retired';
    await hook.progress('retiring the worker');
    await host.services.signal(WORKER_SERVICE, 'SIGUSR2');
    const start = host.clock.monotonic();
    while (await running()) {
      if (host.clock.monotonic() - start >= withinMs) {
        hook.log.warning(`the worker has not retired within ${withinMs / 1000}s: stopped`);
        outcome = 'stopped';
        break;
      }
      await host.clock.wait(pollMs);
    }
    await host.services.stop(WORKER_SERVICE, stopMs);
    hook.log.info('concourse-worker.service has retired');
  } else if (before?.active === 'activating') {
    // Between two attempts to start, without a process to tell.
    await host.services.stop(WORKER_SERVICE, stopMs);
  }
  await clear({ hook, host });
  return outcome;
}

/** It has a process. */
export async function workerRuns({ services }: Pick<Host, 'services'>): Promise<boolean> {
  const state = (await services.show([WORKER_SERVICE]))[WORKER_SERVICE];
  return state !== undefined && state.mainPid !== 0 && ['active', 'activating'].includes(state.active);
}

/** Shims outlive their worker on purpose: not one that never comes back. */
async function clear({ hook, host }: Pick<Session, 'hook' | 'host'>): Promise<void> {
  const script = workerScriptPath(host.paths.etc);
  if ((await host.files.lstat(script)) === undefined) return;
  const { code, stderr } = await host.commands.run('/bin/sh', [script, 'removed'], { timeoutMs: clearMs });
  if (code !== 0)
    hook.log.warning(
      `${path.basename(script)} removed: exit code ${code}: ${stderr.trim() || 'without a message'}`,
    );
  // The last step: with it gone, this worker has retired.
  await host.files.remove(script);
}
