// The PostgreSQL connection URI, read as libpq reads it, into what Concourse can use; whatever it cannot is a problem with
// a name, since Concourse itself waits in silence for a database that does not exist.
//
// No message repeats anything from the user, password, host or port: where a password's `/` or `@` was not encoded,
// any of them may be a piece of the password.
import type { Environment } from './environment-file.ts';

export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export interface PostgresConnection {
  user: string;
  password?: string;
  database: string;
  /** A host name or address, or else the directory of a Unix socket. */
  server: { host: string; port: number } | { socket: string; port?: number };
  sslMode: SslMode;
  /** The certificate authority of the server: its text, and the file in which web and `migrate` read it. */
  ca?: { pem: string; file: string };
  sslNegotiation?: 'postgres' | 'direct';
  /** Seconds. */
  connectTimeout?: number;
  applicationName?: string;
}

export interface PostgresProblem {
  part: 'scheme' | 'encoding' | 'user' | 'host' | 'port' | 'database' | 'parameter';
  message: string;
}

export type ParsedPostgres =
  | { ok: true; connection: PostgresConnection; note?: string }
  | { ok: false; problem: PostgresProblem };

const EXAMPLE = 'postgresql://USER:PASSWORD@HOST:5432/DATABASE';
const ENCODE = 'encode / ? # @ : % in the password as %2F %3F %23 %40 %3A %25';

class Refused extends Error {
  readonly problem: PostgresProblem;
  constructor(part: PostgresProblem['part'], message: string) {
    super(message);
    this.problem = { part, message };
  }
}

/** `note` says where the URI asked for something near to what Concourse will do. */
export function parsePostgresUri(uri: string): ParsedPostgres {
  try {
    return { ok: true, ...read(uri.trim()) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: error.problem };
    throw error;
  }
}

function read(uri: string): { connection: PostgresConnection; note?: string } {
  const parts = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(uri);
  if (!parts) {
    if (!/^postgres(ql)?:\/\//.test(uri)) throw new Refused('scheme', `not a URI such as ${EXAMPLE}`);
    throw new Refused('encoding', `a character is in the wrong place: ${ENCODE}`);
  }
  const [, authority = '', path = '', query = ''] = parts;
  if (path.includes('@') || query.includes('@')) {
    throw new Refused('encoding', `an @ stands behind the host: ${ENCODE}`);
  }
  const at = authority.lastIndexOf('@');
  const [name = '', ...secret] = authority.slice(0, Math.max(at, 0)).split(':');
  const given = parameters(query);
  const user = given.get('user') ?? decode(name);
  const password = given.get('password') ?? decode(secret.join(':'));
  const database = given.get('dbname') ?? decode(path);
  if (user === '') throw new Refused('user', `no user: ${EXAMPLE}`);
  if (database === '') throw new Refused('database', `no database: ${EXAMPLE}`);
  const { sslMode, note } = readSslMode(given.get('sslmode'));
  const connection: PostgresConnection = {
    user,
    database,
    ...(password !== '' && { password }),
    server: readServer(authority.slice(at + 1), given),
    sslMode,
    ...readNegotiation(given.get('sslnegotiation')),
    ...readTimeout(given.get('connect_timeout')),
  };
  const applicationName = given.get('application_name');
  if (applicationName) connection.applicationName = applicationName;
  return note === undefined ? { connection } : { connection, note };
}

const SUPPORTED =
  'user password dbname host port sslmode sslnegotiation connect_timeout application_name'.split(' ');

function parameters(query: string): Map<string, string> {
  const given = new Map<string, string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', ...value] = pair.split('=');
    if (!SUPPORTED.includes(name)) {
      const hint = name.startsWith('ssl')
        ? ' (certificates: CONCOURSE_POSTGRES_CA_CERT in /etc/default/concourse-web)'
        : '';
      throw new Refused('parameter', `the parameter ${name} is not supported${hint}`);
    }
    given.set(name, decode(value.join('=')));
  }
  return given;
}

