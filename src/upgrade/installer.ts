// The installer's half of the upgrade protocol, as one pure function over what it observed: stage, prepare, wait,
// switch, complete. The table that it follows: docs/explanation/upgrades.md.
import { type Effect, type Failure, type Observed, ownUp, type Status } from '../observed.ts';
import { compareVersions } from '../release/version.ts';
import { some, statuses } from '../statuses.ts';
import { mayRoll } from './rolling.ts';
import { dyingWebs, unacknowledged, unstoppedWebs } from './acknowledgements.ts';
import { type Facts, hasPassed, isWorker } from './facts.ts';
import {
  schemasFirst,
  stopsWeb,
  backupFirst,
  heldBack,
  isRollback,
  newerProtocol,
  retryLockMs,
  unmet,
  webAtStake,
} from './gates.ts';
import type { Goal } from './goal.ts';
import { stagingElsewhere, unacknowledgedElsewhere } from './guests.ts';
import { landing, landingMs } from './landing.ts';

/** What a step wants: facts to publish over those that stand, effects, statuses, and when to look again. */
export interface Step {
  facts: Facts;
  effects: Effect[];
  statuses: Status[];
  wakeAt?: number | undefined;
  /** The step rules that the worker service stays as it is in this round. */
  holdWorker?: boolean;
}

/** A staging that fails again and again is tried at least so often. */
export const longestRetryMs = 3_600_000;

export function installerStep(o: Observed, goal: Goal): Step {
  const installed = o.volume.installed;
  if (installed !== undefined && o.volume.marker !== installed) {
    const failure = o.failures.get('mend-marker');
    if (failure !== undefined) return said(o, failedStatus(failure), failure);
    return doing([{ do: 'mend-marker', version: installed }]);
  }
  const step = installed === undefined ? deploy(o, goal) : pursue(o, goal, installed);
  return { ...step, facts: { ...published(o, installed), ...step.facts } };
}

/** Nothing is installed: no upgrade, no `prepare`, nobody waits but for the release. */
function deploy(o: Observed, goal: Goal): Step {
  return stage(o, goal) ?? switchTo(o, goal.version, undefined, [statuses.installing(goal.version)], {});
}

function pursue(o: Observed, goal: Goal, installed: string): Step {
  if (o.facts['upgrade-state'] === 'prepare') return thenOn(o, goal, prepared(o, goal, installed));
  if (goal.version === installed) return met(o, goal);
  return (
    keptBack(o, goal, installed) ??
    stage(o, goal) ??
    unmet(o) ??
    webAtStake(o) ??
    backupFirst(o, goal, installed) ??
    schemasFirst(o, goal, installed) ??
    stagingElsewhere(o, goal) ??
    prepare(o, goal, installed)
  );
}

/** What keeps an upgrade from beginning before anything is fetched for it. */
function keptBack(o: Observed, goal: Goal, installed: string): Step | undefined {
  if (o.facts['upgrade-id'] === goal['upgrade-id'] && o.facts['upgrade-outcome'] !== undefined)
    return over(o, goal);
  // Of workers alone no database must be taken down first.
  const older = compareVersions(goal.version, installed) < 0 && o.settings.mode !== 'worker';
  if (older && !isRollback(o, goal, installed)) {
    const refused = o.volume.releases.has(goal.version) ? statuses.tooOld : statuses.tooOldAndGone;
    return { facts: {}, effects: [], statuses: [refused(o.application, goal.version, installed)] };
  }
  const held = older ? undefined : heldBack(o, goal);
  if (held !== undefined) return held;
  const newer = newerProtocol(o);
  return newer && { facts: {}, effects: [], statuses: [newer] };
}

/** The version that an upgrade goes to, from the moment at which it may be fetched until it is over. */
export function ahead(o: Observed, goal: Goal): string | undefined {
  const installed = o.volume.installed;
  if (o.facts['upgrade-state'] === 'prepare') return o.facts['upgrade-to'];
  if (installed === undefined || goal.version === installed) return undefined;
  return keptBack(o, goal, installed) === undefined ? goal.version : undefined;
}

/** An upgrade that ended short of the goal: workers that had given up on it have nothing to answer, so nobody would wake the
 * installer to go on. */
function thenOn(o: Observed, goal: Goal, step: Step): Step {
  const ended = step.facts['upgrade-state'] === 'complete' && step.effects.length === 0;
  return ended && o.volume.installed !== goal.version ? { ...step, wakeAt: o.now } : step;
}

