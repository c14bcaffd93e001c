// What there is to scrape, and under which names: pure.
import { EXPORTER_PORT } from '../concourse/exporter.ts';
import { METRICS_PORT } from '../concourse/web.ts';
import type { ScrapeJob, Topology } from './schemas.ts';

/** `host`: `*` for every unit that tells its address. */
export const scrapeJobs = (host: string): ScrapeJob[] => [
  job('concourse', host, METRICS_PORT),
  job('exporter', host, EXPORTER_PORT),
];

const job = (name: string, host: string, port: number): ScrapeJob => ({
  job_name: name,
  metrics_path: '/metrics',
  static_configs: [{ targets: [`${host}:${port}`] }],
});

/** Where the series come from: monitoring charms make labels of it. */
export const topologyOf = (
  hook: { model: { name: string; uuid: string }; application: string; unit: string },
  charm: string,
): Topology => ({
  model: hook.model.name,
  model_uuid: hook.model.uuid,
  application: hook.application,
  unit: hook.unit,
  charm_name: charm,
});
