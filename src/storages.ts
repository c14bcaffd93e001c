// What Juju brings a unit: its storages, the relations `filesystem` and `postgresql`; and whether it has web or workers elsewhere.
// Their events are kept in the unit's memory, since to ask in every hook would cost hook tools in every hook of every unit.
import type { Event } from 'juju-ts-ops';
import type { Remembered } from './memory.ts';
import type { ConcourseHook } from './session.ts';

type Storage = 'concourse-data' | 'worker-scratch';

export const isDetaching = (event: Event, name: Storage): boolean =>
  event.kind === 'storage-detaching' && event.storage.name === name;

/** What the unit remembers, with what this event tells. A unit without a memory asks. */
export async function noteStorage(
  hook: ConcourseHook,
  remembered: Remembered | undefined,
): Promise<Remembered> {
  const known = await withElsewhere(hook, remembered ?? (await asked(hook)));
  const { event } = hook;
  if (event.kind === 'storage-attached' || event.kind === 'storage-detaching') {
    const { name, id, location } = event.storage;
    const here = event.kind === 'storage-attached';
    if (name === 'worker-scratch') return { ...known, scratch: here ? location : undefined };
    return { ...known, detaching: here ? undefined : id };
  }
  const broken = event.kind === 'relation-broken';
  switch (event.relation?.endpoint) {
    case 'filesystem':
      return { ...known, filesystem: !broken };
    case 'postgresql':
      return { ...known, postgresql: await hasDatabase(hook) };
    case 'flight':
      return { ...known, flight: !broken, webs: broken ? undefined : known.webs };
    case 'tsa':
      return { ...known, tsaRelations: !broken || (await others(hook, event.relation.id)) };
    default:
      return known;
  }
}

/** A revision before this one, or none, has not looked for them. */
async function withElsewhere(hook: ConcourseHook, known: Remembered): Promise<Remembered> {
  if (known.tsaRelations !== undefined && known.flight !== undefined) return known;
  const [tsa, flight] = await Promise.all([hook.relations('tsa'), hook.relations('flight')]);
  return { ...known, tsaRelations: tsa.length > 0, flight: flight.length > 0 };
}

async function others(hook: ConcourseHook, broken: string): Promise<boolean> {
  return (await hook.relations('tsa')).some(({ id }) => id !== broken);
}

async function asked(hook: ConcourseHook): Promise<Remembered> {
  const [[scratch], relations, postgresql] = await Promise.all([
    hook.storages('worker-scratch'),
    hook.relations('filesystem'),
    hasDatabase(hook),
  ]);
  // Not `false`: that is a relation that has ended. A new unit hears of it only after its first hooks.
  return { scratch: scratch?.location, postgresql, ...(relations.length > 0 && { filesystem: true }) };
}

const hasDatabase = async (hook: ConcourseHook): Promise<boolean> =>
  (await databaseRelation(hook)) !== undefined;

/** The relation `postgresql`, but one that is just ending: the next may be there before it. */
export async function databaseRelation(hook: ConcourseHook) {
  const { event } = hook;
  const ending = event.kind === 'relation-broken' ? event.relation.id : undefined;
  return (await hook.relations('postgresql')).find(({ id }) => id !== ending);
}

/** What a unit keeps things on goes before anything else of a unit that is removed: what needs it ends first, and is not begun
 * again elsewhere. `goal-state` alone tells a removal from a detachment. */
export async function isLeaving(hook: ConcourseHook): Promise<boolean> {
  const { event } = hook;
  const ended = event.kind === 'relation-broken' && event.relation.endpoint === 'filesystem';
  if (event.kind !== 'storage-detaching' && !ended) return false;
  const { units } = await hook.goalState();
  return units[hook.unit]?.status === 'dying';
}
