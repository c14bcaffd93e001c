// Web on a unit that does not install, with mode=web: it follows the installer's web, one unit after the other, so that some web
// answers all the time; or it stops with all the others, where the new release would find them in its database. Pure.
import type { Observed, Status } from '../observed.ts';
import { statuses } from '../statuses.ts';
import { type Facts, hasPassed, isWeb } from './facts.ts';
import { followerStep } from './follower.ts';
import { byNumber, type Goal, isThere } from './goal.ts';
import { type Step, stagingFailure } from './installer.ts';
import { webStep } from './web.ts';

/** When to look again at what nobody tells of. */
const retryMs = 30_000;
/** Some file systems show a switch late to other machines. */
const lateMs = 10_000;

/** `installer`: the facts of the goal's installer; undefined when it has left. `shared`: it installs on this unit's volume. */
export function otherWebStep(o: Observed, goal: Goal, installer: Facts | undefined, shared: boolean): Step[] {
  if (shared) return [follows(o, goal, installer)];
  const local = followerStep(o, goal, installer);
  const facts = staging(o, goal);
  if (local.effects.length > 0) return [{ ...local, facts }];
  return [{ ...local, facts }, follows(o, goal, installer)];
}

/** The installer does not begin before each web has the release. */
function staging({ volume, memory }: Observed, { version }: Goal): Facts {
  const there = volume.releases.has(version);
  const failed = stagingFailure(memory, version);
  return { 'staged-version': there ? version : undefined, 'staging-error': there ? undefined : failed };
}

function follows(o: Observed, goal: Goal, installer: Facts | undefined): Step {
  const id = installer?.['upgrade-id'];
  const stops = installer?.['upgrade-state'] === 'prepare' && installer['upgrade-stops-web'] === true;
  if (stops && id !== undefined) return preparing(o, goal, id, installer);
  const stopped = o.facts['upgrade-ready'] === true && !o.web.up;
  if (installer?.['installed-version'] === undefined && stopped) return alone(o, goal);
  const stands = id === undefined ? {} : { 'upgrade-id': id, 'upgrade-ready': false };
  return runs(o, goal, installer?.['installed-version'], stands);
}

/** Like a worker (W1 to W4): its own deadline, then it stops, then it says so. */
function preparing(o: Observed, goal: Goal, id: number, installer: Facts): Step {
  const givenUp: Facts = { 'upgrade-id': id, 'upgrade-ready': false };
  if (o.facts['upgrade-id'] === id && o.facts['upgrade-ready'] === false)
    return runs(o, goal, undefined, givenUp);
  const { aside } = o.memory;
  if (aside?.id !== id) {
    const deadline = o.now + o.settings.upgradeCompleteTimeoutMs;
    return { facts: {}, effects: [{ do: 'stand-aside', id, deadline }], statuses: [] };
  }
  if (hasPassed(aside.deadline, o.now, o.settings.upgradeCompleteTimeoutMs))
    return runs(o, goal, undefined, givenUp);
  const failure = o.failures.get('stop-web');
  if (failure !== undefined)
    return {
      facts: {},
      effects: [],
      statuses: [statuses.effectFailed(failure.message)],
      wakeAt: o.now + retryMs,
    };
  if (o.web.otherUnit === undefined && (o.web.up || o.web.enabled))
    return { facts: {}, effects: [{ do: 'stop-web' }], statuses: [] };
  return {
    facts: { 'upgrade-id': id, 'upgrade-ready': true },
    effects: [],
    statuses: [statuses.stopped(installer['upgrade-to'] ?? goal.version, aside.deadline)],
    wakeAt: aside.deadline,
  };
}

/** The installer has left in the middle: the next one says more, or the own deadline passes. */
function alone(o: Observed, goal: Goal): Step {
  const { aside } = o.memory;
  const stands: Facts = { 'upgrade-id': o.facts['upgrade-id'], 'upgrade-ready': true };
  if (aside === undefined || hasPassed(aside.deadline, o.now, o.settings.upgradeCompleteTimeoutMs))
    return runs(o, goal, undefined, { ...stands, 'upgrade-ready': false });
  return {
    facts: stands,
    effects: [],
    statuses: [statuses.stopped(goal.version, aside.deadline)],
    wakeAt: aside.deadline,
  };
}

/** What its volume names. `published`: what the installer says is installed; where the two disagree a switch is under way. */
function runs(o: Observed, goal: Goal, published: string | undefined, stands: Facts): Step {
  const { installed } = o.volume;
  const facts: Facts = { ...stands, 'web-answers': o.web.answers };
  if (installed === undefined)
    return {
      facts,
      effects: [],
      statuses: [statuses.installerSilent(goal.installer)],
      wakeAt: o.now + retryMs,
    };
  const fenced = published !== undefined && published !== installed;
  if (fenced && !o.web.up) {
    // Not the release of before on a database that may be migrated by now.
    const stopped: Facts = o.facts['upgrade-ready'] === true ? { ...facts, 'upgrade-ready': true } : facts;
    return {
      facts: stopped,
      effects: [],
      statuses: [statuses.fence(installed, published)],
      wakeAt: o.now + lateMs,
    };
  }
  const turn = fenced ? statuses.fence(installed, published) : inTurn(o, goal, installed);
  const step = webStep(o, false, turn);
  return { ...step, facts: { ...step.facts, ...facts } };
}

/** Undefined once all that go before this one answer with what is installed: the installer, then by number. One that Juju has yet to
 * introduce to this one is waited for: its facts wake this one. */
function inTurn(o: Observed, goal: Goal, installed: string): Status | undefined {
  const revision = goal['web-revision'];
  const goesBefore = (unit: string): boolean => unit === goal.installer || byNumber(unit, o.unit) < 0;
  const behind = (theirs: Facts): boolean =>
    theirs['web-answers'] !== installed || (revision !== undefined && theirs['web-revision'] !== revision);
  const met = [...o.peers].flatMap(([unit, theirs]) => {
    return isWeb(theirs) && isThere(unit, theirs, o.living) && behind(theirs) ? [unit] : [];
  });
  const strangers = [...(o.living ?? [])].filter((unit) => unit !== o.unit && !o.peers.has(unit));
  const before = [...met, ...strangers].filter(goesBefore).sort(byNumber);
  const first = before.includes(goal.installer) ? goal.installer : before[0];
  return first === undefined ? undefined : statuses.webInTurn(first, installed);
}
