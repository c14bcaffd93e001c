// Web's part, as one pure function over what was observed: it runs what the volume names, lets the workers in that exist, says where
// they register, and forgets those that are gone.
import { day } from '../concourse/certificate.ts';
import { DENIED } from '../concourse/health.ts';
import { authorizedKeysFile, fingerprint, keyProblem } from '../concourse/keys.ts';
import { type Effect, type Observed, ownUp, plannedVersion, type Status } from '../observed.ts';
import { statuses } from '../statuses.ts';
import { guests } from './elsewhere.ts';
import { type Facts, hasPassed, isWorker } from './facts.ts';
import { byNumber, isThere } from './goal.ts';
import type { Step } from './installer.ts';

/** When to look again at something that nobody tells of. */
const retryMs = 30_000;
/** Web that is to forget a worker does not, yet. */
const lookAgainMs = 60_000;
/** For so long web is looked at for nothing but a worker that it shall forget: it misses a heartbeat after a minute. */
const forgettingMs = 240_000;
/** How long before its end a certificate is told of: two weeks. */
const expiryTellsMs = 14 * 24 * 3_600_000;

/** Web runs what the volume names, with the workers' keys, and says where workers register. `later`: why one that runs is not
 * restarted yet. */
export function webStep(o: Observed, upgrading: boolean, later?: Status): Step {
  const { web } = o;
  // A key that Concourse could not read would keep web from starting: its worker goes on waiting to be let in.
  const keys = workerKeys(o).filter(({ publicSsh }) => keyProblem(publicSsh) === undefined);
  const others = guests(o);
  const authorized = authorizedKeysFile([...keys, ...others]).text;
  const known: Facts = {
    'tsa-address': web.tsaAddress,
    'tsa-host-key': web.tsaHostKey,
    'web-url': web.url,
    'web-address': web.innerUrl,
    'authorized-workers': keys.map(({ publicSsh }) => fingerprint(publicSsh)),
  };
  if (web.otherUnit !== undefined)
    return { facts: {}, effects: [], statuses: [statuses.secondWebHere(web.otherUnit)] };
  const { due: names, asked } = web.certificate;
  if (names !== undefined && !o.done.has('request-certificate') && !o.failures.has('request-certificate')) {
    const effects: Effect[] = [{ do: 'request-certificate', names, keep: asked.slice(0, 1) }];
    return { facts: {}, effects, statuses: [] };
  }
  if (web.plan === undefined) return { facts: {}, effects: [], statuses: [statuses.webSecretMissing()] };
  // Of others by the name that web lists them under, where they say it.
  const units = [...keys.map(({ unit }) => unit), ...others.flatMap(({ name }) => name ?? [])];
  const letting = authorizing(o, authorized, units);
  if ('missing' in web.plan) {
    // Without a database any more web goes down; a secret that cannot be read just now does not.
    const none = !o.settings.postgresConfigured && o.memory.postgresql !== true;
    const stops: Effect[] = none && ownUp(web) && !o.failures.has('stop-web') ? [{ do: 'stop-web' }] : [];
    const wakeAt = earliest([
      web.plan.lookAgain === true ? o.now + retryMs : undefined,
      web.certificate.lookAt,
    ]);
    const step: Step = { facts: {}, effects: stops, statuses: [web.plan.missing], wakeAt };
    // While it runs, workers come and go.
    if (none || !ownUp(web) || o.failures.has('authorize-workers')) return step;
    if (letting !== undefined) return { ...step, effects: [letting] };
    return { ...step, facts: { 'authorized-workers': known['authorized-workers'] } };
  }
  const failure = o.failures.get('start-web') ?? o.failures.get('authorize-workers');
  if (failure !== undefined)
    return {
      facts: known,
      effects: [],
      statuses: [statuses.effectFailed(failure.message)],
      wakeAt: o.now + retryMs,
    };
  if (letting !== undefined) return { facts: {}, effects: [letting], statuses: [] };
  const version = plannedVersion(web.plan);
  const current =
    web.up && web.runningVersion === version && web.runningConfiguration === web.plan.configuration;
  if (later !== undefined && !current && web.up)
    return {
      facts: web.answers === undefined ? {} : known,
      effects: [],
      statuses: [later],
      wakeAt: o.now + retryMs,
    };
  if (!current || !web.enabled) {
    return {
      facts: {},
      effects: [{ do: 'start-web', plan: web.plan }],
      statuses: [statuses.webStarting(version)],
    };
  }
  if (web.answers === version) {
    const privileges = lackingPrivileges(o);
    if (privileges !== undefined) return { facts: known, effects: [privileges], statuses: [] };
    const several = o.settings.mode === 'web' ? { 'web-answers': version } : {};
    const facts: Facts = { ...known, ...several, 'web-revision': web.revision };
    const trouble = databaseTrouble(o, version);
    if (trouble !== undefined) return { facts, effects: [], statuses: [trouble], wakeAt: o.now + retryMs };
    const workers = keys.length + others.length;
    const status = workers === 0 ? lonely(o) : statuses.web(version, web.url, workers);
    const gone = o.goal?.installer === o.unit ? forgotten(o, units) : [];
    const { expires, lookAt } = expiry(o);
    const told =
      expires === undefined ? status : statuses.certificateExpires(status, day(expires), expires <= o.now);
    const wakes = [gone.length > 0 && stillForgetting(o) ? o.now + lookAgainMs : undefined, lookAt];
    return {
      facts,
      effects:
        gone.length > 0 && !o.done.has('forget-workers') ? [{ do: 'forget-workers', units: gone }] : [],
      statuses: upgrading ? [] : [told],
      wakeAt: earliest(wakes),
    };
  }
  if (o.done.has('start-web') && !o.done.has('await-web') && !o.failures.has('await-web')) {
    return {
      facts: known,
      effects: [{ do: 'await-web', version }],
      statuses: [statuses.webStarting(version)],
    };
  }
  if (web.complaint === DENIED) {
    const privileges = lackingPrivileges(o);
    if (privileges !== undefined) return { facts: known, effects: [privileges], statuses: [] };
  }
  // Nobody tells of a web that comes up later: look again.
  const status =
    web.answers === undefined
      ? statuses.webSilent(o.unit, version, web.complaint)
      : statuses.webWrongVersion(web.answers, version);
  return { facts: known, effects: [], statuses: [status], wakeAt: o.now + retryMs };
}

