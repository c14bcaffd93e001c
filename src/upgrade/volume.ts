// Which volume is it? The four cases of the protocol, as one pure function: whether this unit's volume is the
// application's, one of its own, not yet known, or one that it must not touch.
import type { Observed, Status } from '../observed.ts';
import { statuses } from '../statuses.ts';
import type { Goal } from './goal.ts';

export type VolumeVerdict =
  | { kind: 'shared' }
  /** `shared-storage=auto`, and this is not the application's volume: one of its own. */
  | { kind: 'own' }
  /** This unit gives the volume its identity now. */
  | { kind: 'claim' }
  /** Nothing may be written; what runs goes on running. */
  | { kind: 'refused'; status: Status; lookAgain: boolean };

export const volumePath = '/var/lib/concourse';

export function volumeVerdict(o: Observed, goal: Goal): VolumeVerdict {
  const { volume } = o;
  const known = o.facts['volume-id'];
  const identity = volume.identity;
  const accepted = identity !== undefined && o.memory.acceptedVolume === identity.uuid;
  // Before the identity: what cannot be read has none. Where no volume was mounted there may not even be a directory: one of this
  // unit's own is made.
  if (volume.problem !== undefined && !volume.absent) return refused(statuses.volumeUnusable(volume.problem));
  if (known !== undefined && identity?.uuid !== known && !accepted) {
    return refused(statuses.volumeLost(o.unit, volumePath));
  }
  if (isForeign(o) && !accepted && !isGuest(o)) {
    return refused(
      statuses.volumeForeign(
        o.application,
        `${identity?.application} of model ${identity?.modelUuid.slice(0, 8)}`,
      ),
    );
  }
  const required = o.settings.sharedStorage === 'required';
  if (required && !volume.isMount) return refused(statuses.volumeNotMounted(volumePath));

  const named = goal['volume-id'];
  const installs = goal.installer === o.unit;
  // The installer's volume is the application's: the leader follows what it publishes.
  if (installs && accepted) return { kind: 'shared' };
  if (named === undefined) {
    if (!installs) return refused(statuses.volumeUnknownYet(), false);
    return identity === undefined ? claim(o) : { kind: 'shared' };
  }
  if (identity?.uuid === named)
    return fits(o) ? { kind: 'shared' } : refused(statuses.volumeOtherArchitecture(o.architecture));
  if (required) return refused(statuses.volumeNotShared(volumePath));
  return identity === undefined ? claim(o) : { kind: 'own' };
}

const isForeign = ({ application, modelUuid, volume: { identity } }: Observed): boolean =>
  identity !== undefined && (identity.application !== application || identity.modelUuid !== modelUuid);

/** Workers whose web is another application's, on the very volume of that web: they run what is installed there, and change nothing of
 * it. Once the goal names it, that stays so when the relation ends. */
export function isGuest(o: Observed): boolean {
  const { application, flight, goal, memory, settings, volume } = o;
  const { identity } = volume;
  if (settings.mode !== 'worker' || identity === undefined || !isForeign(o)) return false;
  // Their folders on the volume would have the same names.
  if (identity.application === application) return false;
  // An operator who accepts it lets the unit go on with it, not install there.
  if (identity.uuid === flight?.told?.volume) return true;
  return identity.uuid === goal?.['volume-id'] && memory.acceptedVolume !== identity.uuid;
}

/** A release of another architecture is not ours, and the volume that holds it cannot be made ours. */
function fits(o: Observed): boolean {
  const { installed, releases } = o.volume;
  const architecture = installed === undefined ? undefined : releases.get(installed)?.architecture;
  const installs = o.goal?.installer === o.unit && !isGuest(o);
  return architecture === undefined || architecture === o.architecture || installs;
}

function claim(o: Observed): VolumeVerdict {
  const failure = o.failures.get('claim-volume');
  return failure === undefined ? { kind: 'claim' } : refused(statuses.effectFailed(failure.message));
}

/** Nobody tells when a volume comes back: but for what the leader's databag will say, it is looked at again. */
function refused(status: Status, lookAgain = true): VolumeVerdict {
  return { kind: 'refused', status, lookAgain };
}
