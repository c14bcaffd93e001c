// Every relation on real machines, beside applications that are played and have something real behind them: made while everything
// runs, changed while it runs, and ended, after which nothing of it is left.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import dashboard from '../../src/observability/dashboard.json' with { type: 'json' };
import { Authority } from '../support/authority.ts';
import { fixedKey } from '../support/fake-random.ts';
import { CertificatesProvider } from '../support/providers/certificates.ts';
import { IngressProvider } from '../support/providers/ingress.ts';
import { PostgresProvider } from '../support/providers/postgresql.ts';
import { VaultProvider } from '../support/providers/vault.ts';
import { Collector, Grafana, Prometheus } from '../support/providers/watchers.ts';
import {
  application,
  type ConcourseSite,
  openSite,
  until,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';
import type { SwitchPostgres } from './support/postgres.ts';
import { Switchboard } from './support/switchboard.ts';

const others = 'workers/0';
const host = '10.99.0.1';
const spare = '10.99.0.2';
const dayMs = 24 * 3_600_000;
const infoSchema = z.object({ version: z.string(), external_url: z.string() });

let site: ConcourseSite;
let close: (failed: string | undefined) => Promise<void>;
let failed: string | undefined;
let hosts: Switchboard;
let postgres: SwitchPostgres;
let database: PostgresProvider;
/** Of web's machine, before any relation but that of the database. */
let bare: string[];

/** The certificate of a server at those addresses, and who vouches for it. */
function vouched(name: string, addresses: readonly string[]) {
  const authority = new Authority(name, Date.now());
  const key = fixedKey(3).privatePem;
  const life = { notBefore: Date.now() - dayMs, notAfter: Date.now() + dayMs };
  return {
    ca: authority.certificate,
    key,
    certificate: authority.issue(key, { names: addresses, ...life }),
  };
}

const address = (unit: string) => site.site.address(unit);
const sh = (unit: string, line: string) => site.machine(unit).sh(line);
const settings = () => sh(web, 'cat /etc/concourse/web.env');
const files = async (unit: string) =>
  (await sh(unit, 'ls -A /etc/concourse')).split('\n').filter(Boolean).sort();
const pid = async (unit: string, service: string) => (await site.show(unit, service))['MainPID'];
/** Web reads its database. */
const readable = async () =>
  (await site.machine(web).run('curl', '-sf', '-m', '2', 'http://127.0.0.1:8080/api/v1/teams/main/pipelines'))
    .exitCode === 0;
/** Web's workers with their states, by its own list. */
async function workers(): Promise<string> {
  const action = await site.lab.runAction(web, 'prune-workers', { 'dry-run': true });
  return String(action.results['listed'] ?? action.message);
}
async function info(...question: Parameters<Switchboard['ask']>) {
  const answer = await hosts.ask(...question);
  if (answer?.status !== 200) return undefined;
  return { ...infoSchema.parse(JSON.parse(answer.body)), serial: answer.serial };
}

beforeAll(async () => {
  const opened = await openSite(
    ['8.1.0', '8.2.0'],
    { postgres: true, mounts: (unit) => unit.startsWith(`${application}/`) },
    (end) => {
      close = end;
    },
  );
  if (opened.postgres === undefined) throw new Error('asked for');
  ({ postgres } = opened);
  site = opened;
  hosts = new Switchboard(site.site);
  hosts.addAddress(spare);
  const { lab, mirror } = site;
  const common = { 'release-mirror': mirror.url, 'worker-runtime': 'houdini', version: '8.1.0' };
  lab.deploy(application, { units: 2, config: common });
  lab.deploy('workers', { units: 1, config: { ...common, version: '', mode: 'worker' } });
  await lab.settle({ timeoutMs: 200_000 });
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') failed ??= task.name;
});
afterAll(() => close?.(failed));

test('postgresql: web starts with the login of the relation by TLS, follows another password and a failover to another server', async () => {
  expect(site.status(web).message).toMatch(/^juju integrate concourse-ci:postgresql …/);
  const first = vouched('First', [host]);
  postgres.stop();
  postgres.moveTo(host, first);
  postgres.start();
  database = new PostgresProvider(site.stage);
  database.make = postgres.makeLogin;
  database.primary = host;
  database.tls = { tls: 'True', 'tls-ca': first.ca };
  database.integrate();
  await site.settled();
  bare = await files(web);
  expect(await site.webVersion(web)).toBe('8.1.0');
  const sessions = () =>
    postgres.ask(
      "SELECT count(*) FILTER (WHERE ssl) || ' of ' || count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename LIKE 'relation-%'",
    );
  await until(() => sessions() === '1 of 1', 10_000, 'one session, by TLS');
  const before = [await pid(web, webService), await pid(worker, workerService)];

  database.password = 'second-password-of-it';
  await database.changes();
  await site.settled();
  // Whoever had the old one cannot come back.
  postgres.stop();
  postgres.start();
  await until(readable);
  const [webNow, workerNow] = [await pid(web, webService), await pid(worker, workerService)];
  expect(webNow).not.toBe(before[0]);
  expect(workerNow).toBe(before[1]);

  const second = vouched('Second', [spare]);
  postgres.stop();
  postgres.moveTo(spare, second);
  postgres.start();
  await until(async () => !(await readable()));
  database.primary = spare;
  database.tls = { tls: 'True', 'tls-ca': second.ca };
  await database.changes();
  await until(readable);
  await site.look(web);
  await site.settled();
  expect(await pid(worker, workerService)).toBe(before[1]);
});

test('monitoring, cos-agent, grafana-dashboard: what they are told is there to be scraped, goes and comes with the option, and ends with them', async () => {
  const { lab } = site;
  const [prometheus, collector, grafana] = [
    new Prometheus(site.stage),
    new Collector(site.stage),
    new Grafana(site.stage),
  ];
  lab.configure(application, { 'enable-metrics': true });
  for (const watcher of [prometheus, collector, grafana]) watcher.integrate();
  await site.settled();
  const targets = prometheus.targets().map((target) => target.split(' ')[2] ?? '');
  const local = collector.targetsOn(web);
  const scrapes = async () => [
    ...(await Promise.all(targets.map((target) => hosts.ask(`http://${target}`)))).map(
      (answer) => answer?.body ?? '',
    ),
    ...(
      await Promise.all(
        local.map((target) => site.machine(web).run('curl', '-s', '-m', '5', `http://${target}/metrics`)),
      )
    ).map(({ stdout }) => stdout),
  ];
  const names = ['concourse_workers_registered', 'concourse_jobs_total', 'concourse_charm_hooks_total'];
  /** By Prometheus as by the agent. */
  const served = async () => {
    const texts = (await scrapes()).join('\n');
    return names.every((name) => (texts.match(new RegExp(`^${name}\\b`, 'gm'))?.length ?? 0) >= 2);
  };
  expect([targets.length, local.length]).toEqual([2, 2]);
  await until(served, 20_000);
  expect(collector.targetsOn(worker)).toEqual([]);
  expect(grafana.dashboards()).toEqual([dashboard]);

  lab.configure(application, { 'enable-metrics': false });
  await site.settled();
  expect([prometheus.targets(), collector.targetsOn(web), grafana.dashboards()]).toEqual([[], [], []]);
  expect((await scrapes()).join('')).toBe('');
  lab.configure(application, { 'enable-metrics': true });
  await site.settled();
  expect(prometheus.targets().map((target) => target.split(' ')[2])).toEqual(targets);
  await until(served, 20_000);

  const running = await pid(web, webService);
  for (const watcher of [prometheus, collector, grafana]) watcher.removeRelation();
  await site.settled();
  expect(await pid(web, webService)).toBe(running);
  lab.configure(application, { 'enable-metrics': false });
  await site.settled();
  expect((await scrapes()).join('')).toBe('');
});

test('vault-kv: web logs in at Vault with what it is given, again with new credentials and at another address, and not after the end', async () => {
  const proof = vouched('Vault', [host]);
  const vault = new VaultProvider(site.stage, proof.ca);
  vault.url = `https://${host}:8200`;
  const logins: string[] = [];
  const tls = { cert: proof.certificate, key: proof.key };
  const given = z.object({ role_id: z.string(), secret_id: z.string() });
  for (const port of [8200, 8201])
    await hosts.serve({ port, tls }, ({ method, path, body }) => {
      const { role_id: role, secret_id: secret } = given.parse(JSON.parse(body));
      const right = vault.roles.get(role) === secret;
      logins.push(`${method} ${port}${path} ${role} ${secret} ${right}`);
      return { status: right ? 200 : 400, body: '{}' };
    });
  const login = (port: number, generation: number) =>
    `PUT ${port}/v1/auth/approle/login role-of-concourse-ci-0 hushhush-${address(web)}/32-${generation} true`;

  vault.integrate();
  await site.settled();
  await until(() => logins.at(-1) === login(8200, 1), 10_000, String(logins));
  expect(vault.asking()).toEqual([web]);
  vault.generation = 2;
  await vault.changes();
  await site.settled();
  await until(() => logins.at(-1) === login(8200, 2), 10_000, String(logins));
  vault.url = `https://${host}:8201`;
  await vault.changes();
  await site.settled();
  await until(() => logins.at(-1) === login(8201, 2), 10_000, String(logins));
  expect(logins).toHaveLength(3);

  vault.removeRelation();
  await site.settled();
  expect(await settings()).not.toMatch(/VAULT|SECRET_CACHE|hushhush/);
  expect(await files(web)).toEqual(bare);
  expect([...site.lab.juju.model.secrets.values()].map(({ label }) => label)).not.toContain('vault-kv-nonce');
  expect(logins).toHaveLength(3);
});

test('certificates: web serves HTTPS with what was signed for it, another one when it is signed again or for another name, and HTTP after the end', async () => {
  const { lab } = site;
  const signer = new CertificatesProvider(site.stage);
  const { certificate: ca } = signer.root;
  const https = (name?: string) =>
    info(`https://${address(web)}/api/v1/info`, { ca, ...(name !== undefined && { host: name }) });
  const running = await pid(worker, workerService);

  signer.integrate();
  await site.settled();
  const first = await https();
  expect(first).toMatchObject({ version: '8.1.0', external_url: `https://${address(web)}` });
  expect(site.status(web).message).toContain(`https://${address(web)}`);
  expect(await sh(web, "stat -c '%a %U:%G' /etc/concourse/tls_key.pem")).toBe('640 root:concourse\n');

  signer.signAnew();
  await signer.changes();
  await site.settled();
  const again = await https();
  expect(again?.version).toBe('8.1.0');
  expect(again?.serial).not.toBe(first?.serial);

  lab.configure(application, { 'external-url': 'https://ci.test' });
  await site.settled();
  expect(await https('ci.test')).toMatchObject({ external_url: 'https://ci.test' });
  // Its address is not what this one is for.
  expect(await https()).toBeUndefined();
  lab.configure(application, { 'external-url': '' });
  await site.settled();
  expect(await https()).toBeDefined();

  signer.removeRelation();
  await site.settled();
  expect(await https()).toBeUndefined();
  expect(await info(`http://${address(web)}:8080/api/v1/info`)).toMatchObject({
    external_url: `http://${address(web)}:8080`,
  });
  expect(await files(web)).toEqual(bare);
  expect(await pid(worker, workerService)).toBe(running);
});

test('tsa and flight: another application’s worker registers with web, follows its host key and its version, and is let in no more after the end', async () => {
  const { lab } = site;
  const name = `workers-0-m${lab.juju.model.uuid.slice(0, 8)} (running)`;
  const isActive = (version: string) => () => {
    const { status, message } = site.status(others);
    return status === 'active' && message.startsWith(`worker ${version}`);
  };
  const relation = lab.operate((juju) => juju.integrate(`${application}:tsa`, 'workers:flight'));
  await lab.waitFor(isActive('8.1.0'), 200_000, () => JSON.stringify(site.status(others)));
  await until(async () => (await workers()).includes(name));
  const running = [await pid(web, webService), await pid(others, workerService)];

  await lab.runAction(web, 'rotate-keys', { keys: 'tsa-host' });
  await until(async () => {
    const now = [await pid(web, webService), await pid(others, workerService)];
    return now.every((each, index) => each !== '0' && each !== running[index]);
  });
  await lab.settle({ timeoutMs: 200_000 });
  await lab.waitFor(isActive('8.1.0'), 200_000);
  await until(async () => (await workers()).includes(name));

  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(isActive('8.2.0'), 200_000, () => JSON.stringify(site.status(others)));
  await site.settled();
  await until(async () => (await workers()).includes(name));
  expect(await site.webVersion(web)).toBe('8.2.0');

  const key = (await sh(others, 'cat /etc/concourse/worker_key.pub')).trim().split(' ')[1] ?? 'none';
  expect(await sh(web, 'cat /etc/concourse/authorized_worker_keys')).toContain(key);
  lab.operate((juju) => juju.removeRelation(relation));
  await lab.settle({ timeoutMs: 200_000 });
  await lab.waitFor(() => site.status(others).status === 'blocked', 60_000);
  expect(site.status(others).message).toMatch(/^juju integrate workers:flight WEB:tsa/);
  expect((await site.show(others, workerService))['ActiveState']).not.toBe('active');
  expect(await sh(web, 'cat /etc/concourse/authorized_worker_keys')).not.toContain(key);
  expect(await workers()).not.toContain('workers-0');
  await site.settled();

  const gone = site.machine(others);
  lab.operate((juju) => juju.removeApplication('workers'));
  await until(() => gone.power === 'off');
  // Systemd's own folder, with nothing in it.
  expect(gone.lastWords.replace('/run/systemd/transient:\n', '')).toBe('');
});

test('ingress: people reach web through a proxy that reads the relation, also by another URL, on another port and in another unit', async () => {
  const { lab } = site;
  const ingress = new IngressProvider(site.stage);
  for (const port of [8000, 8001])
    await hosts.serve({ port }, async ({ method, path }) => {
      const [backend] = ingress.backends() ?? [];
      const answer = backend === undefined ? undefined : await hosts.ask(`${backend}${path}`, { method });
      return answer ?? { status: 502, body: '' };
    });
  const through = async (port: number) => (await info(`http://${host}:${port}/api/v1/info`))?.external_url;
  ingress.url = `http://${host}:8000/`;
  ingress.integrate();
  await site.settled();
  expect(await through(8000)).toBe(`http://${host}:8000`);

  ingress.url = `http://${host}:8001/`;
  await ingress.changes();
  await site.settled();
  expect(await through(8001)).toBe(`http://${host}:8001`);
  lab.configure(application, { 'web-port': 9090 });
  await site.settled();
  expect(ingress.backends()).toEqual([`http://${address(web)}:9090`]);
  expect(await through(8001)).toBe(`http://${host}:8001`);
  expect(await info(`http://${address(web)}:8080/api/v1/info`)).toBeUndefined();
  await lab.runAction(web, 'move-web', { unit: worker });
  await lab.settle({ timeoutMs: 200_000 });
  await site.settled();
  expect(ingress.backends()).toEqual([`http://${address(worker)}:9090`]);
  expect(await through(8001)).toBe(`http://${host}:8001`);

  lab.configure(application, { 'web-port': 8080 });
  ingress.removeRelation();
  await site.settled();
  expect(await info(`http://${address(worker)}:8080/api/v1/info`)).toMatchObject({
    external_url: `http://${address(worker)}:8080`,
  });
});

test('postgresql, ended: web stops with the command to type and keeps nothing of the database, and comes back with a new relation', async () => {
  const { lab } = site;
  // Wherever it has gone in the test before.
  const there = site.lab.juju.databag('peers', application)['installer'] ?? '';
  const version = await site.webVersion(there);
  const known = await sh(there, 'cat /etc/concourse/web.env');
  expect(known).toContain('second-password-of-it');
  database.removeRelation();
  await lab.settle({ timeoutMs: 200_000 });
  expect(site.status(there)).toMatchObject({
    status: 'blocked',
    message: expect.stringMatching(/^juju integrate concourse-ci:postgresql …/),
  });
  expect((await site.show(there, webService))['ActiveState']).not.toBe('active');
  expect(await files(there)).not.toContain('postgres_ca.pem');
  expect(postgres.ask("SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'relation-%'")).toBe('0');
  const left = await site
    .machine(there)
    .run('grep', '-rl', 'second-password-of-it', '/etc', '/run', '/var/lib/concourse');
  expect(left.stdout).toBe('');

  database.password = 'third-password-of-it';
  database.integrate();
  await site.settled();
  expect(await site.webVersion(there)).toBe(version);
});
