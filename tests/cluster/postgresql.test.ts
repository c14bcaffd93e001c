// The relation `postgresql`, beside a provider that behaves as the charm postgresql: a login that comes later than its relation,
// other passwords, other primaries, an end while web runs, and a new beginning.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { application, type Deployment, webService, workerService } from './support/deployment.ts';
import { PostgresCharm } from './support/postgresql.ts';

const read = (d: Deployment, file: string): string =>
  readFileSync(join(d.machine(d.unit(0)).paths.etc, file), 'utf8');
const caFile = (d: Deployment): string => join(d.machine(d.unit(0)).paths.etc, 'postgres_ca.pem');
/** Of what web alone reads: its settings, with passwords in them, its private keys, the database's authority. */
const secretFiles = (d: Deployment): string[] =>
  readdirSync(join(d.machine(d.unit(0)).paths.etc)).filter((name) =>
    /^(web\.env|postgres_ca\.pem|tsa_host_key|session_signing_key)$/.test(name),
  );
const starts = (d: Deployment, unit: number, service: string): number =>
  d.machine(d.unit(unit)).services.starts.filter(({ name }) => name === service).length;
const allActive = (d: Deployment): boolean => d.statuses().every((status) => status.startsWith('active: '));

test('an integration is all that web needs: it asks for a database and its secrets, and uses what it gets', async () => {
  const { d, requests } = await PostgresCharm.settled();
  expect([...requests.values()]).toEqual([
    { database: 'concourse', 'requested-secrets': ['username', 'password', 'tls', 'tls-ca', 'uris'] },
  ]);
  const file = read(d, 'web.env');
  for (const line of [
    'CONCOURSE_POSTGRES_HOST="10.1.0.5"',
    'CONCOURSE_POSTGRES_PORT="5432"',
    'CONCOURSE_POSTGRES_PASSWORD="first-password-of-it"',
    'CONCOURSE_POSTGRES_DATABASE="concourse"',
    'CONCOURSE_POSTGRES_SSLMODE="disable"',
  ])
    expect(file).toContain(`\n${line}\n`);
  expect(file).toMatch(/\nCONCOURSE_POSTGRES_USER="relation-\d+"\n/);
  expect(d.statuses()).toEqual([expect.stringMatching(/^active: web 8\.1\.0/), 'active: worker 8.1.0']);
  // At rest nothing is started again.
  const before = starts(d, 0, webService);
  d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
  await d.cluster.settle();
  expect(starts(d, 0, webService)).toBe(before);
});

test('the leader asks, also where another unit is web; and one that leads later asks for no other thing', async () => {
  const { d, requests } = await PostgresCharm.settled({ units: 3 });
  d.juju.setLeader(application, d.unit(2));
  await d.cluster.settle();
  d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
  await d.cluster.settle();
  expect(requests.size).toBe(1);
  expect(allActive(d)).toBe(true);
});

test('while there is no relation nothing is asked of Juju about it', async () => {
  const { d } = new PostgresCharm({ config: { 'upgrade-ready-timeout': '3m' } });
  await d.cluster.settle();
  const asked = () => d.juju.toolCalls['relation-ids'] ?? 0;
  const [calls, hooks] = [asked(), d.cluster.history.length];
  d.juju.configure(application, { 'upgrade-ready-timeout': '4m' });
  await d.cluster.settle();
  // Each hook asks for the peers.
  expect(asked() - calls).toBe(d.cluster.history.length - hooks);
});

describe('before there is a login', () => {
  test('web waits for the database, and says for whom', async () => {
    const charm = new PostgresCharm();
    const { d } = charm;
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      'blocked: juju integrate concourse-ci:postgresql …, or juju config concourse-ci postgres-uri=…: web has no database',
    );
    d.juju.agentDown('postgresql/0');
    charm.integrate();
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe('waiting: for postgresql to make a database');
    d.juju.agentUp('postgresql/0');
    await d.cluster.settle();
    expect(allActive(d)).toBe(true);
  });

  test('secrets that are granted later than they are named are found without an event', async () => {
    const charm = new PostgresCharm();
    const { d } = charm;
    charm.grants = false;
    charm.integrate();
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe('waiting: for postgresql to let this unit read its secrets');
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
    charm.grants = true;
    await charm.changes();
    await d.cluster.advance(31_000);
    expect(allActive(d)).toBe(true);
  });
});

