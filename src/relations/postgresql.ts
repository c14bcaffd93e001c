// The `postgresql` endpoint: what is asked of a database charm, and what it says, in the words of the interface postgresql_client
// (version 0 of the library data_interfaces, which the charms of PostgreSQL and PgBouncer speak), as one connection.
import { type ParsedPostgres, parsePostgresUri, type PostgresConnection } from '../concourse/postgres.ts';

/** What the leader writes. The provider answers with a database and a role of that database's owner: Concourse needs no more. */
export const request = {
  database: 'concourse',
  'requested-secrets': ['username', 'password', 'tls', 'tls-ca', 'uris'],
};

type Said = Readonly<Record<string, string | undefined>>;

export interface Provided {
  /** The provider's application databag. */
  application: Said;
  /** What the secrets hold that `secret-user` and `secret-tls` name; nothing where they name none. */
  user: Said;
  tls: Said;
  /** Databags of its units, read where the application's says nothing: the first providers wrote there. */
  units: readonly Said[];
}

/** `nothing`: it has yet to make a database. `problem`: words for people, without what is secret. */
export type ReadDatabase =
  | { kind: 'database'; connection: PostgresConnection }
  | { kind: 'nothing' }
  | { kind: 'problem'; problem: string };

/** Concourse runs on no older one. */
const oldestVersion = 11;

/** `caFile`: where the provider's certificate authority will lie for web. */
export function readDatabase(provided: Provided, caFile: string): ReadDatabase {
  const { application, user, tls } = provided;
  // What older providers write openly stands in the databag under the secret's own keys.
  const said = { ...filled(application), ...filled(user), ...filled(tls) };
  const version = /^[0-9]+/.exec(said['version'] ?? '')?.[0];
  if (version !== undefined && Number(version) < oldestVersion)
    return problem(`it is PostgreSQL ${version}; Concourse needs ${oldestVersion} or newer`);
  const found = connectionOf(said) ?? fromUris(said['uris']) ?? fromUnits(provided.units);
  if (found === undefined) return { kind: 'nothing' };
  if (!found.ok) return problem(found.problem.message);
  if ('socket' in found.connection.server) return { kind: 'database', connection: found.connection };
  return { kind: 'database', connection: { ...found.connection, ...tlsOf(said, caFile) } };
}

function connectionOf(said: Said): ParsedPostgres | undefined {
  const { username, password, endpoints, database } = said;
  if (username === undefined || password === undefined || endpoints === undefined || database === undefined)
    return undefined;
  const server = firstEndpoint(endpoints);
  if (server === undefined)
    return { ok: false, problem: { part: 'host', message: 'its endpoints are not HOST:PORT' } };
  return { ok: true, connection: { user: username, password, database, server, sslMode: 'disable' } };
}

/** The one that takes writes, which the provider names anew after a failover. Concourse takes one port, so one server. A
 * PgBouncer on the same machine may name the directory of its socket. */
function firstEndpoint(endpoints: string): PostgresConnection['server'] | undefined {
  const [first = ''] = endpoints.split(',');
  const [, bracketed, plain, port = '5432'] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(first.trim()) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) return undefined;
  return host.startsWith('/') ? { socket: host, port: Number(port) } : { host, port: Number(port) };
}

/** Of several servers in it the first. */
function fromUris(uris: string | undefined): ParsedPostgres | undefined {
  if (uris === undefined) return undefined;
  return parsePostgresUri(uris.replace(/^([^/]*\/\/(?:[^/@]*@)?[^/,]*),[^/?]*/, '$1'));
}

function fromUnits(units: readonly Said[]): ParsedPostgres | undefined {
  for (const unit of units) {
    const { host, port = '5432', user, password, database } = filled(unit);
    if (host === undefined || user === undefined || password === undefined || database === undefined)
      continue;
    return connectionOf({ username: user, password, database, endpoints: `${host}:${port}` });
  }
  return undefined;
}

/** `tls` is a word of Python's: `True`. With an authority the certificate must be of it and name the server. */
function tlsOf(said: Said, caFile: string): Pick<PostgresConnection, 'sslMode' | 'ca'> | undefined {
  if (said['tls'] === undefined) return undefined;
  if (!/^true$/i.test(said['tls'])) return { sslMode: 'disable' };
  const pem = said['tls-ca'];
  return pem === undefined ? { sslMode: 'require' } : { sslMode: 'verify-full', ca: { pem, file: caFile } };
}

const filled = (said: Said): Said =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== ''));

const problem = (text: string): ReadDatabase => ({ kind: 'problem', problem: text });
