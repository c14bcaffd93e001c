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
