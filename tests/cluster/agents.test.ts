// The relations `cos-agent` and `grafana-dashboard`: what reads the databags as the libraries of the interfaces cos_agent (v0)
// and grafana_dashboard (v0) do gets rules, a dashboard and, on web's machine alone, what to scrape there.
import { charmFiles, defineCharm, requires } from 'juju-ts-ops';
import { expect, test } from 'vitest';
import { z } from 'zod';
import dashboard from '../../src/observability/dashboard.json' with { type: 'json' };
import { contentOf } from '../unit/observability/xz-content.ts';
import { application, Deployment } from './support/deployment.ts';

/** As the library's model of the unit databag has it: what it has no default for must be there. */
const agentConfig = z.object({
  metrics_alert_rules: z.object({ groups: z.array(z.object({ name: z.string() })).optional() }),
  log_alert_rules: z.object({}),
  dashboards: z.array(z.string()),
  metrics_scrape_jobs: z.array(
    z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) }),
  ),
  log_slots: z.array(z.string()),
});

/** `endpoint` of ours in relation with an application that only reads. */
function related(d: Deployment, name: string, endpoint: string, kind: string): number {
  const reader = defineCharm({
    name,
    summary: 'reads',
    description: 'reads',
    requires: { ours: requires({ interface: kind }) },
  });
  d.cluster.deploy(name, {
    files: charmFiles(reader),
    charm: () => reader.implement({ reconcile: async () => {}, teardown: async () => {}, actions: {} }),
  });
  return d.juju.integrate(`${application}:${endpoint}`, `${name}:ours`);
}

const configs = (d: Deployment, relation: number) =>
  d.juju
    .units(application)
    .map((unit) => agentConfig.parse(JSON.parse(d.juju.databag(relation, unit)['config'] ?? '')));
const targetsOf = ({ metrics_scrape_jobs }: z.infer<typeof agentConfig>) =>
  metrics_scrape_jobs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets));

test('each unit’s agent gets rules and a dashboard; the one beside web scrapes it, on its own machine', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const relation = related(d, 'collector', 'cos-agent', 'cos_agent');
  await d.cluster.settle();
  const [web, ...others] = configs(d, relation);
  expect(web && targetsOf(web)).toContain('localhost:9391');
  expect(others.flatMap(targetsOf)).toEqual([]);
  for (const config of configs(d, relation)) {
    expect(config.metrics_alert_rules.groups?.map(({ name }) => name)).toEqual([
      expect.stringMatching(/concourse-ci_concourse_alerts$/),
    ]);
    expect(config.dashboards.map((text) => JSON.parse(contentOf(text)))).toEqual([dashboard]);
  }
});

test('without metrics an agent is left with nothing of ours, which it would not see in an absent key', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const relation = related(d, 'collector', 'cos-agent', 'cos_agent');
  await d.cluster.settle();
  d.juju.configure(application, { 'enable-metrics': false });
  await d.cluster.settle();
  for (const config of configs(d, relation))
    expect(config).toEqual({
      metrics_alert_rules: {},
      log_alert_rules: {},
      dashboards: [],
      metrics_scrape_jobs: [],
      log_slots: [],
    });
});

const grafana = z.object({
  templates: z.record(z.string(), z.object({ content: z.string(), charm: z.string() })),
});
const dashboards = (d: Deployment, relation: number) =>
  Object.values(
    grafana.parse(JSON.parse(d.juju.databag(relation, application)['dashboards'] ?? '')).templates,
  ).map(({ content }) => JSON.parse(contentOf(content)));

test('Grafana gets the dashboard, and loses it with the option', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const relation = related(d, 'grafana', 'grafana-dashboard', 'grafana_dashboard');
  await d.cluster.settle();
  expect(dashboards(d, relation)).toEqual([dashboard]);
  d.juju.configure(application, { 'enable-metrics': false });
  await d.cluster.settle();
  expect(dashboards(d, relation)).toEqual([]);
});

test('at rest nothing is written anew', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const relations = [
    related(d, 'collector', 'cos-agent', 'cos_agent'),
    related(d, 'grafana', 'grafana-dashboard', 'grafana_dashboard'),
  ];
  await d.cluster.settle();
  const before = relations.map((relation) => JSON.stringify(d.juju.databag(relation, d.unit(0))));
  d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
  await d.cluster.settle();
  expect(relations.map((relation) => JSON.stringify(d.juju.databag(relation, d.unit(0))))).toEqual(before);
});
