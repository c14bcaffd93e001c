// The relation `monitoring`: a Prometheus that reads the databags as the library of the interface prometheus_scrape (v0)
// does finds web and nothing else, and forgets it when the option or the relation goes.
import { expect, test } from 'vitest';
import { Prometheus } from '../support/providers/watchers.ts';
import { application, Deployment, webService } from './support/deployment.ts';

const keys = { app: ['scrape_jobs', 'scrape_metadata', 'alert_rules'] } as const;
class Scraped extends Prometheus {
  constructor(d: Deployment) {
    super(d.stage);
    this.integrate();
  }
}

const environment = async (d: Deployment, unit: string) =>
  (await d.machine(unit).services.show([webService]))[webService]?.environment ?? {};

test('Prometheus finds web where metrics are served, and nothing before that', async () => {
  const d = await Deployment.settled();
  const scraped = new Scraped(d);
  await d.cluster.settle();
  expect(scraped.targets()).toEqual([]);
  expect(await environment(d, d.unit(0))).not.toHaveProperty('CONCOURSE_PROMETHEUS_BIND_PORT');

  d.juju.configure(application, { 'enable-metrics': true });
  await d.cluster.settle();
  expect(scraped.targets()).toContain('concourse-ci/0 concourse 10.0.0.10:9391/metrics');
  expect(scraped.targets().every((target) => target.startsWith('concourse-ci/0 '))).toBe(true);
  expect(await environment(d, d.unit(0))).toMatchObject({
    CONCOURSE_PROMETHEUS_BIND_IP: '0.0.0.0',
    CONCOURSE_PROMETHEUS_BIND_PORT: '9391',
  });
});

test('without the option nothing is scraped, and web serves no metrics', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const scraped = new Scraped(d);
  await d.cluster.settle();
  expect(scraped.targets()).not.toEqual([]);
  d.juju.configure(application, { 'enable-metrics': false });
  await d.cluster.settle();
  for (const owner of [application, ...d.juju.units(application)])
    for (const key of [...keys.app, 'prometheus_scrape_unit_address', 'prometheus_scrape_unit_name'])
      expect(scraped.bag(owner)).not.toHaveProperty(key);
  expect(await environment(d, d.unit(0))).not.toHaveProperty('CONCOURSE_PROMETHEUS_BIND_IP');
});

test('the target moves with web', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const scraped = new Scraped(d);
  await d.cluster.settle();
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  expect(scraped.targets()).toContain('concourse-ci/1 concourse 10.0.0.11:9391/metrics');
  expect(scraped.targets().every((target) => target.startsWith('concourse-ci/1 '))).toBe(true);
});

test('a relation that ends and comes again is told again', async () => {
  const d = await Deployment.settled({ config: { 'enable-metrics': true } });
  const scraped = new Scraped(d);
  await d.cluster.settle();
  d.juju.removeRelation(scraped.relation);
  await d.cluster.settle();
  expect(d.statuses().every((status) => status.startsWith('active'))).toBe(true);
  scraped.integrate();
  await d.cluster.settle();
  expect(scraped.targets()).not.toEqual([]);
});
