// Whether flock keeps units apart on the application's volume, as far as its installer has found out. Asked in update-status
// alone, in those that look at everything: nothing is decided by the answer, so that it does not count for what is calm.
import type { Remembered } from '../memory.ts';
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { type FlockLook, lookAtFlock } from '../storage/exclusion.ts';
import { isWorker } from '../upgrade/facts.ts';

/** Looks when it is time to; whether flock is known not to exclude. */
export async function flockDoubted(session: Session, o: Observed): Promise<boolean> {
  const installs = o.goal?.installer === o.unit;
  const { flock: before } = session.memory;
  let flock = installs ? before : undefined;
  if (installs && session.hook.event.kind === 'update-status')
    flock = judged(await lookAtFlock(session.watch?.unwatched ?? session.host, runningWorkers(o)), before);
  if (flock !== before) session.memory = { ...session.memory, flock };
  return flock?.doubted === true;
}

/** A worker whose lock was had twice, and that gave a sign of life between: not one whose machine is just off. */
function judged(look: FlockLook, before: Remembered['flock']): Remembered['flock'] {
  switch (look.kind) {
    case 'excludes':
      return undefined;
    case 'missing':
      return { had: {}, doubted: true };
    case 'had': {
      const had = Object.entries(look.signs);
      if (had.length === 0) return before;
      const lives = had.some(([unit, sign]) => (before?.had[unit] ?? sign) !== sign);
      return { had: { ...look.signs }, doubted: lives || before?.doubted === true };
    }
    default:
      return look satisfies never;
  }
}

/** Units on this volume that say that their worker runs. */
function runningWorkers(o: Observed): string[] {
  return [...o.peers]
    .filter(([unit, facts]) => o.living?.has(unit) !== false && isWorker(facts) && facts.leaving !== true)
    .filter(([, facts]) => facts['running-worker'] !== undefined && facts['upgrade-ready'] !== true)
    .filter(([, facts]) => facts['volume-id'] !== undefined && facts['volume-id'] === o.volume.identity?.uuid)
    .map(([unit]) => unit);
}
