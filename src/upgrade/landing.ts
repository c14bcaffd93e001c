// A worker lands (SIGUSR1) before an upgrade stops it, where the operator wants that: web gives it no more work, its builds
// end, and it exits by itself. No hook waits for it, and none of the upgrade's deadlines moves.
import { type Observed, ownUp, type Settings } from '../observed.ts';
import { statuses } from '../statuses.ts';
import { hasPassed } from './facts.ts';
import type { Step } from './installer.ts';

/** Of the time that the installer waits, what is left for hearing of the upgrade, for the stop and for saying so. */
const sparedMs = 15_000;
/** An idle worker lands within 33 to 57 s, and nobody tells when it has. */
const lookMs = 10_000;

/** How long a worker may land for an upgrade; 0: not at all. */
export function landingMs(settings: Settings): number {
  if (settings.workerDrain === 'keep') return 0;
  const { upgradeReadyTimeoutMs, upgradeCompleteTimeoutMs, workerDrainTimeoutMs } = settings;
  const most = Math.min(upgradeReadyTimeoutMs, upgradeCompleteTimeoutMs) - sparedMs;
  return Math.max(0, Math.min(workerDrainTimeoutMs, most));
}

/** The moment at which a worker that begins to land now is stopped. `deadline` is the installer's, by the installer's clock:
 * where the two agree, it makes up for what was heard of late. */
export function landsUntil(o: Observed, deadline: number | undefined): number | undefined {
  const ms = landingMs(o.settings);
  if (ms === 0) return undefined;
  return Math.min(o.now + ms, (deadline ?? Number.POSITIVE_INFINITY) - sparedMs);
}

/** Undefined once it has landed, its time is over, or it cannot be told to: then it is stopped. */
export function landing(o: Observed, until: number | undefined, to: string): Step | undefined {
  if (until === undefined || !ownUp(o.worker) || o.failures.has('land-worker')) return undefined;
  if (hasPassed(until, o.now, landingMs(o.settings))) return undefined;
  const step: Step = { facts: {}, effects: [], statuses: [statuses.landing(to, until)] };
  // Told already: one that lands is not started by a reboot any more.
  if (!o.worker.enabled) return { ...step, wakeAt: Math.min(until, o.now + lookMs) };
  return { ...step, effects: [{ do: 'land-worker' }] };
}
