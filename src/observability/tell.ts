// Tells monitoring charms where metrics are to be had, with alert rules and a dashboard for them, and takes it back when
// there are none any more.
import { createHash } from 'node:crypto';
import { definition } from '../definition.ts';
import type { Observed } from '../observed.ts';
import type { ConcourseHook, Session } from '../session.ts';
import { type Facts, isWeb } from '../upgrade/facts.ts';
import { scrapeJobs, topologyOf } from './jobs.ts';
import { alertRules, dashboardUid, encodedDashboard } from './rules.ts';
import { type Watcher, watcherEndpoints } from './watchers.ts';

/** What is told, in all of its forms. */
interface News {
  /** Metrics are wanted. */
  metrics: boolean;
  /** And served on this unit. Of others nobody is told: a target without an answer would raise an alarm. */
  serves: boolean;
  leader: boolean;
}

/** Called where the memory names a watcher, or does not know while metrics are wanted. */
export async function tellWatchers(session: Session, o: Observed, facts: Facts): Promise<void> {
  const { metrics } = o.settings;
  const news: News = { metrics, serves: metrics && isWeb(facts), leader: o.leader };
  const known: readonly Watcher[] = session.memory.watchers ?? watcherEndpoints;
  const present: Watcher[] = [];
  for (const watcher of known) if (await tell[watcher](session.hook, news)) present.push(watcher);
  session.memory = { ...session.memory, watchers: present };
}

/** Each resolves with whether there is such a relation. */
const tell: Record<Watcher, (hook: ConcourseHook, news: News) => Promise<boolean>> = {
  monitoring: tellPrometheus,
  'cos-agent': tellAgent,
  'grafana-dashboard': tellGrafana,
};

async function tellPrometheus(hook: ConcourseHook, { metrics, serves, leader }: News): Promise<boolean> {
  const relations = living(hook, await hook.relations('monitoring'));
  for (const relation of relations) {
    const address = serves ? (await hook.network('monitoring', relation)).ingressAddresses[0] : undefined;
    relation.setUnit({
      prometheus_scrape_unit_address: address,
      prometheus_scrape_unit_name: address === undefined ? undefined : hook.unit,
    });
    if (!leader) continue;
    const topology = topologyOf(hook, definition.declared.name);
    await relation.setApplication({
      scrape_metadata: metrics ? topology : undefined,
      scrape_jobs: metrics ? scrapeJobs('*') : undefined,
      alert_rules: metrics ? alertRules(topology) : undefined,
    });
  }
  return relations.length > 0;
}

/** Every unit has an agent of its own, and all of them pass the same rules on. */
async function tellAgent(hook: ConcourseHook, { metrics, serves }: News): Promise<boolean> {
  const relations = living(hook, await hook.relations('cos-agent'));
  for (const relation of relations) {
    relation.setUnit({
      config: {
        metrics_alert_rules: metrics ? alertRules(topologyOf(hook, definition.declared.name)) : {},
        log_alert_rules: {},
        dashboards: metrics ? [encodedDashboard()] : [],
        metrics_scrape_jobs: serves ? scrapeJobs('localhost') : [],
        log_slots: [],
        subordinate: false,
      },
    });
  }
  return relations.length > 0;
}

async function tellGrafana(hook: ConcourseHook, { metrics, leader }: News): Promise<boolean> {
  const relations = living(hook, await hook.relations('grafana-dashboard'));
  for (const relation of relations) {
    if (!leader) continue;
    const { charm_name, ...topology } = topologyOf(hook, definition.declared.name);
    const content = encodedDashboard();
    const template = {
      charm: charm_name,
      content,
      juju_topology: topology,
      inject_dropdowns: true,
      dashboard_alt_uid: dashboardUid,
    };
    const templates = metrics ? { 'file:concourse': template } : {};
    // The interface wants something here that differs when the content does.
    const uuid = createHash('sha256').update(JSON.stringify(templates)).digest('hex').slice(0, 32);
    await relation.setApplication({ dashboards: { templates, uuid } });
  }
  return relations.length > 0;
}

/** Without the one that is ending: its databags are not ours to write any more. */
function living<R extends { id: string }>({ event }: ConcourseHook, relations: readonly R[]): R[] {
  const ending = event.kind === 'relation-broken' ? event.relation.id : undefined;
  return relations.filter(({ id }) => id !== ending);
}
