// The actions around a maintenance window: hold and resume, both the leader's.
import { goalInputs } from '../decide.ts';
import { observe } from '../observe/observe.ts';
import type { Session } from '../session.ts';
import { type Goal, nextGoal } from '../upgrade/goal.ts';
import { demandLeader, goalOf, setGoal } from './situation.ts';

/** An upgrade that has begun is not stopped: its workers are down already. */
export async function hold(session: Session) {
  const o = await observe(session);
  demandLeader(o, 'hold');
  const goal = goalOf(o);
  if (goal.hold === true) return { held: true, result: 'upgrades are held already' };
  await setGoal(session, { ...goal, hold: true });
  return { held: true, result: 'no upgrade starts until the action resume; one that has begun goes on' };
}

export async function resume(session: Session) {
  const o = await observe(session);
  demandLeader(o, 'resume');
  const goal = goalOf(o);
  // While upgrades are held, it is the hold that ends: a canary may have yet to go.
  const behind = o.settings.upgradeStrategy === 'canary' && goal['resumed-id'] !== goal['upgrade-id'];
  const canary = goal.hold !== true && behind;
  if (goal.hold !== true && !canary) return { held: false, result: 'upgrades were not held' };
  const free: Goal = {
    ...goal,
    'resumed-id': canary ? goal['upgrade-id'] : goal['resumed-id'],
    hold: undefined,
  };
  await setGoal(session, free);
  // What the leader makes of it in its next hook.
  const { version } = nextGoal({ ...goalInputs(o), goal: free }) ?? free;
  if (goal.hold !== true) return { held: false, version, result: `the other workers go to ${version}` };
  const waits = o.volume.installed !== undefined && o.volume.installed !== version;
  const result = waits ? `the upgrade to ${version} starts` : 'upgrades start again when they are asked for';
  return { held: false, version, result };
}
