// A worker's half of the upgrade protocol, as one pure function over what it observed: run what the volume names, stop
// for an upgrade and say so, come back when it is complete or when the own deadline has passed.
import { type Effect, type Observed, plannedVersion, type Status } from '../observed.ts';
import { statuses } from '../statuses.ts';
import { leadingWeb, switchAhead } from './along.ts';
import { letIn } from './elsewhere.ts';
import { type Facts, hasPassed } from './facts.ts';
import type { Goal } from './goal.ts';
import type { Step } from './installer.ts';
import { landing, landingMs, landsUntil } from './landing.ts';
import { itsTurn } from './rolling.ts';

/** Some file systems show a switch late to other machines: GlusterFS after 1 s, sshfs after 20 s. */
const lateMs = 10_000;

/** `installer`: the facts of the goal's installer; undefined when it has left or was never heard of. `shared`: this
 * unit's volume is the goal's, so the installer's `prepare` concerns it. */
export function workerStep(o: Observed, goal: Goal, installer: Facts | undefined, shared: boolean): Step {
  if (o.worker.otherUnit !== undefined) return waiting({}, statuses.secondWorker(o.worker.otherUnit));
  if (o.worker.moving && o.worker.retirable) {
    // Its containers live in the work directory that goes next.
    const failure = o.failures.get('retire-worker');
    if (failure === undefined) return acting({}, [{ do: 'retire-worker' }], []);
    return { ...waiting({}, statuses.effectFailed(failure.message)), wakeAt: o.now + 30_000 };
  }
  const outdated = (goal['worker-keys'] ?? 0) > (o.memory.workerKeys ?? 0);
  if (o.worker.publicKey === undefined || outdated) return acting({}, [{ do: 'make-worker-key' }], []);
  const failed = o.failures.get('begin-upgrade') ?? o.failures.get('stop-worker');
  if (failed !== undefined)
    return { ...waiting({}, statuses.effectFailed(failed.message)), wakeAt: o.now + 30_000 };

  const rolling = installer?.['upgrade-turn'] !== undefined;
  const asked = shared && installer?.['upgrade-state'] === 'prepare' && !rolling;
  if (asked && installer['upgrade-id'] !== undefined) {
    return preparing(o, goal, installer['upgrade-id'], installer);
  }
  if (installer?.['installed-version'] === undefined) return leftAlone(o, goal, installer);
  return running(o, goal, installer, notStopped(o, installer));
}

/** W1 to W4: an upgrade is being prepared. */
function preparing(o: Observed, goal: Goal, id: number, installer: Facts): Step {
  const givenUp = o.facts['upgrade-id'] === id && o.facts['upgrade-ready'] === false;
  if (givenUp) return goOn(o, goal, installer, id);
  // Web of another application goes on without a worker that has nothing to come back to.
  const to = installer['upgrade-to'];
  const { installed, releases } = o.volume;
  const unready =
    leadingWeb(o) !== undefined && (installed === undefined || to === undefined || !releases.has(to));
  if (unready && o.worker.upgrade?.id !== id) return running(o, goal, installer, {});
  if (o.worker.upgrade?.id !== id) {
    const deadline = o.now + o.settings.upgradeCompleteTimeoutMs;
    const landUntil = o.worker.up ? landsUntil(o, installer['upgrade-deadline']) : undefined;
    return acting({}, [{ do: 'begin-upgrade', id, deadline, landUntil }], []);
  }
  const { deadline, landUntil } = o.worker.upgrade;
  const drained = landing(o, landUntil, installer['upgrade-to'] ?? goal.version);
  if (drained !== undefined) return drained;
  if (hasPassed(deadline, o.now, o.settings.upgradeCompleteTimeoutMs)) return goOn(o, goal, installer, id);
  if (o.worker.up || o.worker.enabled) return acting({}, [{ do: 'stop-worker' }], []);
  const status = statuses.stopped(installer['upgrade-to'] ?? goal.version, deadline);
  return { ...waiting({ 'upgrade-id': id, 'upgrade-ready': true }, status), wakeAt: deadline };
}

/** The own deadline has passed (or had, in an earlier hook): what the volume names runs again, and is not stopped a
 * second time for this upgrade: `upgrade-id` with `upgrade-ready=false` remembers that. What runs goes on as it is, also
 * when `bin` has been switched meanwhile: web may not have been restarted yet, and `complete` will say when it has. */
