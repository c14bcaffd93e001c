// Effects on the shared part of the volume: each takes the install lock, does one thing, and gives it back.
import path from 'node:path';
import { type Environment, parseEnvironmentFile } from '../concourse/environment-file.ts';
import {
  encryptionKey,
  migrateTo,
  parseSchema,
  schemaStep,
  supportedSchema,
  currentSchema,
} from '../concourse/migrations.ts';
import { WEB_SERVICE } from '../concourse/web.ts';
import type { Failure, Observed } from '../observed.ts';
import { readPostgres } from '../observe/postgres-view.ts';
import { describeFailure, type ReleaseFailure } from '../release/failures.ts';
import { verifyRelease } from '../release/manifest.ts';
import { planRelease } from '../release/source.ts';
import { stageRelease } from '../release/stage.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { longestRetryMs } from '../upgrade/installer.ts';
import type { Held } from '../storage/held.ts';
import { withInstallLock } from '../storage/lock.ts';
import { EffectFailed, fail, failureOf } from './failure.ts';

/** Above 20 s, so that the lease of a holder that died on another machine is taken over in the same hook. */
const lockWaitMs = 25_000;
const migrationMs = 600_000;
const firstRetryMs = 30_000;

const locked = <T>({ host, hook }: Session, purpose: string, work: (held: Held) => Promise<T>): Promise<T> =>
  withInstallLock(host, { unit: hook.unit, purpose, waitMs: lockWaitMs }, work);

/** Makes a release whole and verified on the volume. A failure is remembered, with the time of the next try. */
export async function stage(
  session: Session,
  o: Observed,
  target: { version: string; digest: string | undefined; wish: string },
): Promise<void> {
  const { version, digest, wish } = target;
  try {
    await stageNow(session, o, { version, digest });
    const { damaged } = session.memory;
    session.memory = {
      ...session.memory,
      staging: undefined,
      damaged: damaged === version ? undefined : damaged,
    };
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== undefined && failure.code !== 'lock-busy') {
      session.memory = { ...session.memory, staging: nextTry(session, wish, failure) };
    }
    throw error;
  }
}

interface Staging {
  version: string;
  /** SHA-256 of the archive, where pin or goal know it. */
  digest: string | undefined;
  /** Says how far it is. Default: as the unit's status. */
  say?: (text: string) => Promise<void>;
}

/** Once, without a memory of failures. */
export const stageNow = (session: Session, o: Observed, what: Staging): Promise<void> =>
  locked(session, `staging ${what.version}`, (held) => stageLocked(session, o, held, what));

async function stageLocked(
  session: Session,
  o: Observed,
  held: Held,
  { version, digest, say = (text) => session.hook.progress(text) }: Staging,
): Promise<void> {
  const { hook, host, volume } = session;
  const aside = await held.moveForeignAside();
  if (aside !== undefined) hook.log.warning(`another layout stood on the volume: moved to ${aside}`);
  // Another unit may have staged it while this one waited for the lock.
  const there = await verifyRelease(host.files, volume.layout.release(version), {
    version,
    architecture: host.architecture,
    depth: session.memory.damaged === version ? 'contents' : 'sizes',
  });
  if (there.ok) return;
  const resourcePath = await hook.resource('concourse-release');
  const { releaseMirror, releaseSha256 } = o.settings;
  const planned = await planRelease(host.files, {
    version,
    architecture: host.architecture,
    proxies: proxiesOf(session),
    ...(releaseMirror === undefined ? {} : { mirror: releaseMirror }),
    ...(resourcePath === undefined ? {} : { resourcePath }),
    ...(releaseSha256 === undefined ? {} : { digestOption: releaseSha256 }),
    ...(digest === undefined ? {} : { pinDigest: digest }),
  });
  if (!planned.ok) throw released(planned.failure, hook.application);
  const area = await held.staging(version);
  await say(statuses.downloading(version, undefined).message);
  const staged = await stageRelease(host, area, planned.plan, {
    log: (level, text) => hook.log[level](text),
    onProgress: async ({ bytes, total }) => {
      const percent = total === undefined || total === 0 ? undefined : Math.floor((100 * bytes) / total);
      await say(statuses.downloading(version, percent).message);
    },
  });
  await held.progress(undefined);
  if (!staged.ok) throw released(staged.failure, hook.application);
  const { algorithm, from } = staged.verifiedBy;
  hook.log.info(`Concourse ${version} is staged, verified by ${algorithm} (${from}): ${staged.digest}`);
  await held.releaseVersion(version, staged.directory);
}

function released(failure: ReleaseFailure, application: string): EffectFailed {
  const { message, next, transient } = describeFailure(failure, application);
  return new EffectFailed({ code: failure.code, message: `${next}: ${message}`, transient });
}

