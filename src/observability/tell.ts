// Tells monitoring charms where metrics are to be had, and takes it back when there are none any more.
import { definition } from '../definition.ts';
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { isWeb } from '../upgrade/facts.ts';
import type { Facts } from '../upgrade/facts.ts';
import { scrapeJobs, topologyOf } from './jobs.ts';
import { type Watcher, watcherEndpoints } from './watchers.ts';

/** Called where the memory names a watcher, or does not know while metrics are wanted. */
export async function tellWatchers(session: Session, o: Observed, facts: Facts): Promise<void> {
  const known: readonly Watcher[] = session.memory.watchers ?? watcherEndpoints;
  const present: Watcher[] = [];
  if (known.includes('monitoring') && (await tellMonitoring(session, o, facts))) present.push('monitoring');
  session.memory = { ...session.memory, watchers: present };
}

/** Resolves with whether there is such a relation. */
async function tellMonitoring(session: Session, o: Observed, facts: Facts): Promise<boolean> {
  const { hook } = session;
  const relations = living(session, await hook.relations('monitoring'));
  for (const relation of relations) {
    // Of the other units nothing listens: a target without an answer would raise an alarm.
    const serves = o.settings.metrics && isWeb(facts);
    const address = serves ? (await hook.network('monitoring', relation)).ingressAddresses[0] : undefined;
    relation.setUnit({
      prometheus_scrape_unit_address: address,
      prometheus_scrape_unit_name: address === undefined ? undefined : hook.unit,
    });
    if (!o.leader) continue;
    const topology = topologyOf(hook, definition.declared.name);
    await relation.setApplication({
      scrape_metadata: o.settings.metrics ? topology : undefined,
      scrape_jobs: o.settings.metrics ? scrapeJobs('*') : undefined,
    });
  }
  return relations.length > 0;
}

/** Without the one that is ending: its databags are not ours to write any more. */
function living<R extends { id: string }>({ hook: { event } }: Session, relations: readonly R[]): R[] {
  const ending = event.kind === 'relation-broken' ? event.relation.id : undefined;
  return relations.filter(({ id }) => id !== ending);
}
