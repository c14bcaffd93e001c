// Who has yet to say that it has stopped for the upgrade which the installer publishes.
import type { Observed } from '../observed.ts';
import type { Facts } from './facts.ts';
import { expectedUnits, type Goal, otherWebs } from './goal.ts';

/** Expected units whose acknowledgement of the upgrade that `own` publishes is missing. */
export function unacknowledged(
  own: Facts,
  goal: Goal,
  peers: ReadonlyMap<string, Facts>,
  living: ReadonlySet<string> | undefined,
): string[] {
  const workers = own['upgrade-turn'] === undefined ? expectedUnits(goal, peers, living) : [];
  return [...workers, ...unstoppedWebs(own, goal, peers, living)].filter((name) =>
    hasNotStopped(own, peers.get(name)),
  );
}

const hasNotStopped = (own: Facts, theirs: Facts | undefined): boolean =>
  !(theirs?.['upgrade-ready'] === true && theirs['upgrade-id'] === own['upgrade-id']);

/** Likewise, of units that are being removed and have not said so themselves: their webs run until then. */
export function dyingWebs({
  facts: own,
  dying,
  peers,
}: Pick<Observed, 'facts' | 'dying' | 'peers'>): string[] {
  if (own['upgrade-stops-web'] !== true) return [];
  return [...dying].filter((unit) => {
    const theirs = peers.get(unit);
    return theirs?.role === 'web' && theirs.leaving !== true && hasNotStopped(own, theirs);
  });
}

/** Other webs that must stop for the upgrade that `own` publishes, and have not. */
export function unstoppedWebs(
  own: Facts,
  goal: Goal,
  peers: ReadonlyMap<string, Facts>,
  living: ReadonlySet<string> | undefined,
): string[] {
  if (own['upgrade-stops-web'] !== true) return [];
  return otherWebs(goal, peers, living).filter((name) => hasNotStopped(own, peers.get(name)));
}
