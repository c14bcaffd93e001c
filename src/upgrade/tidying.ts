// What is taken away when nothing is under way: old releases, and what crashed holders of the lock left. On the application's
// volume its installer does so, on a volume of their own the unit that installs there.
import type { Effect, Observed } from '../observed.ts';
import { whatToPrune } from '../storage/prune.ts';
import { leadingWeb } from './along.ts';
import type { Facts } from './facts.ts';
import { localInstaller } from './follower.ts';
import { onThisVolume } from './guests.ts';
import { isGuest } from './volume.ts';

export function tidying(o: Observed, facts: Facts): Effect[] {
  const { volume, goal } = o;
  if (goal === undefined || facts['upgrade-state'] === 'prepare' || volume.installed !== goal.version)
    return [];
  const own = volume.identity !== undefined && volume.identity.uuid !== goal['volume-id'];
  const installs = own ? localInstaller(o) === o.unit : goal.installer === o.unit;
  if (!installs || isGuest(o) || o.failures.has('prune') || o.done.has('prune')) return [];
  // Whoever is not seen may run any of them.
  if ([...(o.living ?? [])].some((unit) => unit !== o.unit && !o.peers.has(unit))) return [];
  const versions = releasesToPrune(o, [...volume.releases.keys()]);
  return versions.length > 0 || volume.leftovers > 0 ? [{ do: 'prune', versions }] : [];
}

/** Those of `releases` that nobody needs: none while a unit has yet to say what it runs. */
export function releasesToPrune(o: Observed, releases: readonly string[]): string[] {
  if (silentUnits(o).length > 0) return [];
  return whatToPrune({ ...o.volume, releases, running: runBy(o), wanted: wantedBy(o) });
}

/** Living units that stopped their workers for an earlier upgrade than the last one, and have not been heard since: at their
 * own deadline they start again, on what the volume named then, and nobody else can tell before their hook has ended. And
 * units that are being removed and have not said so themselves: what their last hook started they have yet to tell. */
export function silentUnits(o: Observed): string[] {
  const web = leadingWeb(o);
  const id = web === undefined ? o.goal?.['upgrade-id'] : web.told.upgrade['upgrade-id'];
  const own = [...o.peers].flatMap(([unit, facts]) => {
    const stopped = facts['upgrade-ready'] === true && facts['upgrade-id'] !== id;
    const silent = o.dying.has(unit) || (stopped && o.living?.has(unit) !== false);
    return silent && facts.leaving !== true ? [unit] : [];
  });
  const guests = onThisVolume(o).filter(({ stoppedFor }) => stoppedFor !== undefined && stoppedFor !== id);
  return [...own, ...guests.map(({ unit }) => unit)];
}

/** Releases that units say they run, and that this unit's own services do. */
function runBy(o: Observed): Set<string> {
  const versions = [o.web.runningVersion, o.worker.runningVersion];
  for (const facts of [o.facts, ...o.peers.values()])
    versions.push(facts['running-web'], facts['running-worker']);
  versions.push(...onThisVolume(o).map(({ runs }) => runs));
  return new Set(versions.filter((version) => version !== undefined));
}

/** Releases that the goal, an upgrade under way or the action `prefetch` names, or web of another application that leads. */
function wantedBy(o: Observed): Set<string> {
  const web = leadingWeb(o);
  const theirs = [web?.version, web?.told.ahead, web?.told.upgrade['upgrade-to']];
  const versions = [o.goal?.version, o.facts['upgrade-to'], o.memory.prefetched, ...theirs];
  return new Set(versions.filter((version) => version !== undefined));
}