/** S1: from here on workers stop. With nobody expected, the same hook goes on. */
function prepare(o: Observed, goal: Goal, installed: string): Step {
  const facts: Facts = {
    'upgrade-state': 'prepare',
    'upgrade-id': goal['upgrade-id'],
    'upgrade-to': goal.version,
    'upgrade-deadline': o.now + o.settings.upgradeReadyTimeoutMs,
    'upgrade-outcome': undefined,
    'upgrade-error': undefined,
    'upgrade-turn': mayRoll(o, installed, goal.version) ? [] : undefined,
    'upgrade-stops-web': stopsWeb(o, goal, installed) || undefined,
    'staging-deadline': undefined,
  };
  const next: Observed = { ...o, facts: { ...o.facts, ...facts } };
  const step = prepared(next, goal, installed);
  return { ...step, facts: { ...facts, ...step.facts } };
}

/** S2 to S7, for the upgrade that is published, whatever the goal has become since. */
function prepared(o: Observed, goal: Goal, installed: string): Step {
  const to = o.facts['upgrade-to'];
  if (to === installed) return finish(o, to);
  if (to === undefined || goal['upgrade-id'] !== o.facts['upgrade-id'] || goal.version !== to) {
    return complete('unchanged', `called off: the goal is ${goal.version} now`, []);
  }
  if (!o.volume.releases.has(to)) return complete('unchanged', `release ${to} is gone from the volume`, []);

  const waitingFor = [
    ...unacknowledged(o.facts, goal, o.peers, o.living),
    ...dyingWebs(o),
    ...(o.facts['upgrade-turn'] === undefined ? unacknowledgedElsewhere(o, to) : []),
    ...o.lost,
  ];
  // Until `prepare` is published nobody can answer it: what else this hook does does not count.
  const heard =
    o.published['upgrade-state'] === 'prepare' && o.published['upgrade-id'] === o.facts['upgrade-id'];
  const deadline = heard ? (o.facts['upgrade-deadline'] ?? o.now) : o.now + o.settings.upgradeReadyTimeoutMs;
  const drained = ownLanding(o, to, deadline);
  if (waitingFor.length > 0 && !hasPassed(deadline, o.now, o.settings.upgradeReadyTimeoutMs)) {
    const status = statuses.awaiting(to, waitingFor, deadline);
    return {
      facts: { 'upgrade-deadline': deadline },
      effects: drained?.effects ?? [],
      statuses: [status],
      wakeAt: deadline,
      holdWorker: landingMs(o.settings) > 0,
    };
  }
  if (drained !== undefined) return { ...drained, facts: { 'upgrade-deadline': deadline }, holdWorker: true };
  const running = [...unstoppedWebs(o.facts, goal, o.peers, o.living), ...dyingWebs(o)];
  // An old web in a database that is being migrated can lock up with the new one.
  if (running.length > 0) return complete('unchanged', `web on ${some(running)} did not stop`, []);
  const stranger = unmet(o);
  if (stranger !== undefined) return stranger;
  // An installer that is a worker too stops its own worker first thing in S3, and starts it after S6.
  if (isWorker(o.facts) && ownUp(o.worker)) {
    const stuck = o.failures.get('stop-worker');
    if (stuck !== undefined) return complete('unchanged', stuck.message, []);
    return { ...doing([{ do: 'stop-worker' }]), holdWorker: true };
  }
  const back = isRollback(o, goal, installed);
  const step = switchTo(o, to, installed, [statuses.switching(to)], { migrateDown: back });
  return { ...step, holdWorker: true };
}

/** An installer that is a worker too lands while it waits for the others. */
function ownLanding(o: Observed, to: string, deadline: number): Step | undefined {
  const ms = landingMs(o.settings);
  if (ms === 0 || !isWorker(o.facts)) return undefined;
  return landing(o, deadline - o.settings.upgradeReadyTimeoutMs + ms, to);
}

/** S6 and S7: `bin` names the target. Web restarts (by its own step), and once it answers or has been given up on, complete. */
function finish(o: Observed, to: string): Step {
  const silent = o.failures.get('await-web') ?? o.failures.get('start-web');
  const running = o.web.runningVersion === to;
  // Web of this unit is not to be had now: its workers need not wait for it.
  if (o.web.otherUnit !== undefined || (o.web.plan !== undefined && 'missing' in o.web.plan))
    return complete('upgraded', undefined, []);
  if (o.web.answers === to && running) return complete('upgraded', undefined, []);
  if (silent !== undefined || o.done.has('await-web')) return complete('upgraded', undefined, []);
  const effects: Effect[] = running ? [{ do: 'await-web', version: to }] : [];
  return { facts: {}, effects, statuses: [statuses.webStarting(to)], holdWorker: true };
}