function goOn(o: Observed, goal: Goal, installer: Facts, id: number): Step {
  const facts: Facts = { 'upgrade-id': id, 'upgrade-ready': false };
  const { up, enabled, runningVersion } = o.worker;
  if (up && enabled && runningVersion !== undefined) {
    if (awaited(o)) return acting(facts, [{ do: 'await-registration' }], []);
    return waiting(facts, statuses.gaveUp(goal.installer, runningVersion));
  }
  const step = started(o, installer, facts);
  if (step.effects.length > 0) return step;
  const broken = o.failures.get('start-worker');
  if (broken !== undefined) return waiting(facts, statuses.gaveUpBroken(broken.message));
  const version = o.worker.runningVersion;
  if (version === undefined) return step;
  return waiting(facts, statuses.gaveUp(goal.installer, version));
}

/** Nobody says what is installed: a worker that runs goes on; one that stopped for an upgrade has its own deadline. */
function leftAlone(o: Observed, goal: Goal, installer: Facts | undefined): Step {
  const upgrade = o.worker.upgrade;
  const stopped = upgrade !== undefined && !o.worker.up && o.facts['upgrade-ready'] === true;
  if (!stopped) {
    if (o.worker.up) return goesOn(o);
    return waiting({}, statuses.installerSilent(goal.installer));
  }
  if (!hasPassed(upgrade.deadline, o.now, o.settings.upgradeCompleteTimeoutMs)) {
    return {
      ...waiting({}, statuses.stopped(goal.version, upgrade.deadline)),
      wakeAt: upgrade.deadline,
    };
  }
  return goOn(o, goal, installer ?? {}, upgrade.id);
}

function goesOn(o: Observed): Step {
  const version = o.worker.runningVersion;
  return waiting(
    {},
    version === undefined
      ? statuses.registering('', undefined)
      : statuses.worker(version, ownVolume(o), o.worker.gpus),
  );
}

/** Nothing is under way: W5, and every ordinary day. */
function running(o: Observed, goal: Goal, installer: Facts, facts: Facts): Step {
  const published = installer['installed-version'];
  const installed = o.volume.installed;
  if (installed === undefined) {
    const wakeAt = published === undefined ? undefined : o.now + lateMs;
    return { ...waiting(facts, statuses.installerSilent(goal.installer)), wakeAt };
  }
  if (published !== undefined && installed !== published) return fenced(o, facts, installed, published);
  return switchAwaited(o, goal) ?? started(o, installer, facts);
}

/** Web of another application has switched, and this volume is about to. */
function switchAwaited(o: Observed, goal: Goal): Step | undefined {
  const { upgrade, up } = o.worker;
  const version = switchAhead(o, goal);
  const stopped = upgrade !== undefined && !up && o.facts['upgrade-ready'] === true;
  if (version === undefined || !stopped) return undefined;
  if (hasPassed(upgrade.deadline, o.now, o.settings.upgradeCompleteTimeoutMs)) return undefined;
  const facts: Facts = { 'upgrade-id': o.facts['upgrade-id'], 'upgrade-ready': true };
  return { ...waiting(facts, statuses.stopped(version, upgrade.deadline)), wakeAt: upgrade.deadline };
}

/** Either the databag is stale, then a switch is under way and its event will come; or this machine sees the volume late, of
 * which nobody tells: so it looks again. A worker that runs goes on; one that is stopped starts nothing yet. */
function fenced(o: Observed, facts: Facts, installed: string, published: string): Step {
  const stopped = o.worker.upgrade !== undefined && o.facts['upgrade-ready'] === true;
  const stands: Facts = stopped ? { 'upgrade-id': o.facts['upgrade-id'], 'upgrade-ready': true } : facts;
  const wakeAt = Math.min(
    o.now + lateMs,
    (stopped ? o.worker.upgrade?.deadline : undefined) ?? Number.POSITIVE_INFINITY,
  );
  if (o.worker.up && o.worker.runningVersion !== undefined) {
    return {
      ...waiting(stands, statuses.worker(o.worker.runningVersion, ownVolume(o), o.worker.gpus)),
      wakeAt,
    };
  }
  return { ...waiting(stands, statuses.fence(installed, published)), wakeAt };
}