describe('what changes while web runs', () => {
  test('another password restarts web with it, and no worker', async () => {
    const charm = await PostgresCharm.settled();
    const { d } = charm;
    const before = [starts(d, 0, webService), starts(d, 1, workerService)] as const;
    charm.password = 'second-password-of-it';
    await charm.changes();
    expect(read(d, 'web.env')).toContain('POSTGRES_PASSWORD="second-password-of-it"\n');
    expect(starts(d, 0, webService)).toBe(before[0] + 1);
    expect(starts(d, 1, workerService)).toBe(before[1]);
  });

  test('another primary, after a failover, is where web goes', async () => {
    const charm = await PostgresCharm.settled();
    charm.primary = '10.1.0.6';
    await charm.changes();
    expect(read(charm.d, 'web.env')).toContain('POSTGRES_HOST="10.1.0.6"\n');
    expect(allActive(charm.d)).toBe(true);
  });

  test('TLS comes with its authority, renews it, and leaves nothing when it goes', async () => {
    const charm = await PostgresCharm.settled();
    const { d } = charm;
    charm.tls = { tls: 'True', 'tls-ca': 'AUTHORITY ONE\n' };
    await charm.changes();
    expect(read(d, 'web.env')).toContain('POSTGRES_SSLMODE="verify-full"\n');
    expect(read(d, 'web.env')).toContain(`CA_CERT="${caFile(d)}"\n`);
    expect(read(d, 'postgres_ca.pem')).toBe('AUTHORITY ONE\n');
    expect(statSync(caFile(d)).mode & 0o777).toBe(0o600);
    const before = starts(d, 0, webService);
    charm.tls = { tls: 'True', 'tls-ca': 'AUTHORITY TWO\n' };
    await charm.changes();
    expect(read(d, 'postgres_ca.pem')).toBe('AUTHORITY TWO\n');
    expect(starts(d, 0, webService)).toBe(before + 1);
    charm.tls = { tls: 'False', 'tls-ca': '' };
    await charm.changes();
    expect(read(d, 'web.env')).toContain('POSTGRES_SSLMODE="disable"\n');
    expect(existsSync(caFile(d))).toBe(false);
  });

  test('an end takes web down with the command to type; another relation brings it back', async () => {
    const charm = new PostgresCharm();
    const { d } = charm;
    charm.tls = { tls: 'True', 'tls-ca': 'AUTHORITY ONE\n' };
    const relation = charm.integrate();
    await d.cluster.settle();
    d.juju.removeRelation(relation);
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBeUndefined();
    expect(d.status(d.unit(0))).toMatch(/^blocked: juju integrate concourse-ci:postgresql …/);
    expect(secretFiles(d)).toEqual([]);
    charm.integrate();
    await d.cluster.settle();
    expect(allActive(d)).toBe(true);
    expect(charm.requests.size).toBe(2);
  });

  test('a unit that becomes web reads the same database; the one that was web keeps none of its secrets', async () => {
    const charm = new PostgresCharm({ units: 2 });
    const { d } = charm;
    charm.tls = { tls: 'True', 'tls-ca': 'AUTHORITY ONE\n' };
    charm.integrate();
    await d.cluster.settle();
    await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
    await d.cluster.settle();
    expect(await d.runs(d.unit(1), webService)).toBe('8.1.0');
    expect(secretFiles(d)).toEqual([]);
    expect(allActive(d)).toBe(true);
  });
});

test('an older provider that writes its login openly is understood, and its password stands in no log', async () => {
  const charm = new PostgresCharm();
  charm.openly = true;
  charm.integrate();
  await charm.d.cluster.settle();
  expect(read(charm.d, 'web.env')).toContain('POSTGRES_PASSWORD="first-password-of-it"\n');
  expect(charm.d.juju.log.map(({ text }) => text).join('\n')).not.toContain('first-password-of-it');
});

describe('beside the option postgres-uri', () => {
  test('the option wins, and the unit says how to end that', async () => {
    const charm = new PostgresCharm();
    const { d } = charm;
    const uri = d.juju.addSecret('mine', { uri: 'postgresql://own:own-password@own-host/own' });
    d.juju.grantSecret('mine', application);
    d.juju.configure(application, { 'postgres-uri': uri });
    await d.cluster.settle();
    const before = starts(d, 0, webService);
    const relation = charm.integrate();
    await d.cluster.settle();
    expect(d.statuses()).toEqual([
      'blocked: juju config concourse-ci --reset postgres-uri, or juju remove-relation concourse-ci:postgresql …: web uses postgres-uri',
      'active: worker 8.1.0',
    ]);
    expect(starts(d, 0, webService)).toBe(before);
    expect(charm.requests.size).toBe(1);
    d.juju.configure(application, { 'postgres-uri': '' });
    await d.cluster.settle();
    expect(read(d, 'web.env')).toContain('POSTGRES_HOST="10.1.0.5"\n');
    expect(allActive(d)).toBe(true);
    // And back: a relation that ends takes nothing from a web that does not use it.
    d.juju.configure(application, { 'postgres-uri': uri });
    await d.cluster.settle();
    const again = starts(d, 0, webService);
    d.juju.removeRelation(relation);
    await d.cluster.settle();
    expect(starts(d, 0, webService)).toBe(again);
    expect(allActive(d)).toBe(true);
  });
});

