import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parsePostgresUri, postgresEnvironment } from '../../../src/concourse/postgres.ts';

const connection = (uri: string) => {
  const parsed = parsePostgresUri(uri);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.connection;
};

describe('a PostgreSQL URI', () => {
  test('gives host, port, user, password and database', () => {
    expect(
      connection('postgresql://user:p%40ss%2Fw%C3%B6rd@db.example:6432/atc?sslmode=verify-full'),
    ).toEqual({
      user: 'user',
      password: 'p@ss/wörd',
      server: { host: 'db.example', port: 6432 },
      database: 'atc',
      sslMode: 'verify-full',
    });
  });

  test.each([
    ['the usual port', 'postgres://u@h/d', { server: { host: 'h', port: 5432 } }],
    ['an IPv6 host', 'postgresql://u@[fd00::1]:5433/d', { server: { host: 'fd00::1', port: 5433 } }],
    [
      'a socket by parameter',
      'postgresql://u@/d?host=/run/postgresql',
      { server: { socket: '/run/postgresql' } },
    ],
    [
      'a socket by encoded host',
      'postgresql://u@%2Frun%2Fpostgresql/d',
      { server: { socket: '/run/postgresql' } },
    ],
    [
      'everything by parameters',
      'postgresql:///?user=u&password=p&host=h&port=1&dbname=d',
      { user: 'u', password: 'p', database: 'd', server: { host: 'h', port: 1 } },
    ],
    [
      'a colon and an at sign in the password',
      'postgresql://u:a:b@c@h/d',
      { password: 'a:b@c', server: { host: 'h', port: 5432 } },
    ],
    [
      'a timeout and a name',
      'postgresql://u@h/d?connect_timeout=7&application_name=ci',
      { connectTimeout: 7, applicationName: 'ci' },
    ],
    ['blanks around it', '  postgresql://u@h/d\n', { user: 'u' }],
  ])('may have %s', (_, uri, expected) => {
    expect(connection(uri)).toMatchObject(expected);
  });

  test.each([
    ['', 'disable', undefined],
    ['?sslmode=require', 'require', undefined],
    ['?sslmode=prefer', 'require', /TLS is required/],
    ['?sslmode=allow', 'disable', /TLS is not used/],
  ])('with %j means sslmode %s to Concourse', (query, sslMode, note) => {
    const parsed = parsePostgresUri(`postgresql://u@h/d${query}`);
    expect(parsed).toMatchObject({ ok: true, connection: { sslMode } });
    if (note && parsed.ok) expect(parsed.note).toMatch(note);
  });

  test.each([
    ['scheme', 'mysql://u:hunter2@h/d'],
    ['scheme', 'u:hunter2@h'],
    ['scheme', ''],
    ['user', 'postgresql://h/d'],
    ['database', 'postgresql://u:hunter2@h'],
    ['database', 'postgresql://u:hunter2@h/'],
    ['host', 'postgresql://u:hunter2@/d'],
    ['host', 'postgresql://u:hunter2@a,b/d'],
    ['host', 'postgresql://u:hunter2@[fd00::1/d'],
    ['port', 'postgresql://u:hunter2@h:0/d'],
    ['port', 'postgresql://u:hunter2@h:99999/d'],
    ['encoding', 'postgresql://u:hunter%zz@h/d'],
    ['encoding', 'postgresql://u:hunter/2@h/d'],
    ['encoding', 'postgresql://u:hunter#2@h/d'],
    ['encoding', 'postgresql://u:hunter?2@h/d'],
    ['parameter', 'postgresql://u:hunter2@h/d?sslrootcert=/ca.pem'],
    ['parameter', 'postgresql://u:hunter2@h/d?target_session_attrs=any'],
    ['parameter', 'postgresql://u:hunter2@h/d?sslmode=sometimes'],
    ['parameter', 'postgresql://u:hunter2@h/d?connect_timeout=soon'],
  ])('is refused for its %s: %s', (part, uri) => {
    const parsed = parsePostgresUri(uri);
    expect(parsed).toMatchObject({ ok: false, problem: { part } });
    expect(JSON.stringify(parsed)).not.toContain('hunter');
  });

  test('never throws, and never repeats a password in a problem', () => {
    const secret = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(secret, secret, (one, two) => {
        const parsed = parsePostgresUri(`postgresql://user:hunter2${one}@${two}hunter2/d?hunter2${one}`);
        if (!parsed.ok && parsed.problem.part !== 'parameter')
          expect(parsed.problem.message).not.toContain('hunter2');
      }),
    );
  });

  test('any password survives encoding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (password) => {
        expect(connection(`postgresql://u:${encodeURIComponent(password)}@h/d`).password).toBe(password);
      }),
    );
  });
});

test('Concourse is told of a socket or of a host and port, never of both', () => {
  const environment = postgresEnvironment(
    connection('postgresql://u:p@h:1/d?sslnegotiation=direct&connect_timeout=3'),
  );
  expect(environment).toEqual({
    CONCOURSE_POSTGRES_HOST: 'h',
    CONCOURSE_POSTGRES_PORT: '1',
    CONCOURSE_POSTGRES_USER: 'u',
    CONCOURSE_POSTGRES_PASSWORD: 'p',
    CONCOURSE_POSTGRES_DATABASE: 'd',
    CONCOURSE_POSTGRES_SSLMODE: 'disable',
    CONCOURSE_POSTGRES_SSLNEGOTIATION: 'direct',
    CONCOURSE_POSTGRES_CONNECT_TIMEOUT: '3s',
  });
  expect(postgresEnvironment(connection('postgresql://u@/d?host=/run/postgresql'))).toEqual({
    CONCOURSE_POSTGRES_SOCKET: '/run/postgresql',
    CONCOURSE_POSTGRES_USER: 'u',
    CONCOURSE_POSTGRES_DATABASE: 'd',
    CONCOURSE_POSTGRES_SSLMODE: 'disable',
  });
});
