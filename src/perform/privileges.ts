// The privileges of web's roles on what lies in its database.
import { type Ask, DatabaseFailure } from '../host/host.ts';
import { some } from '../statuses.ts';
import { fail } from './failure.ts';

/** Names in one GRANT: a database of thousands of pipelines has a table for each. */
const tablesAtOnce = 500;

interface Lack {
  owner: string;
  /** As SQL has it, quoted. */
  name: string;
  sequence: boolean;
}

/**
 * Charmed PostgreSQL 16 lets a user act as the owner of its database when it logs in. Where that does not happen for every
 * connection, tables that one has made are closed to the others, and people cannot log in to Concourse. So each owner grants web's
 * roles what it has made and will make. Resolves with how many tables and sequences lacked something; does nothing for none.
 * Rejects with `EffectFailed` where PostgreSQL lets web's user act as no owner of what is left.
 */
export async function grantAll(ask: Ask): Promise<number> {
  const [who] = await ask('SELECT session_user::text AS session, current_user::text AS acting');
  const roles = [textOf(who?.['session']), textOf(who?.['acting'])] as const;
  const lacks = await lacking(ask, roles);
  if (lacks.length === 0) return 0;
  const grantees = await quotedRoles(ask, roles);
  for (const owner of new Set(lacks.map((lack) => lack.owner))) {
    if (!(await actAs(ask, owner))) continue;
    const theirs = lacks.filter((lack) => lack.owner === owner);
    await grant(
      ask,
      grantees.filter((role) => role !== owner),
      theirs,
    );
  }
  const left = await lacking(ask, roles);
  if (left.length > 0) {
    const owners = some([...new Set(left.map(({ owner }) => owner))]);
    fail(
      'privileges',
      `let web's user in PostgreSQL act as ${owners}: it may not write tables of the database`,
    );
  }
  return lacks.length;
}

/** Tables and sequences of which one of `roles` may not do everything. What extensions bring is theirs. */
async function lacking(ask: Ask, roles: readonly [session: string, acting: string]): Promise<Lack[]> {
  const rows = await ask(
    `SELECT quote_ident(pg_get_userbyid(c.relowner)) AS owner, c.oid::regclass::text AS name, c.relkind = 'S' AS sequence
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND EXISTS (SELECT FROM (VALUES ($1::name), ($2::name)) AS role (name) WHERE NOT
        CASE WHEN c.relkind = 'S'
          THEN has_sequence_privilege(role.name, c.oid, 'SELECT') AND has_sequence_privilege(role.name, c.oid, 'USAGE')
          ELSE has_table_privilege(role.name, c.oid, 'SELECT') AND has_table_privilege(role.name, c.oid, 'INSERT')
            AND has_table_privilege(role.name, c.oid, 'UPDATE') AND has_table_privilege(role.name, c.oid, 'DELETE')
        END)
    ORDER BY name`,
    roles,
  );
  return rows.map((row) => ({
    owner: textOf(row['owner']),
    name: textOf(row['name']),
    sequence: row['sequence'] === true,
  }));
}

/** The roles that web acts in, and those that the provider keeps for the users of this database. */
async function quotedRoles(ask: Ask, roles: readonly [string, string]): Promise<string[]> {
  const rows = await ask(
    `SELECT quote_ident(rolname) AS role FROM pg_roles
    WHERE rolname IN ($1::name, $2::name)
      OR (right(rolname, 4) = '_dml' AND pg_has_role($1::name, oid, 'MEMBER'))
    ORDER BY rolname`,
    roles,
  );
  return rows.map((row) => textOf(row['role']));
}

/** False where PostgreSQL does not let web's user act as this role. */
async function actAs(ask: Ask, quoted: string): Promise<boolean> {
  try {
    await ask(`SET ROLE ${quoted}`);
    return true;
  } catch (error) {
    if (error instanceof DatabaseFailure && error.code === '42501') return false;
    throw error;
  }
}

/** As their owner: what is there, and what will be. */
async function grant(ask: Ask, grantees: readonly string[], lacks: readonly Lack[]): Promise<void> {
  const to = grantees.join(', ');
  if (to === '') return;
  const kinds = [
    ['TABLE', 'SELECT, INSERT, UPDATE, DELETE', lacks.filter(({ sequence }) => !sequence)],
    ['SEQUENCE', 'SELECT, USAGE', lacks.filter(({ sequence }) => sequence)],
  ] as const;
  for (const [kind, privileges, those] of kinds) {
    for (let at = 0; at < those.length; at += tablesAtOnce) {
      const names = those.slice(at, at + tablesAtOnce).map(({ name }) => name);
      await ask(`GRANT ${privileges} ON ${kind} ${names.join(', ')} TO ${to}`);
    }
    await ask(`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ${privileges} ON ${kind}S TO ${to}`);
  }
}

/** Every column asked for above is a text; anything else is a bug. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`PostgreSQL answered with ${typeof value} for a text`);
}
