// What monitoring charms read in our databags: the keys of the interface prometheus_scrape (v0), as its library has them.
import { json } from 'juju-ts-ops';
import { z } from 'zod';

const labels = z.record(z.string(), z.string());
const scrapeJob = z.object({
  /** Fixed, or the series would break off when it changes. */
  job_name: z.string(),
  metrics_path: z.string(),
  static_configs: z.array(z.object({ targets: z.array(z.string()) })),
});
export type ScrapeJob = z.infer<typeof scrapeJob>;

/** Prometheus' own format of rule files. */
const rules = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          for: z.string(),
          labels,
          annotations: labels,
        }),
      ),
    }),
  ),
});
export type Rules = z.infer<typeof rules>;

const topology = z.object({
  model: z.string(),
  model_uuid: z.string(),
  application: z.string(),
  unit: z.string(),
  charm_name: z.string(),
});
export type Topology = z.infer<typeof topology>;

/** A dashboard, as the interface grafana_dashboard has them: `content` is an .xz stream in base64. */
const template = z.object({
  charm: z.string(),
  content: z.string(),
  juju_topology: topology.omit({ charm_name: true }),
  inject_dropdowns: z.boolean(),
  dashboard_alt_uid: z.string(),
});

/** Written by the leader. The reader overlooks an absent key: to take dashboards back, there are none in it. */
export const dashboardApplication = z.object({
  dashboards: json(z.object({ templates: z.record(z.string(), template), uuid: z.string() })),
});

/** What a subordinate that collects metrics and logs on our machine reads, as the interface cos_agent (v0) has it. It overlooks
 * an absent key, too. */
const agentConfig = z.object({
  metrics_alert_rules: z.union([rules, z.object({})]),
  log_alert_rules: z.object({}),
  dashboards: z.array(z.string()),
  metrics_scrape_jobs: z.array(scrapeJob),
  log_slots: z.array(z.string()),
  // Read by older libraries, which fail without it.
  subordinate: z.boolean(),
});
export const agentUnit = z.object({ config: json(agentConfig) });

/** Written by the leader. */
export const scrapeApplication = z.object({
  scrape_metadata: json(topology),
  /** A target `*:PORT` is that port of every unit that tells an address. */
  scrape_jobs: json(z.array(scrapeJob)),
  alert_rules: json(rules),
});

export const scrapeUnit = z.object({
  prometheus_scrape_unit_address: z.string(),
  prometheus_scrape_unit_name: z.string(),
});
