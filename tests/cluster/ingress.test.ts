// The relation `ingress`: an ingress that reads the databags as the library traefik_k8s.v2.ingress does, of which haproxy has the
// same, reaches web alone, and people are sent to its URL.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Authority } from '../support/authority.ts';
import { fixedKey } from '../support/fake-random.ts';
import { IngressProvider } from '../support/providers/ingress.ts';
import {
  application,
  Deployment,
  type DeploymentOptions,
  webService,
  workerService,
} from './support/deployment.ts';

class Ingress extends IngressProvider {
  readonly d: Deployment;

  constructor(d: Deployment) {
    super(d.stage);
    this.d = d;
    this.integrate();
  }

  says(url: string | undefined): Promise<void> {
    this.url = url;
    return this.changes();
  }
}

async function served(options: DeploymentOptions = {}): Promise<Ingress> {
  const d = await Deployment.settled(options);
  const ingress = new Ingress(d);
  await d.cluster.settle();
  return ingress;
}

const environment = (d: Deployment, number = 0) =>
  readFileSync(join(d.machine(d.unit(number)).paths.etc, 'web.env'), 'utf8');
const externalUrl = (d: Deployment, number = 0) => /EXTERNAL_URL="(.*)"/.exec(environment(d, number))?.[1];

test('every unit tells where web is, and web takes the URL of the ingress; no worker notices', async () => {
  const d = await Deployment.settled();
  const starts = d.machine(d.unit(1)).services.starts.length;
  const ingress = new Ingress(d);
  await d.cluster.settle();
  expect(ingress.backends()).toEqual(['http://10.0.0.10:8080']);
  expect(externalUrl(d)).toBe('https://ci.example.com');
  expect(d.status(d.unit(0))).toBe('active: web 8.1.0 at https://ci.example.com, 2 workers');
  expect(d.machine(d.unit(1)).services.starts).toHaveLength(starts);
});

test('a unit that joins tells it, too, and a port that changes is told', async () => {
  const ingress = await served();
  const { d } = ingress;
  d.juju.addUnit(application);
  d.juju.configure(application, { 'web-port': 9090 });
  await d.cluster.settle();
  expect(ingress.backends()).toEqual(['http://10.0.0.10:9090']);
});

test('web that moves is followed by all units, whoever leads', async () => {
  const ingress = await served();
  const { d } = ingress;
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(2) });
  await d.cluster.settle();
  expect(ingress.backends()).toEqual(['http://10.0.0.12:8080']);
  expect(externalUrl(d, 2)).toBe('https://ci.example.com');
  d.juju.setLeader(application, d.unit(1));
  d.juju.configure(application, { 'web-port': 9090 });
  await d.cluster.settle();
  expect(ingress.backends()).toEqual(['http://10.0.0.12:9090']);
});

test('another URL restarts web with it; with the relation it goes', async () => {
  const ingress = await served();
  const { d } = ingress;
  await ingress.says('http://builds.example.com:8000/');
  expect(externalUrl(d)).toBe('http://builds.example.com:8000');
  d.juju.removeRelation(ingress.relation);
  await d.cluster.settle();
  expect(externalUrl(d)).toBe('http://10.0.0.10:8080');
  expect(d.facts(d.unit(0))['web-address']).toBeUndefined();
});

test('external-url goes before what the ingress says', async () => {
  const { d } = await served({ config: { 'external-url': 'https://ours.example.com' } });
  expect(externalUrl(d)).toBe('https://ours.example.com');
});

test('a URL with a path is refused in words, and web goes on under its own address', async () => {
  const ingress = await served();
  const { d } = ingress;
  await ingress.says('http://10.1.1.1/model-concourse-ci');
  expect(d.status(d.unit(0))).toMatch(
    /^blocked: relation ingress: Concourse cannot be served below \/model-concourse-ci: give it a name of its own/,
  );
  expect(externalUrl(d)).toBe('http://10.0.0.10:8080');
  expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
});

test('with a certificate of its own, web is reached by HTTPS', async () => {
  const ingress = await served();
  const { d } = ingress;
  const now = d.clock.now();
  const key = fixedKey(2).privatePem;
  const life = { notBefore: now - 1000, notAfter: now + 1e10 };
  const certificate = new Authority('Root', now).issue(key, { names: ['10.0.0.10'], ...life });
  d.juju.configure(application, {
    'tls-certificate': d.juju.addSecret('tls', { certificate, 'private-key': key }),
  });
  d.juju.grantSecret('tls', application);
  await d.cluster.settle();
  expect(ingress.backends()).toEqual(['https://10.0.0.10:443']);
  expect(externalUrl(d)).toBe('https://ci.example.com');
});

test('a memory that was lost asks whether there is an ingress', async () => {
  const { d } = await served({ units: 1 });
  rmSync(join(d.machine(d.unit(0)).paths.memory, 'concourse-ci-0.json'));
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(environment(d)).toContain('LOG_LEVEL="debug"');
  expect(externalUrl(d)).toBe('https://ci.example.com');
});

test('tsa-address is what workers are told instead of the address of web', async () => {
  const d = await Deployment.settled({ units: 2, config: { 'tsa-address': 'ci.example.com:2200' } });
  const worker = readFileSync(join(d.machine(d.unit(1)).paths.etc, 'worker.env'), 'utf8');
  expect(worker).toContain('CONCOURSE_TSA_HOST="ci.example.com:2200"');
  expect(environment(d)).toContain('CONCOURSE_TSA_BIND_PORT="2222"');
  d.juju.configure(application, { 'tsa-address': 'ci.example.com' });
  await d.cluster.settle();
  expect(d.status(d.unit(0))).toMatch(
    /^blocked: juju config concourse-ci tsa-address=…: 'ci\.example\.com' is not HOST:PORT/,
  );
  expect(await d.runs(d.unit(1), workerService)).toBe('8.1.0');
});
