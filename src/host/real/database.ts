// SQL on a PostgreSQL server: one connection, one piece of work, and no more time than it is given.
import net from 'node:net';
import tls from 'node:tls';
import postgres from 'postgres';
import { type Ask, DatabaseFailure, type DatabaseLogin, type Databases } from '../host.ts';

/** A statement that waits for a lock, or runs, for longer ends by itself, also when we are gone. */
const limits = "SET lock_timeout = '5s'; SET statement_timeout = '10s'";

export const session: Databases['session'] = async (login, withinMs, work) => {
  const sql = postgres(optionsFor(login, withinMs));
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new DatabaseFailure(`no answer within ${Math.round(withinMs / 1000)}s`, {
        code: 'LATE',
        transient: true,
      }),
    );
  }, withinMs);
  const worked = async () => {
    // One connection at most. Were it lost, the statement under way would fail, and nothing is asked after a failure.
    const ask: Ask = async (text, values = []) => [...(await named(sql.unsafe(text, [...values])))];
    await ask(limits);
    return work(ask);
  };
  try {
    return await Promise.race([late.promise, worked()]);
  } finally {
    clearTimeout(timer);
    await sql.end({ timeout: 0 });
  }
};

function optionsFor({ server, sslMode, ca, ...login }: DatabaseLogin, withinMs: number) {
  const host = 'socket' in server ? server.socket : server.host;
  const port = server.port ?? 5432;
  // As lists, of which its types know nothing: of an IPv6 address as a text it would take what stands before the first colon.
  const lists: object = { host: [host], port: [port] };
  return {
    ...login,
    ...lists,
    ...('socket' in server && { path: `${server.socket}/.s.PGSQL.${port}` }),
    ssl: 'socket' in server ? false : tlsFor(host, sslMode, ca?.pem),
    max: 1,
    connect_timeout: Math.ceil(withinMs / 1000),
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'concourse-ci charm' },
  };
}

/** As libpq has the modes. The name is checked here: of an address, postgres would have the certificate name `localhost`. */
function tlsFor(host: string, mode: DatabaseLogin['sslMode'], pem: string | undefined) {
  switch (mode) {
    case 'disable':
      return false;
    case 'require':
      return { rejectUnauthorized: false };
    case 'verify-ca':
    case 'verify-full':
      return {
        ...(pem !== undefined && { ca: pem }),
        ...(net.isIP(host) === 0 && { servername: host }),
        checkServerIdentity: (_: string, certificate: tls.PeerCertificate) =>
          mode === 'verify-ca' ? undefined : tls.checkServerIdentity(host, certificate),
      };
    default:
      return mode satisfies never;
  }
}

/** PostgreSQL's errors and those of connections, as one kind; anything else is a bug. */
async function named<T>(attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const code = String(error.code);
    const transient = !(error instanceof postgres.PostgresError) || /^(08|40|53|55|57)/.test(code);
    throw new DatabaseFailure(error.message, { code, transient, cause: error });
  }
}