function proxiesOf({ hook }: Session) {
  const { http, https, no } = hook.proxies;
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(no === undefined ? {} : { no }),
  };
}

/** 30 s, then twice as long each time, an hour at most. */
function nextTry(session: Session, wish: string, failure: Failure) {
  const before = session.memory.staging?.wish === wish ? session.memory.staging.failures : 0;
  const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** before);
  return {
    wish,
    failures: before + 1,
    notBefore: session.host.clock.now() + delayMs,
    message: failure.message,
  };
}

/** S3 to S5: under the lock, the staged release is verified, `bin` is pointed at it, and the marker says so. */
export async function switchRelease(
  session: Session,
  o: Observed,
  target: { version: string; from: string | undefined; digest: string | undefined; migrateDown: boolean },
): Promise<void> {
  const { version, from, digest, migrateDown } = target;
  const { hook, host, volume } = session;
  await locked(session, `switching to ${version}`, async (held) => {
    await held.moveForeignAside();
    const verified = await verifyRelease(host.files, volume.layout.release(version), {
      version,
      architecture: host.architecture,
      depth: 'sizes',
      signal: held.signal,
      ...(digest === undefined ? {} : { expectedDigest: digest }),
    });
    if (!verified.ok)
      fail('release-broken', `release ${version} does not verify: ${verified.problems.join('; ')}`);
    if (migrateDown && from !== undefined && isWebUnit(o)) await migrateDatabase(session, o, from, version);
    await held.switchTo(version);
    await held.writeMarker(version);
  });
  if (session.memory.prefetched === version) session.memory = { ...session.memory, prefetched: undefined };
  hook.log.info(`bin points at Concourse ${version}${from === undefined ? '' : `, before it at ${from}`}`);
}

const isWebUnit = (o: Observed): boolean => o.facts.role === 'web' || o.facts.role === 'web,worker';

/** Only the newer binary knows the way down, and no web may run meanwhile. */
async function migrateDatabase(session: Session, o: Observed, from: string, to: string): Promise<void> {
  const { hook, host, volume } = session;
  const database = await readPostgres(session, o.postgresSecret);
  if ('missing' in database) fail('no-database', database.missing.message);
  const postgres = database.connection;
  const keys = await keysOfDatabase(session, o);
  if (o.web.otherUnit !== undefined) fail('no-web', statuses.secondWebHere(o.web.otherUnit).message);
  await host.services.stop(WEB_SERVICE, 60_000);
  const ask = async (command: { command: string; args: readonly string[]; env: Record<string, string> }) =>
    host.commands.run(command.command, command.args, { env: command.env, timeoutMs: migrationMs });
  const supported = parseSchema(await ask(supportedSchema(volume.layout.release(to))));
  const current = parseSchema(await ask(currentSchema(volume.layout.release(from), postgres)));
  if (supported === undefined || current === undefined) {
    fail('migration', `the database's schema cannot be read: is PostgreSQL up? Concourse ${from} stays`);
  }
  if (schemaStep(current, supported) !== 'down') return;
  const done = await ask(migrateTo(volume.layout.release(from), supported, postgres, keys));
  if (done.code !== 0) {
    hook.log.error(`concourse migrate failed: ${done.stderr.slice(-2000)}`);
    fail(
      'migration',
      `the database cannot be taken down to schema ${supported}: see juju debug-log; Concourse ${from} stays`,
    );
  }
  hook.log.info(`the database went from schema ${current} to ${supported}`);
}

/** From the option and from the operator's own file, which web reads last. Without a key that is set, but cannot be read just
 * now, nothing is migrated. */
export async function keysOfDatabase({ host }: Session, o: Observed): Promise<Environment> {
  const { plan } = o.web;
  if (plan !== undefined && 'missing' in plan) fail('no-database', plan.missing.message);
  const operator = await host.files.readText(path.join(host.paths.defaults, 'concourse-web'));
  return encryptionKey({ ...plan?.environment, ...parseEnvironmentFile(operator ?? '') });
}

export async function mendMarker(session: Session, version: string): Promise<void> {
  session.hook.log.warning(`.installed_version disagreed with bin, which points at ${version}: mended`);
  await locked(session, 'mending the marker', (held) => held.writeMarker(version));
}

/** Taking the lock sweeps what crashed holders left. */
export async function prune(session: Session, versions: readonly string[]): Promise<void> {
  await locked(session, 'pruning', async (held) => {
    for (const version of versions) await held.removeRelease(version);
  });
  if (versions.length > 0) session.hook.log.info(`removed releases that nobody runs: ${versions.join(', ')}`);
}
