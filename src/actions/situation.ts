// The few demands that several actions make of what they observe.
import { ActionFailure } from 'juju-ts-ops';
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { type Goal, wholeGoal } from '../upgrade/goal.ts';
import { isGuest } from '../upgrade/volume.ts';

export function goalOf(o: Observed): Goal {
  if (o.goal === undefined)
    throw new ActionFailure('there is no goal yet: wait until the leader has named a version');
  return o.goal;
}

/** Only the leader can change the goal. */
export function demandLeader(o: Observed, action: string): void {
  if (!o.leader)
    throw new ActionFailure(`this unit does not lead: juju run ${o.application}/leader ${action}`);
}

export function demandInstaller(o: Observed, action: string): void {
  const { installer } = goalOf(o);
  if (installer !== o.unit)
    throw new ActionFailure(`this unit does not install: juju run ${installer} ${action}`);
  if (isGuest(o))
    throw new ActionFailure(
      `the volume is web's: juju run ${o.volume.identity?.application}/leader ${action}`,
    );
}

/** What cannot be used, or does not answer, is not touched: that could take for ever. */
export function demandVolume(o: Observed): void {
  if (o.volume.problem !== undefined) throw new ActionFailure(o.volume.problem);
}

/** Writes the goal; this unit is woken by its own write, and acts on it then. */
export async function setGoal({ hook }: Session, goal: Goal): Promise<void> {
  const peer = await hook.peer('peers');
  if (peer === undefined) throw new Error('there was a goal a moment ago, and now its relation is gone');
  await peer.setApplication(wholeGoal(goal));
}
