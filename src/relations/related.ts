// Which endpoints of web have a relation. It is kept in the unit's memory, since to ask in every hook would cost hook tools in
// every hook of every unit.
import type { Remembered } from '../memory.ts';
import type { ConcourseHook } from '../session.ts';

export const relatedEndpoints = ['ingress', 'vault-kv', 'certificates'] as const;
export type RelatedEndpoint = (typeof relatedEndpoints)[number];

/** `remembered`, with what this event tells. A unit that has lost its memory asks; a new one hears of each relation. */
export async function noteRelated(
  hook: ConcourseHook,
  remembered: Remembered,
  lost: boolean,
): Promise<Remembered> {
  const { event } = hook;
  const asks = lost && event.kind !== 'install' && event.kind !== 'storage-attached';
  const known = remembered.related ?? (asks ? await asked(hook) : []);
  const endpoint = relatedEndpoints.find((name) => name === event.relation?.endpoint);
  const there = event.kind !== 'relation-broken';
  const related = relatedEndpoints.filter((name) => (name === endpoint ? there : known.includes(name)));
  return related.length === 0 && remembered.related === undefined ? remembered : { ...remembered, related };
}

async function asked(hook: ConcourseHook): Promise<RelatedEndpoint[]> {
  const there: RelatedEndpoint[] = [];
  for (const name of relatedEndpoints) if ((await hook.relations(name)).length > 0) there.push(name);
  return there;
}
