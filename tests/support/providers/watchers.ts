// Applications that watch Concourse: they read the databags as the libraries of prometheus_scrape (v0), cos_agent (v0) and
// grafana_dashboard (v0) do.
import { defineCharm, requires } from 'juju-ts-ops';
import { expect } from 'vitest';
import { z } from 'zod';
import { contentOf } from '../../unit/observability/xz-content.ts';
import { application, idle, Provider, type Stage } from './stage.ts';

const jobs = z.array(
  z.object({
    job_name: z.string(),
    metrics_path: z.string(),
    static_configs: z.array(z.object({ targets: z.array(z.string()) })),
  }),
);
const metadata = z.object({ model: z.string(), model_uuid: z.string(), application: z.string() });

/** Only reads. */
class Reader extends Provider {
  constructor(stage: Stage, ours: string, name: string, kind: string) {
    super(stage, ours, `${name}:ours`);
    const charm = defineCharm({
      name,
      summary: 'reads',
      description: 'reads',
      requires: { ours: requires({ interface: kind }) },
    });
    stage.play(name, charm.implement(idle));
  }
}

export class Prometheus extends Reader {
  constructor(stage: Stage) {
    super(stage, 'monitoring', 'prometheus', 'prometheus_scrape');
  }

  /** What it would scrape, as `UNIT JOB ADDRESS:PORT/PATH`. */
  targets(): string[] {
    const { scrape_jobs: text = '[]', scrape_metadata = '{}' } = this.bag(application);
    const wanted = jobs.parse(JSON.parse(text));
    if (wanted.length > 0) expect(metadata.parse(JSON.parse(scrape_metadata)).application).toBe(application);
    return wanted.flatMap(({ job_name, metrics_path, static_configs }) =>
      static_configs.flatMap(({ targets }) =>
        targets.flatMap((target) => {
          const [host, port] = target.split(':');
          expect(host).toBe('*');
          return this.stage.juju.units(application).flatMap((unit) => {
            const bag = this.bag(unit);
            const name = bag['prometheus_scrape_unit_name'] || unit;
            const address = bag['prometheus_scrape_unit_address'] || bag['prometheus_scrape_host'];
            return address ? [`${name} ${job_name} ${address}:${port}${metrics_path}`] : [];
          });
        }),
      ),
    );
  }
}

/** As the library's model of the unit databag has it: what it has no default for must be there. */
const agentConfig = z.object({
  metrics_alert_rules: z.object({ groups: z.array(z.object({ name: z.string() })).optional() }),
  log_alert_rules: z.object({}),
  dashboards: z.array(z.string()),
  metrics_scrape_jobs: jobs.element.omit({ job_name: true, metrics_path: true }).array(),
  log_slots: z.array(z.string()),
});

/** A subordinate's agent on each unit's machine. */
export class Collector extends Reader {
  constructor(stage: Stage) {
    super(stage, 'cos-agent', 'collector', 'cos_agent');
  }

  /** By unit, in their order. */
  configs(): z.infer<typeof agentConfig>[] {
    return this.stage.juju
      .units(application)
      .map((unit) => agentConfig.parse(JSON.parse(this.bag(unit)['config'] ?? '')));
  }

  /** What the agent on that unit's machine would scrape there, as `HOST:PORT`. */
  targetsOn(unit: string): string[] {
    const config = this.configs()[this.stage.juju.units(application).indexOf(unit)];
    return (config?.metrics_scrape_jobs ?? []).flatMap((job) =>
      job.static_configs.flatMap(({ targets }) => targets),
    );
  }
}

const templates = z.object({
  templates: z.record(z.string(), z.object({ content: z.string(), charm: z.string() })),
});

export class Grafana extends Reader {
  constructor(stage: Stage) {
    super(stage, 'grafana-dashboard', 'grafana', 'grafana_dashboard');
  }

  dashboards(): unknown[] {
    const told = templates.parse(JSON.parse(this.bag(application)['dashboards'] ?? ''));
    return Object.values(told.templates).map(({ content }) => JSON.parse(contentOf(content)));
  }
}
