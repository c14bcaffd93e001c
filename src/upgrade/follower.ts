// A volume of a unit's own (or of a few units) beside the application's: the living unit with the lowest number that
// publishes its id installs there, and follows what the goal's installer has published as installed.
import type { Observed } from '../observed.ts';
import { compareVersions } from '../release/version.ts';
import { statuses } from '../statuses.ts';
import type { Facts } from './facts.ts';
import { byNumber, type Goal, isThere } from './goal.ts';
import { type Step, stage } from './installer.ts';

/** What a volume that follows is to have. */
export interface Ahead {
  /** Where the volume goes now; undefined: nobody says, or not yet. */
  to: string | undefined;
  /** What is staged beforehand, so that the switch costs no download. */
  next: string | undefined;
  digests?: Goal['digests'];
}

export function followerStep(o: Observed, goal: Goal, installer: Facts | undefined): Step {
  const to = installer?.['upgrade-state'] === 'prepare' ? undefined : installer?.['installed-version'];
  // A rollback is not held.
  const held = goal.hold === true && to !== undefined && compareVersions(goal.version, to) > 0;
  return follow(o, goal, { to, next: held ? undefined : goal.version });
}

/** On the unit that installs on this volume. */
export function follow(o: Observed, goal: Goal, { to, next, digests }: Ahead): Step {
  const nothing: Step = { facts: {}, effects: [], statuses: [] };
  if (goal.installer !== o.unit && localInstaller(o) !== o.unit) return nothing;
  const installed = o.volume.installed;
  if (installed !== undefined && o.volume.marker !== installed && !o.failures.has('mend-marker')) {
    return { ...nothing, effects: [{ do: 'mend-marker', version: installed }] };
  }
  const staged = (version: string): Step | undefined =>
    stage(o, { ...goal, version, digests: version === goal.version ? goal.digests : digests });
  const staging =
    (to === undefined || to === next ? undefined : staged(to)) ??
    (next === undefined ? undefined : staged(next));
  if (staging !== undefined && (staging.effects.length > 0 || installed === undefined)) return staging;
  if (to === undefined || to === installed || !o.volume.releases.has(to)) {
    return { ...nothing, statuses: staging?.statuses ?? [], wakeAt: staging?.wakeAt };
  }
  const failure = o.failures.get('switch');
  if (failure !== undefined) {
    const status = failure.transient
      ? statuses.lockBusy(failure.message)
      : statuses.effectFailed(failure.message);
    return { ...nothing, statuses: [status], wakeAt: o.now + 30_000 };
  }
  const digest = o.volume.releases.get(to)?.digest;
  return {
    ...nothing,
    effects: [{ do: 'switch', version: to, from: installed, digest, migrateDown: false }],
  };
}

/** The unit that installs on a volume of a unit's own. */
export function localInstaller(o: Observed): string {
  const mine = o.volume.identity?.uuid;
  const sharing = [...o.peers]
    .filter(([name, facts]) => facts['volume-id'] === mine && isThere(name, facts, o.living))
    .map(([name]) => name);
  return [o.unit, ...sharing].sort(byNumber)[0] ?? o.unit;
}
