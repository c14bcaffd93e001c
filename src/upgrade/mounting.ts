// Before anything else: whether the volume comes or goes. Juju takes a storage away, or the relation `filesystem` brings a file
// system or has ended. Undefined when the volume stays as it is.
import { type Effect, type Observed, ownUp, type Status } from '../observed.ts';
import { statuses } from '../statuses.ts';
import type { Step } from './installer.ts';
import { volumePath } from './volume.ts';

/** Nobody tells that a package was installed or that a server is up again. */
const lookAgainMs = 60_000;

export function comingOrGoing(o: Observed): Step | undefined {
  if (o.memory.detaching !== undefined) {
    return leavingVolume(o, statuses.volumeDetaching(o.unit, o.memory.detaching));
  }
  const { wanted, ours, current } = o.filesystem;
  const mounted = o.volume.isMount;
  // One that this unit never heard of is another unit's of this machine.
  if (wanted === undefined) return ours && o.memory.filesystem === false ? unmounting(o) : undefined;
  if ('missing' in wanted) return mounted ? undefined : said(o, wanted.missing);
  // Mounted by somebody else, who may know why: see `mountConflict`. Or as it should be.
  if (mounted && (!ours || current)) return undefined;
  // To mount over it would hide it, and take what runs from under us.
  if (!mounted && o.volume.identity !== undefined) return said(o, statuses.mountInTheWay(o.unit, volumePath));
  const failure = o.failures.get('mount-volume');
  if (failure !== undefined) return mounted ? undefined : said(o, statuses.effectFailed(failure.message));
  return {
    facts: {},
    effects: [{ do: 'mount-volume', plan: wanted }],
    statuses: [statuses.mounting(wanted.what)],
  };
}

/** The relation brings a file system, and another one is mounted already: that one stays. */
export function mountConflict(o: Observed): Status[] {
  const { wanted, ours } = o.filesystem;
  return wanted !== undefined && o.volume.isMount && !ours
    ? [statuses.mountConflict(o.application, volumePath)]
    : [];
}

/** The relation has ended: what runs from the volume stops first, and another unit's service on this machine keeps it. */
function unmounting(o: Observed): Step | undefined {
  const status = statuses.filesystemGone(o.application);
  const leaving = leavingVolume(o, status);
  if (leaving.effects.length > 0) return leaving;
  if (o.web.up || o.worker.up) return leaving;
  const failure = o.failures.get('unmount-volume');
  if (failure !== undefined) return said(o, statuses.effectFailed(failure.message));
  return { facts: {}, effects: [{ do: 'unmount-volume' }], statuses: [status] };
}

/** Nothing may run from a volume that goes. */
function leavingVolume(o: Observed, status: Status): Step {
  const effects: Effect[] = [];
  if (o.worker.retirable && !o.failures.has('retire-worker')) effects.push({ do: 'retire-worker' });
  if (o.facts.role !== 'worker' && ownUp(o.web) && !o.failures.has('stop-web'))
    effects.push({ do: 'stop-web' });
  return { ...said(o, status), effects };
}

function said(o: Observed, status: Status): Step {
  return { facts: {}, effects: [], statuses: [status], wakeAt: o.now + lookAgainMs };
}
