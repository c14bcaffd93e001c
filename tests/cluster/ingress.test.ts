// The relation `ingress`: an ingress that reads the databags as the library traefik_k8s.v2.ingress does, of which haproxy has the
// same, reaches web alone, and people are sent to its URL.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { charmFiles, defineCharm, provides } from 'juju-ts-ops';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Authority } from '../support/authority.ts';
import { fixedKey } from '../support/fake-random.ts';
import {
  application,
  Deployment,
  type DeploymentOptions,
  webService,
  workerService,
} from './support/deployment.ts';

const ingressCharm = defineCharm({
  name: 'traefik',
  summary: 'ingress',
  description: 'ingress',
  provides: {
    ingress: provides({ interface: 'ingress', app: { local: z.object({ ingress: z.string() }) } }),
  },
});

const applicationData = z.object({
  model: z.string(),
  name: z.string(),
  port: z.int().min(1).max(65534),
  scheme: z.enum(['http', 'https', 'h2c']),
  'strip-prefix': z.boolean(),
  'redirect-https': z.boolean(),
});
const unitData = z.object({ host: z.string(), ip: z.ipv4() });

/** Every value is JSON; a key that is missing or malformed, on any unit, and nothing is served. */
function load<T>(schema: z.ZodType<T>, raw: Readonly<Record<string, string>>): T | undefined {
  const own = Object.entries(raw).filter(
    ([key]) => !/^(egress-subnets|ingress-address|private-address)$/.test(key),
  );
  return schema.safeParse(Object.fromEntries(own.map(([key, text]) => [key, JSON.parse(text)]))).data;
}

class Ingress {
  readonly d: Deployment;
  /** Undefined: it is not ready. */
  url: string | undefined = 'https://ci.example.com/';
  readonly relation: number;

  constructor(d: Deployment) {
    this.d = d;
    d.cluster.deploy('traefik', {
      files: charmFiles(ingressCharm),
      charm: () =>
        ingressCharm.implement({
          reconcile: async (hook) => {
            const [relation] = await hook.relations('ingress');
            if (relation === undefined || this.url === undefined || this.backends() === undefined) return;
            await relation.setApplication({ ingress: JSON.stringify({ url: this.url }) });
          },
          teardown: async () => {},
          actions: {},
        }),
    });
    this.relation = d.juju.integrate(`${application}:ingress`, 'traefik:ingress');
  }

  /** Where requests go; undefined: some unit has not said what it must. */
  backends(): string[] | undefined {
    const { d, relation } = this;
    const app = load(applicationData, d.juju.databag(relation, application));
    const units = d.juju.units(application).map((unit) => load(unitData, d.juju.databag(relation, unit)));
    if (app === undefined || units.includes(undefined)) return undefined;
    expect(app).toMatchObject({ name: application, 'strip-prefix': false });
    return [...new Set(units.flatMap((unit) => (unit ? [`${app.scheme}://${unit.ip}:${app.port}`] : [])))];
  }

  /** Its charm runs again, for what this test changed. */
  async changes(url: string | undefined): Promise<void> {
    this.url = url;
    this.d.juju.configure('traefik', {});
    this.d.juju.exec('traefik/0', 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch');
    await this.d.cluster.settle();
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
  await ingress.changes('http://builds.example.com:8000/');
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
  await ingress.changes('http://10.1.1.1/model-concourse-ci');
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