/** What web has not read yet of the keys that it lets in. */
function authorizing(o: Observed, text: string, units: readonly string[]): Effect | undefined {
  const { web, memory, done } = o;
  // A revision before this one, or a memory that was lost: web has to know whom it will have to forget.
  const unnoted = units.some((unit) => memory.workers?.includes(unit) !== true);
  const untold = web.answers !== undefined && !web.authorizedTold && !done.has('authorize-workers');
  if (web.authorizedText === text && !untold && !unnoted) return undefined;
  return { do: 'authorize-workers', text, units };
}

/** With mode=web another unit is no worker. */
const lonely = ({ application, settings }: Observed): Status =>
  settings.mode === 'web' ? statuses.noWorkersElsewhere(application) : statuses.noWorkers(application);

/** When the certificate expires, once that is to be said; until then, when it will be. */
function expiry({ web, now }: Observed): { expires?: number; lookAt?: number } {
  const { ends: notAfter, lookAt } = web.certificate;
  if (notAfter === undefined) return lookAt === undefined ? {} : { lookAt };
  return notAfter - now <= expiryTellsMs
    ? { expires: notAfter, lookAt: notAfter }
    : { lookAt: notAfter - expiryTellsMs };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** In a database that the relation brings: after a release has made its tables there, or where it is kept from it. */
function lackingPrivileges({ web, memory, done, failures, goal, unit }: Observed): Effect | undefined {
  const { privileges: database } = web;
  if (
    goal?.installer !== unit ||
    database === undefined ||
    (web.answers !== undefined && memory.privileges === database)
  )
    return undefined;
  if (done.has('mend-privileges') || failures.has('mend-privileges')) return undefined;
  return { do: 'mend-privileges', database };
}

/** Web answers, and yet there may be nothing that it can do. */
function databaseTrouble({ web, unit, failures }: Observed, version: string): Status | undefined {
  if (web.database === 'silent') return statuses.databaseSilent(version);
  const failure = failures.get('mend-privileges');
  if (failure !== undefined) return statuses.effectFailed(failure.message);
  return web.database === 'unreadable' ? statuses.databaseUnreadable(unit, web.complaint) : undefined;
}

/** Both the option and the relation name a database: web keeps to the option's. */
export function databaseConflict({ settings, memory, application, goal, unit }: Observed): Status[] {
  const both = settings.postgresConfigured && memory.postgresql === true && goal?.installer === unit;
  return both ? [statuses.twoDatabases(application)] : [];
}

/** Units that web has let in and that are gone: one that could not retire, a power cut say, would stay in web's list. */
function forgotten(o: Observed, here: readonly string[]): string[] {
  return (o.memory.workers ?? []).filter((unit) => !here.includes(unit));
}

/** What web has not forgotten by then is asked for in other hooks. */
function stillForgetting({ memory, now }: Observed): boolean {
  const { forgettingSince } = memory;
  return forgettingSince === undefined || !hasPassed(forgettingSince + forgettingMs, now, forgettingMs);
}

/** The keys of the workers that exist: whoever left or was removed is not let in any more. */
function workerKeys(o: Observed): { unit: string; publicSsh: string }[] {
  const keys: { unit: string; publicSsh: string }[] = [];
  for (const [unit, theirs] of o.peers) {
    const key = theirs['worker-key'];
    if (key !== undefined && isThere(unit, theirs, o.living)) keys.push({ unit, publicSsh: key });
  }
  if (isWorker(o.facts) && o.worker.publicKey !== undefined)
    keys.push({ unit: o.unit, publicSsh: o.worker.publicKey });
  return keys.sort((left, right) => byNumber(left.unit, right.unit));
}
