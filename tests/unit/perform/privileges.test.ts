// Web's privileges, on a real PostgreSQL with the roles that Charmed PostgreSQL 16 makes for a relation.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Ask, DatabaseFailure, type DatabaseLogin } from '../../../src/host/host.ts';
import { createHost } from '../../../src/host/real/index.ts';
import { EffectFailed } from '../../../src/perform/failure.ts';
import { grantAll } from '../../../src/perform/privileges.ts';
import { hasPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts';

const { databases } = createHost();
const withinMs = 10_000;
const password = "p@ss/'word";
const login = (differing: Partial<DatabaseLogin> = {}): DatabaseLogin => ({
  user: 'relation-7',
  password,
  database: 'concourse',
  server: { host: '127.0.0.1', port: server.port },
  sslMode: 'disable',
  ...differing,
});
const asWeb = <T>(work: (ask: Ask) => Promise<T>, differing?: Partial<DatabaseLogin>): Promise<T> =>
  databases.session(login(differing), withinMs, work);

let server: TestPostgres;

// Where it is not installed the tier of machines runs this file. A cluster is made in seconds, but on a machine that has no time.
describe.skipIf(!hasPostgres)('on a real PostgreSQL', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    server = await startPostgres();
    server.run(`
      CREATE ROLE charmed_databases_owner NOLOGIN CREATEDB;
      CREATE ROLE charmed_concourse_owner NOLOGIN;
      CREATE ROLE charmed_concourse_admin NOLOGIN NOINHERIT IN ROLE charmed_concourse_owner;
      CREATE ROLE charmed_concourse_dml NOLOGIN;
      CREATE ROLE "relation-7" LOGIN PASSWORD 'p@ss/''word' IN ROLE charmed_concourse_admin, charmed_concourse_dml;
      CREATE ROLE operator NOLOGIN;`);
  }, 120_000);
  afterAll(() => server.remove());
  beforeEach(() => {
    server.run('DROP DATABASE IF EXISTS concourse WITH (FORCE)');
    server.run('CREATE DATABASE concourse OWNER charmed_databases_owner');
    server.run('REVOKE ALL PRIVILEGES ON DATABASE concourse FROM PUBLIC');
    server.run(
      `ALTER SCHEMA public OWNER TO charmed_concourse_owner;
      GRANT CONNECT ON DATABASE concourse TO charmed_concourse_admin, "relation-7";
      GRANT CREATE, TEMPORARY ON DATABASE concourse TO charmed_concourse_owner;
      ALTER DEFAULT PRIVILEGES FOR ROLE charmed_concourse_owner GRANT SELECT ON TABLES TO charmed_concourse_admin;
      SET ROLE charmed_concourse_owner;
      CREATE TABLE auth_request (id serial PRIMARY KEY, "odd ""name" text);
      CREATE TABLE "Odd; ""table" (id int);
      CREATE TABLE many (id int) PARTITION BY RANGE (id);`,
      'concourse',
    );
  }, 120_000);

  test('people can log in: what the owner has made and will make is web’s, too', async () => {
    const insert = (ask: Ask) => ask('INSERT INTO auth_request DEFAULT VALUES');
    await expect(asWeb(insert)).rejects.toMatchObject({ code: '42501', transient: false });
    expect(await asWeb(grantAll)).toBe(4);
    await asWeb(insert);
    await asWeb((ask) => ask('DELETE FROM "Odd; ""table"'));
    server.run('SET ROLE charmed_concourse_owner; CREATE TABLE later (id serial)', 'concourse');
    await asWeb((ask) => ask('INSERT INTO later DEFAULT VALUES'));
    // The next user of this database gets it by the role that the provider keeps for its users.
    const members = await asWeb((ask) =>
      ask("SELECT has_table_privilege('charmed_concourse_dml', 'auth_request', 'INSERT') AS may"),
    );
    expect(members).toEqual([{ may: true }]);
  });

  test('what is whole is left alone, and twice is once', async () => {
    await asWeb(grantAll);
    const asked: string[] = [];
    const mended = await asWeb((ask) =>
      grantAll((sql, values) => {
        asked.push(sql);
        return ask(sql, values);
      }),
    );
    expect(mended).toBe(0);
    expect(asked.join('\n')).not.toMatch(/GRANT|ALTER|SET ROLE/);
  });

  test('connections that act as the owner get what others have made, and the other way round', async () => {
    server.run('GRANT CREATE ON SCHEMA public TO "relation-7"', 'concourse');
    await asWeb((ask) => ask('CREATE TABLE made_as_user (id int)'));
    // As its hook at login does, and as a role's own setting does.
    server.run('ALTER ROLE "relation-7" IN DATABASE concourse SET role = charmed_concourse_owner');
    onTestFinished(() => server.run('ALTER ROLE "relation-7" IN DATABASE concourse RESET role'));
    const insert = (ask: Ask) => ask('INSERT INTO made_as_user VALUES (1)');
    await expect(asWeb(insert)).rejects.toMatchObject({ code: '42501' });
    await asWeb(grantAll);
    await asWeb(insert);
  });

  test('tables of a role that web cannot act as are named, those of others are mended first', async () => {
    server.run('CREATE TABLE theirs (id int); ALTER TABLE theirs OWNER TO operator', 'concourse');
    const failed = asWeb(grantAll);
    await expect(failed).rejects.toBeInstanceOf(EffectFailed);
    await expect(failed).rejects.toThrow(/act as operator: it may not write/);
    await asWeb((ask) => ask('INSERT INTO auth_request DEFAULT VALUES'));
  });

  test('hundreds of tables are granted in a few statements', async () => {
    server.run(
      `SET ROLE charmed_concourse_owner;
      DO $$ BEGIN FOR i IN 1..1200 LOOP EXECUTE format('CREATE TABLE build_events_%s (id int)', i); END LOOP; END $$`,
      'concourse',
    );
    expect(await asWeb(grantAll)).toBe(1204);
    await asWeb((ask) => ask('INSERT INTO build_events_1200 VALUES (1)'));
  });

  test('a table that somebody has locked, a statement without end: the time is bounded', async () => {
    const started = performance.now();
    const late = databases.session(login(), 300, (ask) => ask('SELECT pg_sleep(60)'));
    await expect(late).rejects.toMatchObject({ name: 'DatabaseFailure', code: 'LATE', transient: true });
    expect(performance.now() - started).toBeLessThan(9_000);
  });

  test('a wrong password, a database that is not there, a server that is gone: each has its code', async () => {
    const nothing = async () => {};
    await expect(asWeb(nothing, { password: 'other' })).rejects.toMatchObject({
      code: '28P01',
      transient: false,
    });
    await expect(asWeb(nothing, { database: 'none' })).rejects.toMatchObject({ code: '3D000' });
    server.stop();
    onTestFinished(() => server.start());
    const gone = asWeb(nothing);
    await expect(gone).rejects.toBeInstanceOf(DatabaseFailure);
    await expect(gone).rejects.toMatchObject({ code: 'ECONNREFUSED', transient: true });
  });

  test('TLS: the certificate must be of the authority, and name the server unless that is not asked for', async () => {
    const pem = certificates();
    server.certify(pem.server);
    server.stop();
    server.start();
    const encrypted = (ask: Ask) =>
      ask('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()').then(([row]) => row?.['ssl']);
    const ca = { pem: pem.authority };
    const byName = { server: { host: 'localhost', port: server.port } };
    expect(await asWeb(encrypted, { sslMode: 'require' })).toBe(true);
    expect(await asWeb(encrypted, { sslMode: 'verify-full', ca })).toBe(true);
    expect(await asWeb(encrypted, { sslMode: 'verify-ca', ca, ...byName })).toBe(true);
    await expect(asWeb(encrypted, { sslMode: 'verify-full', ca, ...byName })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await expect(asWeb(encrypted, { sslMode: 'verify-full' })).rejects.toBeInstanceOf(DatabaseFailure);
    await expect(
      asWeb(encrypted, { sslMode: 'verify-full', ca: { pem: certificates().authority } }),
    ).rejects.toBeInstanceOf(DatabaseFailure);
  });
});

/** An authority, and what it has signed for 127.0.0.1 alone. */
function certificates() {
  const folder = mkdtempSync(join(tmpdir(), 'test-certificates-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '2',
    '-subj',
    '/CN=authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  openssl('req', ...key, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(join(folder, 'names'), 'subjectAltName = IP:127.0.0.1\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'server.pem',
  );
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  return { authority: text('ca.pem'), server: { key: text('server.key'), certificate: text('server.pem') } };
}
