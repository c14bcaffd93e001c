// Which database web uses: that of the option `postgres-uri`, or else the one that the relation `postgresql` brings. The option
// wins: a relation that is added under a web that runs must not take its database from it.
import { createHash } from 'node:crypto';
import { NotFound, PermissionDenied } from 'juju-ts-ops';
import { parsePostgresUri, type PostgresConnection } from '../concourse/postgres.ts';
import { databaseCaPath } from '../concourse/web.ts';
import type { Missing } from '../observed.ts';
import { type Provided, readDatabase } from '../relations/postgresql.ts';
import type { ConcourseHook, Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { databaseRelation } from '../storages.ts';
import { conceal, readUserSecret } from './user-secret.ts';

export interface Database {
  connection: PostgresConnection;
  from: 'option' | 'relation';
}

/** `secret`: the URI that `postgres-uri` names. */
export async function readPostgres(
  session: Session,
  secret: string | undefined,
): Promise<Database | Missing> {
  const { hook, memory } = session;
  if (secret !== undefined) return fromOption(hook, secret);
  if (memory.postgresql !== true) return { missing: statuses.postgresMissing(hook.application) };
  return fromRelation(session);
}

async function fromOption(hook: ConcourseHook, uri: string): Promise<Database | Missing> {
  const secret = await readUserSecret(hook, uri);
  if ('missing' in secret) return secret;
  const { uri: database } = secret.content;
  if (database === undefined) return { missing: statuses.postgresMalformed('it has no key uri') };
  const parsed = parsePostgresUri(database);
  if (!parsed.ok) return { missing: statuses.postgresMalformed(parsed.problem.message) };
  conceal(hook, [parsed.connection.password]);
  return { connection: parsed.connection, from: 'option' };
}

type DatabaseRelation = NonNullable<Awaited<ReturnType<typeof databaseRelation>>>;

async function fromRelation({ hook, host }: Session): Promise<Database | Missing> {
  const relation = await databaseRelation(hook);
  if (relation === undefined) return { missing: statuses.postgresMissing(hook.application) };
  const remote = await relation.remoteApplication();
  const { values: application } = await relation.application();
  const user = await granted(hook, application['secret-user']);
  const tls = await granted(hook, application['secret-tls']);
  // To grant a secret is no event: only time tells.
  if (user === undefined || tls === undefined)
    return { missing: statuses.databaseUngranted(remote), lookAgain: true };
  const silent = application['secret-user'] === undefined && application.username === undefined;
  const units = silent ? await unitsOf(relation) : [];
  // Older providers write them openly; they need not stand in our log as well.
  conceal(hook, [application.uris, ...[application, ...units].map(({ password }) => password)]);
  const read = readDatabase({ application, user, tls, units }, databaseCaPath(host.paths.etc));
  switch (read.kind) {
    case 'database':
      conceal(hook, [read.connection.password]);
      return { connection: read.connection, from: 'relation' };
    case 'nothing':
      return { missing: statuses.databaseAwaited(remote) };
    case 'problem':
      return { missing: statuses.databaseUnfit(remote, read.problem) };
    default:
      return read satisfies never;
  }
}

/** A secret's content; nothing in it where none is named; undefined where it cannot be read (yet). */
async function granted(hook: ConcourseHook, uri: string | undefined): Promise<Provided['user'] | undefined> {
  if (uri === undefined || uri === '') return {};
  try {
    return await hook.secrets.get(uri, 'refresh');
  } catch (error) {
    // Juju 3 says "permission denied", Juju 4 "not found" of one that was not granted.
    if (error instanceof PermissionDenied || error instanceof NotFound) return undefined;
    throw error;
  }
}

async function unitsOf(relation: DatabaseRelation) {
  const names = await relation.units();
  return Promise.all(names.map(async (name) => (await relation.unit(name)).values));
}

/** For which release and database web's privileges are whole or not; nothing of a secret can be told from it. */
export function privilegesKey(database: Database, version: string): string | undefined {
  if (database.from === 'option') return undefined;
  const { user, database: name, server } = database.connection;
  return createHash('sha256')
    .update(JSON.stringify([version, user, name, server]))
    .digest('hex')
    .slice(0, 16);
}
