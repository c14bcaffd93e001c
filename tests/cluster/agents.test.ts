// The relations `cos-agent` and `grafana-dashboard`: what reads the databags as the libraries of the interfaces cos_agent (v0)
// and grafana_dashboard (v0) do gets rules, a dashboard and, on web's machine alone, what to scrape there.
import { expect, test } from 'vitest';
import dashboard from '../../src/observability/dashboard.json' with { type: 'json' };
import { Collector, Grafana } from '../support/providers/watchers.ts';
import { contentOf } from '../unit/observability/xz-content.ts';
import { application, Deployment } from './support/deployment.ts';

function collected(d: Deployment): Collector {
  const collector = new Collector(d.stage);
  collector.integrate();
  return collector;
}

function drawn(d: Deployment): Grafana {
  const grafana = new Grafana(d.stage);
  grafana.integrate();
  return grafana;
}

test('each unit’s agent gets rules and a dashboard; the one beside web scrapes it, on its own machine', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const collector = collected(d);
  await d.cluster.settle();
  const [web = '', ...others] = d.juju.units(application);
  expect(collector.targetsOn(web)).toContain('localhost:9391');
  expect(others.flatMap((unit) => collector.targetsOn(unit))).toEqual([]);
  for (const config of collector.configs()) {
    expect(config.metrics_alert_rules.groups?.map(({ name }) => name)).toEqual([
      expect.stringMatching(/concourse-ci_concourse_alerts$/),
    ]);
    expect(config.dashboards.map((text) => JSON.parse(contentOf(text)))).toEqual([dashboard]);
  }
});

test('without metrics an agent is left with nothing of ours, which it would not see in an absent key', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const collector = collected(d);
  await d.cluster.settle();
  d.juju.configure(application, { 'enable-metrics': false });
  await d.cluster.settle();
  for (const config of collector.configs())
    expect(config).toEqual({
      metrics_alert_rules: {},
      log_alert_rules: {},
      dashboards: [],
      metrics_scrape_jobs: [],
      log_slots: [],
    });
});

test('Grafana gets the dashboard, and loses it with the option', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const grafana = drawn(d);
  await d.cluster.settle();
  expect(grafana.dashboards()).toEqual([dashboard]);
  d.juju.configure(application, { 'enable-metrics': false });
  await d.cluster.settle();
  expect(grafana.dashboards()).toEqual([]);
});

test('at rest nothing is written anew', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const relations = [collected(d).relation, drawn(d).relation];
  await d.cluster.settle();
  const before = relations.map((relation) => JSON.stringify(d.juju.databag(relation, d.unit(0))));
  d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
  await d.cluster.settle();
  expect(relations.map((relation) => JSON.stringify(d.juju.databag(relation, d.unit(0))))).toEqual(before);
});
