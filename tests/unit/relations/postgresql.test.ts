// What providers of postgresql_client say, as each of their generations writes it, read as one connection.
import { describe, expect, test } from 'vitest';
import { postgresEnvironment } from '../../../src/concourse/postgres.ts';
import { type Provided, readDatabase } from '../../../src/relations/postgresql.ts';

const caFile = '/etc/concourse/postgres_ca.pem';
const read = (provided: Partial<Provided>) =>
  readDatabase({ application: {}, user: {}, tls: {}, units: [], ...provided }, caFile);

/** As the charm postgresql writes it to who asks for secrets. */
const application = {
  'secret-user': 'secret:user',
  'secret-tls': 'secret:tls',
  endpoints: '10.1.0.5:5432',
  'read-only-endpoints': '10.1.0.6:5432,10.1.0.7:5432',
  database: 'concourse',
  version: '16.9',
  data: '{"database": "concourse"}',
};
const user = {
  username: 'relation-7',
  password: 'Xs8hushhush',
  uris: 'postgresql://relation-7:Xs8hushhush@10.1.0.5:5432/concourse',
};
const login = { user: 'relation-7', password: 'Xs8hushhush', database: 'concourse' };
const server = { host: '10.1.0.5', port: 5432 };

test('secrets for the login and for TLS, and one endpoint', () => {
  const tls = { tls: 'True', 'tls-ca': 'CA PEM' };
  expect(read({ application, user, tls })).toEqual({
    kind: 'database',
    connection: { ...login, server, sslMode: 'verify-full', ca: { pem: 'CA PEM', file: caFile } },
  });
});

test.each([
  ['says that it has none', { tls: 'False', 'tls-ca': '' }, { sslMode: 'disable' }],
  ['says nothing of it', {}, { sslMode: 'disable' }],
  ['has it and tells of no authority', { tls: 'True', 'tls-ca': '' }, { sslMode: 'require' }],
  ['says so in small letters', { tls: 'true' }, { sslMode: 'require' }],
])('TLS of a provider that %s', (_, tls, expected) => {
  expect(read({ application, user, tls })).toEqual({
    kind: 'database',
    connection: { ...login, server, ...expected },
  });
});

test.each([
  ['10.1.0.9:5433', { host: '10.1.0.9', port: 5433 }],
  [
    'postgresql-k8s-primary.model.svc.cluster.local:5432',
    { host: 'postgresql-k8s-primary.model.svc.cluster.local', port: 5432 },
  ],
  ['10.1.0.8:5432, 10.1.0.9:5432', { host: '10.1.0.8', port: 5432 }],
  ['[fd00::5]:5432', { host: 'fd00::5', port: 5432 }],
  ['database.example', { host: 'database.example', port: 5432 }],
  ['/run/pgbouncer/instance_0:6432', { socket: '/run/pgbouncer/instance_0', port: 6432 }],
])('of the endpoints "%s" web takes the first', (endpoints, expected) => {
  const found = read({ application: { ...application, endpoints }, user, tls: {} });
  expect(found).toMatchObject({ kind: 'database', connection: { server: expected } });
});

describe('older providers', () => {
  test('write the login openly', () => {
    const { 'secret-user': _user, 'secret-tls': _tls, ...open } = application;
    const found = read({
      application: { ...open, username: 'relation-7', password: 'Xs8hushhush', tls: 'False' },
    });
    expect(found).toEqual({ kind: 'database', connection: { ...login, server, sslMode: 'disable' } });
  });

  test.each([
    ['postgresql://relation-7:Xs8hushhush@10.1.0.5:5432/concourse'],
    ['postgresql://relation-7:Xs8hushhush@10.1.0.5:5432,10.1.0.6:5432/concourse'],
    ['postgres://relation-7:Xs8hushhush@10.1.0.5,10.1.0.6/concourse'],
  ])('may give a URI alone: %s', (uris) => {
    const found = read({ application: { uris } });
    expect(found).toMatchObject({ kind: 'database', connection: { ...login, server } });
  });

  test('of the interface pgsql wrote to the databags of their units', () => {
    const unit = {
      host: '10.1.0.5',
      port: '5432',
      database: 'concourse',
      user: 'relation-7',
      password: 'Xs8hushhush',
    };
    expect(read({ units: [{ host: '10.1.0.4' }, unit] })).toMatchObject({
      kind: 'database',
      connection: { ...login, server },
    });
  });
});

test.each([
  ['nothing yet', {}],
  ['an endpoint, and no login', { application: { endpoints: '10.1.0.5:5432', database: 'concourse' } }],
  ['empty values', { application: { ...application, endpoints: '' }, user: { username: 'u', password: '' } }],
])('a provider that has written %s has no database yet', (_, provided) => {
  expect(read(provided)).toEqual({ kind: 'nothing' });
});

test.each([
  [{ version: '10.23' }, 'it is PostgreSQL 10; Concourse needs 11 or newer'],
  [{ endpoints: 'a:b:c' }, 'its endpoints are not HOST:PORT'],
  [{ endpoints: 'a:99999' }, 'its endpoints are not HOST:PORT'],
])('what web cannot use is named without what is secret: %o', (differing, problem) => {
  expect(read({ application: { ...application, ...differing }, user })).toEqual({ kind: 'problem', problem });
});

test('web and migrations are told where the authority lies, and the port of a socket', () => {
  const found = read({ application, user, tls: { tls: 'True', 'tls-ca': 'CA PEM' } });
  const socket = read({ application: { ...application, endpoints: '/run/pgbouncer:6432' }, user });
  if (found.kind !== 'database' || socket.kind !== 'database') throw new Error('no database');
  expect(postgresEnvironment(found.connection)).toEqual({
    CONCOURSE_POSTGRES_HOST: '10.1.0.5',
    CONCOURSE_POSTGRES_PORT: '5432',
    CONCOURSE_POSTGRES_USER: 'relation-7',
    CONCOURSE_POSTGRES_PASSWORD: 'Xs8hushhush',
    CONCOURSE_POSTGRES_DATABASE: 'concourse',
    CONCOURSE_POSTGRES_SSLMODE: 'verify-full',
    CONCOURSE_POSTGRES_CA_CERT: caFile,
  });
  expect(postgresEnvironment(socket.connection)).toMatchObject({
    CONCOURSE_POSTGRES_SOCKET: '/run/pgbouncer',
    PGPORT: '6432',
    CONCOURSE_POSTGRES_SSLMODE: 'disable',
  });
});