describe('web’s privileges in the database', () => {
  const table = { owner: 'charmed_concourse_owner', name: 'auth_request', sequence: false };

  test('are looked at once for a release and a database, not in every hook', async () => {
    const charm = await PostgresCharm.settled();
    const { d, sessions } = charm;
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ user: expect.stringMatching(/^relation-/), database: 'concourse' });
    d.juju.configure(application, { 'log-level': 'debug' });
    await d.cluster.settle();
    expect(sessions).toHaveLength(1);
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
    expect(sessions).toHaveLength(2);
    expect(allActive(d)).toBe(true);
  });

  test('are made whole after web has made its tables', async () => {
    const charm = new PostgresCharm();
    charm.lacks = [table];
    charm.integrate();
    await charm.d.cluster.settle();
    expect(charm.statements).toEqual([
      'SET ROLE charmed_concourse_owner',
      'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE auth_request TO "relation-0", charmed_concourse_dml',
      'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "relation-0", charmed_concourse_dml',
      'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, USAGE ON SEQUENCES TO "relation-0", charmed_concourse_dml',
    ]);
    expect(allActive(charm.d)).toBe(true);
  });

  test('that cannot be made whole block with who owns the tables, until they are', async () => {
    const charm = new PostgresCharm();
    charm.lacks = [{ ...table, owner: 'operator' }];
    charm.integrate();
    await charm.d.cluster.settle();
    expect(charm.d.status(charm.d.unit(0))).toBe(
      "blocked: let web's user in PostgreSQL act as operator: it may not write tables of the database",
    );
    charm.lacks = [];
    await charm.d.cluster.advance(61_000);
    expect(allActive(charm.d)).toBe(true);
  });

  test('that cannot be asked for are asked for again', async () => {
    const charm = new PostgresCharm();
    charm.away = true;
    charm.integrate();
    await charm.d.cluster.settle();
    expect(charm.d.status(charm.d.unit(0))).toMatch(
      /^blocked: PostgreSQL cannot be asked .*\(ECONNREFUSED\)/,
    );
    charm.away = false;
    await charm.d.cluster.advance(61_000);
    expect(allActive(charm.d)).toBe(true);
  });
});

describe('a database that does not answer', () => {
  test('is what web waits for, as long as it does not', async () => {
    const { d } = await PostgresCharm.settled();
    d.database = 'silent';
    d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
    await d.cluster.settle();
    expect(d.statuses()).toEqual([
      'waiting: for PostgreSQL: web 8.1.0 answers, but its database does not',
      'active: worker 8.1.0',
    ]);
    d.database = 'readable';
    await d.cluster.advance(31_000);
    expect(allActive(d)).toBe(true);
  });

  test('or with failures: the reason is in the status', async () => {
    const { d } = await PostgresCharm.settled();
    d.database = 'unreadable';
    const line = {
      level: 'error',
      message: 'atc.failed',
      data: { error: 'cipher: message authentication failed' },
    };
    d.machine(d.unit(0)).services.append(webService, JSON.stringify(line));
    d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      'blocked: juju ssh concourse-ci/0 journalctl -u concourse-server: web cannot read its database: the database was encrypted with another key',
    );
  });
});

test('what the secrets say is in no databag of ours, no status, no log, no argument, and not on the volume', async () => {
  const charm = new PostgresCharm();
  const { d } = charm;
  charm.tls = {
    tls: 'True',
    'tls-ca': '-----BEGIN CERTIFICATE-----\nAUTHORITYAUTHORITY\n-----END CERTIFICATE-----\n',
  };
  const relation = charm.integrate();
  await d.cluster.settle();
  charm.away = true;
  charm.password = 'second-password-of-it';
  await charm.changes();
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  const own = d.juju.units(application);
  const told = [
    ...own.map((unit) => JSON.stringify(d.facts(unit))),
    JSON.stringify(d.goal()),
    JSON.stringify(d.juju.databag('postgresql', application)),
    ...d.cluster.history.map(({ message }) => message),
    ...d.juju.log.map(({ text }) => text),
    ...d.filesOnVolume().map((file) => readFileSync(file, 'utf8')),
    ...own.flatMap((unit) => d.machine(unit).services.starts.map(({ unit: unitFile }) => unitFile)),
  ].join('\n');
  expect(relation).toBeGreaterThan(0);
  for (const secret of ['first-password-of-it', 'second-password-of-it', 'AUTHORITYAUTHORITY'])
    expect(told.includes(secret), secret).toBe(false);
});
