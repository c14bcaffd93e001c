// Writes into the relations `tsa` and `flight` what other applications are to know of this unit. Loaded where there are such.
import { hostAndPort } from './concourse/addresses.ts';
import { TSA_PORT } from './concourse/web.ts';
import type { Observed } from './observed.ts';
import type { Session } from './session.ts';
import { nothingOfWeb, nothingOfWorker, wordOfWeb, wordOfWorker } from './upgrade/elsewhere.ts';
import { isWeb } from './upgrade/facts.ts';

export async function tellElsewhere(session: Session, o: Observed): Promise<void> {
  const { hook, memory } = session;
  const web = isWeb(o.facts);
  if (!web && memory.toldElsewhere === true) await clearTsa(session);
  for (const known of o.tsa) {
    const relation = (await relationsOf(session, 'tsa')).find(({ id }) => id === known.id);
    if (relation === undefined) continue;
    // As the units of this relation reach it: in another model, by another address. A web that does not answer has none.
    const network = o.web.answers === undefined ? undefined : await hook.network('tsa', relation);
    const address = network?.ingressAddresses[0] ?? network?.bindAddresses[0]?.address;
    relation.setUnit(wordOfWeb(o, known, address && hostAndPort(address, TSA_PORT)));
  }
  if (o.flight !== undefined)
    for (const relation of await relationsOf(session, 'flight')) relation.setUnit(wordOfWorker(o));
  session.memory = { ...session.memory, toldElsewhere: o.tsa.length > 0 ? true : undefined };
}

/** A unit that goes: its key is let in no longer, and nobody looks for web here. On Juju 4 others may never hear that it departed. */
export async function sayGoodbyeElsewhere(session: Session): Promise<void> {
  await clearTsa(session);
  for (const relation of await relationsOf(session, 'flight')) relation.setUnit(nothingOfWorker);
}

async function clearTsa(session: Session): Promise<void> {
  for (const relation of await relationsOf(session, 'tsa')) relation.setUnit(nothingOfWeb);
}

/** Without one that has just ended. */
async function relationsOf<E extends 'tsa' | 'flight'>({ hook }: Session, endpoint: E) {
  const { event } = hook;
  const broken = event.kind === 'relation-broken' ? event.relation.id : undefined;
  return (await hook.relations(endpoint)).filter(({ id }) => id !== broken);
}
