// The database's schema: which one a release brings, which one is there, and how to take it down before an older release
// starts. Concourse has no guard of its own: an old web starts on a newer schema without a word.
import type { Environment } from './environment-file.ts';
import { type PostgresConnection, postgresEnvironment } from './postgres.ts';

/** A command to run as it is; the environment holds the password, the arguments do not. */
export interface ConcourseCommand {
  command: string;
  args: readonly string[];
  env: Record<string, string>;
}

const migrate = (release: string, flag: string, environment: Environment): ConcourseCommand => ({
  command: `${release}/bin/concourse`,
  args: ['migrate', flag],
  env: { ...environment },
});

/** The schema that a release brings. Asks no database. */
export const supportedSchema = (release: string): ConcourseCommand =>
  migrate(release, '--supported-db-version', {});

/** The schema that is there. */
export const currentSchema = (release: string, postgres: PostgresConnection): ConcourseCommand =>
  migrate(release, '--current-db-version', postgresEnvironment(postgres));

/** The keys that rows are encrypted with, of web's settings: a migration may have to read them, also those that web has not
 * rotated yet. */
export const encryptionKey = (environment: Environment): Environment =>
  Object.fromEntries(
    Object.entries(environment).filter(([name]) =>
      /^CONCOURSE_(OLD_)?ENCRYPTION_KEY(_HEX|_BASE64)?$/.test(name),
    ),
  );

/** To be run with the *newer* release's binary while every web is stopped: only it knows the way down. */
export function migrateTo(
  release: string,
  schema: number,
  postgres: PostgresConnection,
  extra: Environment = {},
): ConcourseCommand {
  return migrate(release, `--migrate-db-to-version=${schema}`, {
    ...postgresEnvironment(postgres),
    ...extra,
  });
}

/** The number on the last line that is one: `1776182280`. */
export function parseSchema(result: { code: number; stdout: string }): number | undefined {
  if (result.code !== 0) return undefined;
  const line = result.stdout.split('\n').findLast((text) => /^\d{1,15}$/.test(text.trim()));
  return line === undefined ? undefined : Number(line.trim());
}

/** What must happen to the database before a web of a release that supports `supported` may start. */
export function schemaStep(current: number, supported: number): 'none' | 'up' | 'down' {
  if (current === supported) return 'none';
  return current < supported ? 'up' : 'down';
}