/** Verify, make the folder, start: only what the volume names, and only once web lets this worker's key in. */
function started(o: Observed, installer: Facts, facts: Facts): Step {
  const { plan } = o.worker;
  const failure = o.failures.get('start-worker') ?? o.failures.get('prepare-worker-folder');
  if (failure !== undefined)
    return { ...waiting(facts, statuses.effectFailed(failure.message)), wakeAt: o.now + 30_000 };
  if (plan === undefined) return acting(facts, [{ do: 'prepare-worker-folder' }], []);
  if ('missing' in plan) return webless(o, facts, plan.missing);
  if (o.worker.parked !== undefined) return parked(o, facts, o.worker.parked);
  const current =
    o.worker.up &&
    o.worker.runningVersion === plannedVersion(plan) &&
    o.worker.runningConfiguration === plan.configuration;
  if (current && o.worker.enabled) return registered(o, facts, plannedVersion(plan), installer);
  const behind = o.worker.up ? o.worker.runningVersion : undefined;
  if (behind !== undefined && behind !== plannedVersion(plan)) {
    if (!itsTurn(o, installer)) return waiting(facts, statuses.workerInTurn(behind, plannedVersion(plan)));
    const landed =
      installer['upgrade-turn'] === undefined ? undefined : landsInTurn(o, installer, plannedVersion(plan));
    if (landed !== undefined) return landed;
  }

  if (o.worker.rival !== undefined && !o.worker.up) {
    return { ...waiting(facts, statuses.rival(o.unit, o.worker.rival)), wakeAt: o.now + 30_000 };
  }
  // A worker that runs is known to web: a new configuration does not wait for a databag, but a new key does.
  const unknown = !o.worker.up || o.memory.rekeyed === true;
  if (unknown && letIn(o, installer['authorized-workers']) === false) {
    return waiting(facts, statuses.keyNotAuthorized('web'));
  }
  const digest =
    plannedVersion(plan) === installer['installed-version'] ? installer['release-digest'] : undefined;
  return acting(
    facts,
    [{ do: 'start-worker', plan, digest }],
    [statuses.registering(plannedVersion(plan), undefined)],
  );
}

/** With worker-drain=land a worker lands when it is its turn, too. */
function landsInTurn(o: Observed, installer: Facts, to: string): Step | undefined {
  const id = installer['upgrade-id'];
  if (landingMs(o.settings) === 0 || id === undefined) return undefined;
  const { upgrade } = o.worker;
  if (upgrade?.id === id) return landing(o, upgrade.landUntil, to);
  const deadline = o.now + o.settings.upgradeCompleteTimeoutMs;
  return acting({}, [{ do: 'begin-upgrade', id, deadline, landUntil: landsUntil(o, undefined) }], []);
}

/** An operator has taken it out of service. Nobody tells when it has landed. */
function parked(o: Observed, facts: Facts, how: 'landed' | 'retired'): Step {
  if (!o.worker.up) return waiting(facts, statuses.parked(o.unit, how));
  return { ...waiting(facts, statuses.parking()), wakeAt: o.now + 30_000 };
}

/** A worker of another application's web, to which no relation leads any more, is none of that web's: it retires. */
function webless(o: Observed, facts: Facts, missing: Status): Step {
  const leaves = o.settings.mode === 'worker' && o.flight === undefined && o.worker.retirable;
  // What it answered to that web is no answer to the next one, whose upgrades may have the same numbers.
  const said: Facts =
    o.settings.mode === 'worker' && o.flight === undefined
      ? { ...facts, 'upgrade-id': undefined, 'upgrade-ready': undefined }
      : facts;
  if (!leaves || o.failures.has('retire-worker')) return waiting(said, missing);
  return acting(said, [{ do: 'retire-worker' }], [missing]);
}

/** This hook has started the worker, and has yet to see it register. */
function awaited(o: Observed): boolean {
  return (
    o.done.has('start-worker') && !o.done.has('await-registration') && !o.failures.has('await-registration')
  );
}

function registered(o: Observed, facts: Facts, version: string, installer: Facts): Step {
  const inTurn = installer['upgrade-turn'] !== undefined;
  if (o.worker.registration === 'registered')
    return waiting(
      { ...facts, 'registered-worker': inTurn ? version : undefined },
      statuses.worker(version, ownVolume(o), o.worker.gpus),
    );
  if (awaited(o)) return acting(facts, [{ do: 'await-registration' }], []);
  // Nobody tells of a registration: look again soon.
  return { ...waiting(facts, statuses.registering(version, o.worker.complaint)), wakeAt: o.now + 15_000 };
}

/** A volume of this unit's own beside the application's. */
function ownVolume(o: Observed): boolean {
  const named = o.goal?.['volume-id'];
  return named !== undefined && o.facts['volume-id'] !== undefined && o.facts['volume-id'] !== named;
}

/** Outside `prepare`, a worker is not stopped for anything: `upgrade-ready=false`, for the upgrade last spoken of. */
function notStopped(o: Observed, installer: Facts): Facts {
  // Of an installer that goes along with another application's web it is its own worker's acknowledgement.
  const told = installer['upgrade-state'] === undefined ? undefined : installer['upgrade-id'];
  const id = told ?? o.facts['upgrade-id'];
  return id === undefined ? {} : { 'upgrade-id': id, 'upgrade-ready': false };
}

function acting(facts: Facts, effects: Effect[], said: Status[]): Step {
  return { facts, effects, statuses: said };
}

function waiting(facts: Facts, status: Status): Step {
  return { facts, effects: [], statuses: [status] };
}