/** The goal is what is installed. Whoever still waits for an upgrade of this or an earlier installer is told. */
function met(o: Observed, goal: Goal): Step {
  const told = o.facts['upgrade-state'] === undefined || o.facts['upgrade-id'] !== goal['upgrade-id'];
  if (goal['upgrade-id'] === 1 || !told) return doing([]);
  return {
    ...doing([]),
    facts: completed(goal['upgrade-id'], goal.version, 'upgraded', undefined),
  };
}

function over(o: Observed, goal: Goal): Step {
  const reason = o.facts['upgrade-error'] ?? 'for a reason that was not kept';
  const status = goal['skip-version'] === undefined ? statuses.unchanged : statuses.notRolledBack;
  return { facts: {}, effects: [], statuses: [status(o.application, goal.version, reason)] };
}

/** Staging, while nobody is disturbed: undefined once the goal's release is whole on the volume. */
export function stage(o: Observed, goal: Goal): Step | undefined {
  const version = goal.version;
  const damaged = o.memory.damaged === version && version !== o.volume.installed;
  if (o.volume.releases.has(version) && !damaged) return undefined;
  const wish = stagingWish(o, goal);
  const failure = o.failures.get('stage');
  const earlier = o.memory.staging?.wish === wish ? o.memory.staging : undefined;
  if (failure?.code === 'lock-busy') return said(o, statuses.lockBusy(failure.message), failure);
  const early = earlier !== undefined && !hasPassed(earlier.notBefore, o.now, longestRetryMs);
  if (failure !== undefined || early) {
    const notBefore = earlier?.notBefore ?? o.now + retryLockMs;
    const message = failure?.message ?? earlier?.message ?? '';
    return {
      facts: {},
      effects: [],
      statuses: [statuses.stageFailed(message, notBefore - o.now)],
      wakeAt: notBefore,
    };
  }
  const digest = goal.digests?.[o.architecture];
  return { ...doing([{ do: 'stage', version, digest, wish }]), statuses: [statuses.installing(version)] };
}

/** What a failure to stage belongs to: another source, another digest, or the `upgrade` action is a reason to try at once. */
function stagingWish(o: Observed, goal: Goal): string {
  const { releaseMirror, releaseSha256 } = o.settings;
  return [goal.version, goal['upgrade-id'], releaseMirror ?? '', releaseSha256 ?? ''].join(' ');
}

/** Why that version could not be staged last. */
export const stagingFailure = ({ staging }: Observed['memory'], version: string): string | undefined =>
  staging?.wish.startsWith(`${version} `) === true ? staging.message : undefined;

/** S3 to S5. A lock that is not to be had is waited for by timer; a release that fails to verify ends the upgrade. */
function switchTo(
  o: Observed,
  version: string,
  from: string | undefined,
  doingStatuses: Status[],
  options: { migrateDown?: boolean },
): Step {
  const failure = o.failures.get('switch');
  if (failure?.transient) return said(o, statuses.lockBusy(failure.message), failure);
  if (failure !== undefined && from === undefined) return said(o, failedStatus(failure), failure);
  if (failure !== undefined) return complete('unchanged', failure.message, []);
  const migrateDown = options.migrateDown === true;
  const digest = o.volume.releases.get(version)?.digest;
  const effects: Effect[] = [{ do: 'switch', version, from, digest, migrateDown }];
  return { facts: {}, effects, statuses: doingStatuses };
}

function completed(
  id: number | undefined,
  to: string | undefined,
  outcome: 'upgraded' | 'unchanged',
  error: string | undefined,
): Facts {
  return {
    'upgrade-state': 'complete',
    'upgrade-id': id,
    'upgrade-to': to,
    'upgrade-deadline': undefined,
    'upgrade-outcome': outcome,
    'upgrade-error': error,
    'upgrade-stops-web': undefined,
  };
}

/** S7, and every other way in which the published upgrade ends. */
function complete(outcome: 'upgraded' | 'unchanged', error: string | undefined, effects: Effect[]): Step {
  const { 'upgrade-id': _id, 'upgrade-to': _to, ...facts } = completed(undefined, undefined, outcome, error);
  return { facts, effects, statuses: [] };
}

/** What the volume holds, for all to read. */
export function published(o: Observed, installed: string | undefined): Facts {
  const digest = installed === undefined ? undefined : o.volume.releases.get(installed)?.digest;
  return { 'installed-version': installed, 'release-digest': digest };
}

function doing(effects: Effect[]): Step {
  return { facts: {}, effects, statuses: [] };
}

function said(o: Observed, status: Status, failure: Failure): Step {
  return {
    facts: {},
    effects: [],
    statuses: [status],
    wakeAt: failure.transient ? o.now + retryLockMs : undefined,
  };
}

function failedStatus(failure: Failure): Status {
  return failure.transient ? statuses.lockBusy(failure.message) : statuses.effectFailed(failure.message);
}
