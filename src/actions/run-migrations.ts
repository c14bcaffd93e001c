// The action run-migrations: what web does by itself at each start, done alone and within sight, for a database that web does not
// get through by itself.
import { ActionFailure } from 'juju-ts-ops';
import {
  type ConcourseCommand,
  currentSchema,
  migrateTo,
  parseSchema,
  schemaStep,
  supportedSchema,
} from '../concourse/migrations.ts';
import { WEB_SERVICE } from '../concourse/web.ts';
import { observe } from '../observe/observe.ts';
import { readPostgres } from '../observe/postgres-view.ts';
import { type Observed, ownUp } from '../observed.ts';
import { failureOf } from '../perform/failure.ts';
import { keysOfDatabase } from '../perform/release.ts';
import { remember, wakeSoon } from '../reconcile.ts';
import type { Session } from '../session.ts';
import { withInstallLock } from '../storage/lock.ts';
import { isWeb } from '../upgrade/facts.ts';
import { volumeVerdict } from '../upgrade/volume.ts';
import { demandInstaller, goalOf } from './situation.ts';

/** For each migration that there is. */
const migrationMs = 1_800_000;
const askMs = 60_000;

interface Params {
  'dry-run': boolean;
  force: boolean;
}

/** Only up, to what the installed release supports, and only while no web runs: the way down is the rollback's. */
export async function runMigrations(session: Session, params: Params, tell: (text: string) => Promise<void>) {
  const o = await observe(session);
  demandInstaller(o, 'run-migrations');
  const verdict = volumeVerdict(o, goalOf(o));
  if (verdict.kind === 'refused') throw new ActionFailure(verdict.status.message);
  if (!isWeb(o.facts)) throw new ActionFailure('this application has no web, and so no database');
  const version = o.volume.installed;
  if (version === undefined)
    throw new ActionFailure('nothing is installed on the volume that this unit sees');
  try {
    return await migrate(session, o, version, params, tell);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    throw new ActionFailure(failure.message, { cause: error });
  }
}

async function migrate(
  session: Session,
  o: Observed,
  version: string,
  params: Params,
  tell: (text: string) => Promise<void>,
) {
  const { hook, host, volume } = session;
  const database = await readPostgres(session, o.postgresSecret);
  if ('missing' in database) throw new ActionFailure(database.missing.message);
  const release = volume.layout.release(version);
  const run = async ({ command, args, env }: ConcourseCommand, timeoutMs: number) =>
    host.commands.run(command, args, { env, timeoutMs });
  const supported = parseSchema(await run(supportedSchema(release), askMs));
  const current = parseSchema(await run(currentSchema(release, database.connection), askMs));
  if (supported === undefined || current === undefined)
    throw new ActionFailure("the database's schema cannot be read: is PostgreSQL up? see the action status");
  const found = { version, supported, before: current };
  const step = schemaStep(current, supported);
  if (step === 'down')
    throw new ActionFailure(
      `the database is at schema ${current}, and Concourse ${version} supports ${supported}: upgrade to the release that brought it there, or restore a backup`,
      { results: found },
    );
  if (step === 'none')
    return { ...found, after: current, result: 'the database is where the release supports it' };
  if (params['dry-run']) return { ...found, after: current, result: 'nothing was migrated: dry-run' };
  if (ownUp(o.web) && !params.force)
    throw new ActionFailure(
      `web runs, and migrates the database by itself: juju ssh ${o.unit} journalctl -u concourse-server; force=true stops it first`,
      { results: found },
    );
  const keys = await keysOfDatabase(session, o);
  await withInstallLock(
    host,
    { unit: hook.unit, purpose: 'the action run-migrations', waitMs: 25_000 },
    async () => {
      if (ownUp(o.web)) await host.services.stop(WEB_SERVICE, 60_000);
      await tell(`migrating the database from schema ${current} to ${supported}`);
      const done = await run(migrateTo(release, supported, database.connection, keys), migrationMs);
      if (done.code === 0) return;
      hook.log.error(`concourse migrate failed: ${done.stderr.slice(-2000)}`);
      throw new ActionFailure(
        `concourse migrate failed: ${hook.masked(lastLine(done.stderr)) || `exit code ${done.code}`}; more in juju debug-log`,
        { results: found },
      );
    },
  ).finally(async () => {
    // Web starts with the next hook, whatever came of it.
    await wakeSoon(session);
    await remember(session);
  });
  const after = parseSchema(await run(currentSchema(release, database.connection), askMs));
  return {
    ...found,
    after,
    result: `the database went from schema ${current} to ${after ?? 'what is not known'}; web starts in a moment`,
  };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
