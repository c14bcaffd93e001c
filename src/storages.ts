// Juju's storages: what their events tell, kept in the unit's memory, since Juju has no event for a mount that is gone and
// to ask in every hook would cost two hook tools.
import type { Event } from 'juju-ts-ops';
import type { Remembered } from './memory.ts';
import type { ConcourseHook } from './session.ts';

type Storage = 'concourse-data' | 'worker-scratch';

export const isDetaching = (event: Event, name: Storage): boolean =>
  event.kind === 'storage-detaching' && event.storage.name === name;

/** What the unit remembers of its storages, with what this event tells. A unit without a memory asks. */
export async function noteStorage(
  hook: ConcourseHook,
  remembered: Remembered | undefined,
): Promise<Remembered> {
  const { event } = hook;
  if (event.kind === 'storage-attached' || event.kind === 'storage-detaching') {
    const { name, id, location } = event.storage;
    const here = event.kind === 'storage-attached';
    if (name === 'worker-scratch') return { ...remembered, scratch: here ? location : undefined };
    return { ...remembered, detaching: here ? undefined : id };
  }
  if (remembered !== undefined) return remembered;
  const [scratch] = await hook.storages('worker-scratch');
  return { scratch: scratch?.location };
}

/** Storages of a unit that is being removed go before anything else of it: what that unit needs them for ends first, and is
 * not begun again elsewhere. `goal-state` alone tells a removal from a detachment. */
export async function isLeaving(hook: ConcourseHook): Promise<boolean> {
  if (hook.event.kind !== 'storage-detaching') return false;
  const { units } = await hook.goalState();
  return units[hook.unit]?.status === 'dying';
}
