// What is done at the database that the relation `postgresql` brings: it is asked for, and web's privileges in it are made whole.
import { DatabaseFailure } from '../host/host.ts';
import { readPostgres } from '../observe/postgres-view.ts';
import { request } from '../relations/postgresql.ts';
import type { Session } from '../session.ts';
import { databaseRelation } from '../storages.ts';
import { fail } from './failure.ts';
import { grantAll } from './privileges.ts';

const withinMs = 20_000;

/** The leader's request. Written in each of its hooks; only what differs is sent. */
export async function requestDatabase({ hook, memory }: Session): Promise<void> {
  if (memory.postgresql !== true) return;
  await (await databaseRelation(hook))?.setApplication(request);
}

/** See `grantAll`. `key`: remembered as done. `secret`: the URI that `postgres-uri` names. */
export async function mendPrivileges(
  session: Session,
  secret: string | undefined,
  key: string,
): Promise<void> {
  const { hook, host } = session;
  const database = await readPostgres(session, secret);
  if ('missing' in database) fail('no-database', database.missing.message, true);
  try {
    const mended = await host.databases.session(database.connection, withinMs, grantAll);
    if (mended > 0) hook.log.info(`PostgreSQL lets web write ${mended} more tables and sequences`);
  } catch (error) {
    if (!(error instanceof DatabaseFailure)) throw error;
    // What PostgreSQL says may name users: the log masks what secrets hold, a status says less.
    hook.log.warning(`the privileges in the database cannot be looked at: ${error.message}`);
    fail(
      'privileges',
      `PostgreSQL cannot be asked for web's privileges (${error.code}): see juju debug-log`,
      true,
    );
  }
  session.memory = { ...session.memory, privileges: key };
}