function readServer(hostPart: string, given: Map<string, string>): PostgresConnection['server'] {
  if (hostPart.includes(',')) throw new Refused('host', 'Concourse takes one host, not several');
  const parts = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::([^:]*))?$/.exec(hostPart);
  if (!parts) throw new Refused('host', `the host cannot be read: ${EXAMPLE}`);
  const host = given.get('host') ?? decode((parts[1] ?? '').replace(/^\[|\]$/g, ''));
  const port = given.get('port') || parts[2] || '5432';
  if (host.startsWith('/')) return { socket: host };
  if (host === '') throw new Refused('host', `no host: ${EXAMPLE}`);
  if (host.includes(',')) throw new Refused('host', 'Concourse takes one host, not several');
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw new Refused('port', `the port is not a number from 1 to 65535; ${ENCODE}`);
  }
  return { host, port: Number(port) };
}

/** Concourse knows neither `prefer` nor `allow`, which fall back in silence. Without a word it is Concourse's own default. */
function readSslMode(mode: string | undefined): { sslMode: SslMode; note?: string } {
  switch (mode) {
    case undefined:
    case '':
      return { sslMode: 'disable' };
    case 'disable':
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return { sslMode: mode };
    case 'prefer':
      return { sslMode: 'require', note: 'Concourse knows no sslmode=prefer: TLS is required' };
    case 'allow':
      return { sslMode: 'disable', note: 'Concourse knows no sslmode=allow: TLS is not used' };
    default:
      throw new Refused('parameter', 'sslmode is one of disable, require, verify-ca, verify-full');
  }
}

function readNegotiation(value: string | undefined): Pick<PostgresConnection, 'sslNegotiation'> {
  if (value === undefined) return {};
  if (value === 'postgres' || value === 'direct') return { sslNegotiation: value };
  throw new Refused('parameter', 'sslnegotiation is postgres or direct');
}

function readTimeout(value: string | undefined): Pick<PostgresConnection, 'connectTimeout'> {
  if (value === undefined) return {};
  if (/^\d{1,6}$/.test(value)) return { connectTimeout: Number(value) };
  throw new Refused('parameter', 'connect_timeout is a number of seconds');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError)
      throw new Refused('encoding', `a % is not followed by two digits: ${ENCODE}`);
    throw error;
  }
}

/** What `concourse web` and `concourse migrate` need to reach the database. */
export function postgresEnvironment(connection: PostgresConnection): Environment {
  const { server } = connection;
  return {
    ...('socket' in server
      ? {
          CONCOURSE_POSTGRES_SOCKET: server.socket,
          // Concourse has no port for a socket: its driver takes the one of libpq.
          ...(server.port !== undefined && { PGPORT: String(server.port) }),
        }
      : { CONCOURSE_POSTGRES_HOST: server.host, CONCOURSE_POSTGRES_PORT: String(server.port) }),
    CONCOURSE_POSTGRES_USER: connection.user,
    ...(connection.password !== undefined && { CONCOURSE_POSTGRES_PASSWORD: connection.password }),
    CONCOURSE_POSTGRES_DATABASE: connection.database,
    CONCOURSE_POSTGRES_SSLMODE: connection.sslMode,
    ...(connection.ca !== undefined && { CONCOURSE_POSTGRES_CA_CERT: connection.ca.file }),
    ...(connection.sslNegotiation !== undefined && {
      CONCOURSE_POSTGRES_SSLNEGOTIATION: connection.sslNegotiation,
    }),
    ...(connection.connectTimeout !== undefined && {
      CONCOURSE_POSTGRES_CONNECT_TIMEOUT: `${connection.connectTimeout}s`,
    }),
    ...(connection.applicationName !== undefined && {
      CONCOURSE_POSTGRES_APPLICATION_NAME: connection.applicationName,
    }),
  };
}
