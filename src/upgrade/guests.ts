// Workers of other applications in an upgrade of web's, as its installer sees them: they are asked to stop only for a release that
// lies ready on their own volume, and waited for like the application's own.
import type { Observed } from '../observed.ts';
import type { Guest } from '../relations/tsa.ts';
import { statuses } from '../statuses.ts';
import { hasPassed } from './facts.ts';
import { type Goal, otherWebs } from './goal.ts';
import type { Step } from './installer.ts';

/** For so long an upgrade does not begin while a volume elsewhere is still fetching its release. */
const stagingMs = 1_800_000;

/** Those that run from this very volume. */
export const onThisVolume = ({ tsa, volume }: Observed): Guest[] =>
  tsa.flatMap(({ workers }) =>
    workers.filter((each) => each.volume !== undefined && each.volume === volume.identity?.uuid),
  );

/** By volume, those that say where their releases lie: others are another charm's. */
function byVolume(o: Observed): Map<string, Guest[]> {
  const volumes = new Map<string, Guest[]>();
  for (const guest of o.tsa.flatMap(({ workers }) => workers)) {
    if (guest.volume === undefined || guest.publicSsh === undefined) continue;
    volumes.set(guest.volume, [...(volumes.get(guest.volume) ?? []), guest]);
  }
  return volumes;
}

/** Whether a release lies ready there; web's own volume is staged by web. */
const ready = (o: Observed, volume: string, guests: readonly Guest[], version: string): boolean =>
  volume === o.facts['volume-id'] || guests.some(({ staged }) => staged === version);

/** Undefined once every volume has the goal's release, has said why it cannot have it, or has had its time. */
export function stagingElsewhere(o: Observed, goal: Goal): Step | undefined {
  const fetching = [...byVolume(o)].flatMap(([volume, guests]) => {
    const over =
      ready(o, volume, guests, goal.version) || guests.some((each) => each.stagingError !== undefined);
    return over ? [] : guests.slice(0, 1).map(({ unit }) => unit);
  });
  fetching.push(...fetchingWebs(o, goal));
  if (fetching.length === 0) return undefined;
  const begun = o.facts['staging-deadline'];
  const until = begun?.id === goal['upgrade-id'] ? begun.until : o.now + stagingMs;
  if (hasPassed(until, o.now, stagingMs)) return undefined;
  return {
    facts: { 'staging-deadline': { id: goal['upgrade-id'], until } },
    effects: [],
    statuses: [statuses.stagingElsewhere(goal.version, fetching, until)],
    wakeAt: until,
  };
}

/** Web on volumes of their own. */
function fetchingWebs(o: Observed, goal: Goal): string[] {
  if (o.settings.mode !== 'web') return [];
  return otherWebs(goal, o.peers, o.living).filter((unit) => {
    const theirs = o.peers.get(unit);
    const own = theirs?.['volume-id'] !== undefined && theirs['volume-id'] !== goal['volume-id'];
    return own && theirs['staged-version'] !== goal.version && theirs['staging-error'] === undefined;
  });
}

/** Units of other applications that have yet to stop for the upgrade which is published. */
export function unacknowledgedElsewhere(o: Observed, to: string): string[] {
  return [...byVolume(o)].flatMap(([volume, guests]) =>
    ready(o, volume, guests, to)
      ? guests
          .filter(({ stagingError }) => stagingError === undefined)
          .filter(({ stoppedFor }) => stoppedFor !== o.facts['upgrade-id'])
          .map(({ unit }) => unit)
      : [],
  );
}
