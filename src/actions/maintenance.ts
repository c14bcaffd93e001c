// The actions around a maintenance window: hold and resume, both the leader's.
import { observe } from '../observe/observe.ts';
import type { Session } from '../session.ts';
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
  if (goal.hold !== true) return { held: false, result: 'upgrades were not held' };
  await setGoal(session, { ...goal, hold: undefined });
  const waits = o.volume.installed !== undefined && o.volume.installed !== goal.version;
  const result = waits
    ? `the upgrade to ${goal.version} starts`
    : 'upgrades start again when they are asked for';
  return { held: false, version: goal.version, result };
}
