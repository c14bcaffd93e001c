// What an operator wants to decide before an upgrade starts: a hold on all of them, and a backup of a database that is about to be
// migrated. An upgrade that has begun goes on.
import type { Observed } from '../observed.ts';
import { compareVersions } from '../release/version.ts';
import { statuses } from '../statuses.ts';
import type { Goal } from './goal.ts';
import type { Step } from './installer.ts';

/** The action `hold`. Nothing is staged either: `prefetch` does that when it is wanted. A rollback is not held. */
export function heldBack(o: Observed, goal: Goal): Step | undefined {
  if (goal.hold !== true) return undefined;
  return { facts: {}, effects: [], statuses: [statuses.held(o.application, goal.version)] };
}

/** `require-backup`, where the schemas of the two releases differ. A release that does not tell its schema counts as one that
 * migrates. */
export function backupFirst(o: Observed, goal: Goal, installed: string): Step | undefined {
  if (!o.settings.requireBackup || o.settings.mode === 'worker') return undefined;
  if (goal['backup-id'] === goal['upgrade-id']) return undefined;
  const known = o.memory.schemas ?? {};
  const untold = [installed, goal.version].filter((version) => known[version] === undefined);
  if (untold.length > 0 && !o.failures.has('ask-schemas'))
    return { facts: {}, effects: [{ do: 'ask-schemas', versions: untold }], statuses: [] };
  if (untold.length === 0 && known[installed] === known[goal.version]) return undefined;
  const back = compareVersions(goal.version, installed) < 0;
  const command = back ? `rollback version=${goal.version}` : 'upgrade';
  return {
    facts: {},
    effects: [],
    statuses: [statuses.backupFirst(o.application, command, goal.version)],
  };
}
