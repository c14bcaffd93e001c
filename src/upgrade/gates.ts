// What an upgrade waits for before it starts: an operator's hold, a backup of a database that is about to be migrated, units that
// are not known yet or are ahead of this one. An upgrade that has begun goes on.
import { type Observed, ownUp, type Status } from '../observed.ts';
import { upgradeOrder } from '../concourse/compatibility.ts';
import { compareVersions } from '../release/version.ts';
import { statuses } from '../statuses.ts';
import { protocolVersion } from './facts.ts';
import { type Goal, isThere } from './goal.ts';
import type { Step } from './installer.ts';

/** When to look again at what nobody tells of. */
export const retryLockMs = 30_000;

/** The action `hold`. Nothing is staged either: `prefetch` does that when it is wanted. A rollback is not held. */
export function heldBack(o: Observed, goal: Goal): Step | undefined {
  if (goal.hold !== true) return undefined;
  return { facts: {}, effects: [], statuses: [statuses.held(o.application, goal.version)] };
}

/** `require-backup`, where the schemas of the two releases differ. */
export function backupFirst(o: Observed, goal: Goal, installed: string): Step | undefined {
  if (!o.settings.requireBackup || o.settings.mode === 'worker') return undefined;
  if (goal['backup-id'] === goal['upgrade-id']) return undefined;
  const asking = asked(o, goal, installed);
  if (asking !== undefined) return asking;
  if (!migrates(o, goal, installed)) return undefined;
  const back = compareVersions(goal.version, installed) < 0;
  const command = back ? `rollback version=${goal.version}` : 'upgrade';
  return {
    facts: {},
    effects: [],
    statuses: [statuses.backupFirst(o.application, command, goal.version)],
  };
}

function asked(o: Observed, goal: Goal, installed: string): Step | undefined {
  const untold = [installed, goal.version].filter((version) => o.memory.schemas?.[version] === undefined);
  if (untold.length === 0 || o.failures.has('ask-schemas')) return undefined;
  return { facts: {}, effects: [{ do: 'ask-schemas', versions: untold }], statuses: [] };
}

/** A release that does not tell its schema counts as one that migrates. */
function migrates({ memory }: Observed, goal: Goal, installed: string): boolean {
  const [before, after] = [memory.schemas?.[installed], memory.schemas?.[goal.version]];
  return before === undefined || after === undefined || before !== after;
}

/** Where there are other webs, or may be before the upgrade is over, it turns on the schemas whether they stop. */
export const schemasFirst = (o: Observed, goal: Goal, installed: string): Step | undefined =>
  o.settings.mode === 'web' ? asked(o, goal, installed) : undefined;

/** Webs of the two releases cannot run side by side: not on one database, or not with one kind of worker. */
export const stopsWeb = (o: Observed, goal: Goal, installed: string): boolean =>
  o.settings.mode === 'web' &&
  (migrates(o, goal, installed) || upgradeOrder(installed, goal.version) === 'together');

/** A unit that has just come, and installs already, has not met everybody: who is not seen can neither be asked to stop nor
 * be heard. Juju is about to introduce them. */
export function unmet(o: Observed): Step | undefined {
  if (o.unmet.length === 0) return undefined;
  return { facts: {}, effects: [], statuses: [statuses.unmet(o.unmet)], wakeAt: o.now + retryLockMs };
}

/** Web runs, and could not be restarted: workers of the next release would find it on this one. Its own step says what is missing. */
export function webAtStake({ web, now }: Observed): Step | undefined {
  if (!ownUp(web) || web.plan === undefined || !('missing' in web.plan)) return undefined;
  return { facts: {}, effects: [], statuses: [], wakeAt: now + retryLockMs };
}

export function newerProtocol(o: Observed): Status | undefined {
  for (const [name, theirs] of o.peers) {
    const spoken = theirs.protocol ?? protocolVersion;
    if (spoken > protocolVersion && isThere(name, theirs, o.living)) {
      return statuses.newerProtocol(name, spoken);
    }
  }
  return undefined;
}

/** The goal is the release of before, which has not been taken away. */
export function isRollback(o: Observed, goal: Goal, installed: string): boolean {
  return (
    o.settings.mode !== 'worker' &&
    goal['skip-version'] === installed &&
    compareVersions(goal.version, installed) < 0 &&
    o.volume.releases.has(goal.version)
  );
}
