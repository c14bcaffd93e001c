// What this hook should do, publish and say, as one pure function of what it observed: the goal (on the leader), then
// the volume, then this unit's part in the upgrade protocol and its services. No clock, no I/O, no randomness.
import { exporterEffects } from './observability/exporter-step.ts';
import { type Decision, type Effect, type Observed, ownUp, type Status } from './observed.ts';
import { statuses } from './statuses.ts';
import { alongStep, heard, leadingWeb, visiting } from './upgrade/along.ts';
import { elsewhereProblems, noGoal } from './upgrade/elsewhere.ts';
import { type Facts, installerKeys, isWorker, protocolVersion } from './upgrade/facts.ts';
import { followerStep } from './upgrade/follower.ts';
import { type Goal, type GoalInputs, nextGoal } from './upgrade/goal.ts';
import { installerStep, published, type Step } from './upgrade/installer.ts';
import { comingOrGoing, mountConflict } from './upgrade/mounting.ts';
import { tidying } from './upgrade/tidying.ts';
import { isGuest, volumeVerdict } from './upgrade/volume.ts';
import { databaseConflict, webStep } from './upgrade/web.ts';
import { rollingStep } from './upgrade/rolling.ts';
import { otherWebStep } from './upgrade/webs.ts';
import { workerStep } from './upgrade/worker.ts';

/** After what failed, or a volume that cannot be used: nobody tells when it can. */
const lookAgainMs = 60_000;

export function decide(o: Observed): Decision {
  if (o.optionsUnsettled) return decision(o.facts, [], o.optionProblems);
  const goal = o.leader && o.connected ? leaderGoal(o) : undefined;
  if (!o.connected || o.goal === undefined) {
    const effects: Effect[] = needsWebSecret(o) ? [{ do: 'make-web-secret' }] : [];
    return {
      goal,
      facts: o.facts,
      effects,
      statuses: [...o.optionProblems, noGoal(o)],
      wakeAt: undefined,
    };
  }
  const decided = act({ ...o, facts: withRole(o, o.goal) }, o.goal, goal);
  const effects: Effect[] = needsWebSecret(o)
    ? [{ do: 'make-web-secret' }, ...decided.effects]
    : decided.effects;
  const said = [
    ...o.optionProblems,
    ...elsewhereProblems(o),
    ...mountConflict(o),
    ...(o.worker.work?.unfit === undefined ? [] : [o.worker.work.unfit]),
    ...databaseConflict(o),
    ...o.web.concerns,
    ...decided.statuses,
  ];
  return { ...decided, goal, effects, statuses: said };
}

/** What the goal functions need of what was observed. */
export function goalInputs(o: Observed): GoalInputs {
  return {
    unit: o.unit,
    goal: o.goal,
    facts: o.facts,
    peers: o.peers,
    living: o.living,
    configuredVersion: o.settings.version,
    web: o.settings.mode === 'worker' ? { version: o.flight?.version } : undefined,
    hold: o.settings.upgradeHold,
    pin: o.pin,
    configuredDigests:
      o.settings.releaseSha256 === undefined ? {} : { [o.architecture]: o.settings.releaseSha256 },
  };
}

function leaderGoal(o: Observed): Goal | undefined {
  const goal = nextGoal(goalInputs(o));
  return goal && { ...goal, 'web-secret': o.webSecret };
}

function needsWebSecret(o: Observed): boolean {
  return o.leader && o.connected && o.webSecret === undefined && o.settings.mode !== 'worker';
}

function act(o: Observed, goal: Goal, written: Goal | undefined): Decision {
  const coming = comingOrGoing(o);
  if (coming !== undefined) {
    const { effects, statuses: said, wakeAt } = coming;
    return { ...decision(running(o, o.facts), effects, said), wakeAt };
  }
  const verdict = volumeVerdict(o, goal);
  if (verdict.kind === 'claim') return decision(o.facts, [{ do: 'claim-volume' }], []);
  if (verdict.kind === 'refused') {
    const wakeAt = verdict.lookAgain ? o.now + lookAgainMs : undefined;
    return { ...decision(running(o, o.facts), [], [verdict.status]), wakeAt };
  }
  const facts: Facts = { ...o.facts, 'volume-id': o.volume.identity?.uuid };
  const next: Observed = { ...o, facts };
  const superseded =
    written !== undefined && written['upgrade-id'] !== goal['upgrade-id'] ? written.version : undefined;
  const steps =
    goal.installer === o.unit && verdict.kind === 'shared'
      ? installing(next, goal, superseded)
      : following(next, goal, verdict.kind === 'shared');
  return merged(next, facts, steps);
}

/** The installer: its half of the protocol, then web, then its own worker where it has one. */
function installing(o: Observed, goal: Goal, superseded: string | undefined): Step[] {
  const protocol = upgrading(o, goal, superseded);
  const rolls =
    protocol.effects.length === 0 &&
    (protocol.facts['upgrade-state'] ?? o.facts['upgrade-state']) !== 'prepare'
      ? rollingStep({ ...o, facts: { ...o.facts, ...protocol.facts } }, goal)
      : undefined;
  const facts: Facts = { ...o.facts, ...protocol.facts, ...rolls?.facts };
  const after: Observed = { ...o, facts };
  const steps = rolls === undefined ? [protocol] : [protocol, rolls];
  const installed = o.volume.installed !== undefined;
  // One thing at a time: a switch restarts web in the next round, from what is then on the volume.
  const switching = protocol.effects.some((effect) => effect.do === 'switch' || effect.do === 'mend-marker');
  if (o.settings.mode !== 'worker' && installed && !switching)
    steps.push(webStep(after, protocol.statuses.length > 0));
  if (isWorker(facts) && protocol.holdWorker !== true && installed && !switching) {
    const said = heard(after, goal, factsAfter(facts, steps), true);
    steps.push(workerStep(after, goal, said, leadingWeb(o) !== undefined));
  }
  return steps;
}

/** What it said of upgrades of its own application goes; its acknowledgement of web's, which has the same number's key, stays. */
function noUpgrade({ facts }: Observed): Facts {
  const own = facts['upgrade-state'] !== undefined;
  return {
    'upgrade-state': undefined,
    'upgrade-to': undefined,
    'upgrade-deadline': undefined,
    'upgrade-outcome': undefined,
    'upgrade-error': undefined,
    ...(own ? { 'upgrade-id': undefined, 'upgrade-ready': undefined } : {}),
  };
}

/** Undefined without such a web, before there is anything to go along with, and while an upgrade of the time before is under way. */
function alongWeb(o: Observed, goal: Goal): Step | undefined {
  const web = leadingWeb(o);
  const begun = o.volume.installed !== undefined && o.facts['upgrade-state'] !== 'prepare';
  return web !== undefined && begun ? alongStep(o, goal, web) : undefined;
}

/** The installer's half, or, where another application's web leads, that of one who goes along. */
function upgrading(o: Observed, goal: Goal, superseded: string | undefined): Step {
  const along = isGuest(o) ? visiting(o) : alongWeb(o, goal);
  if (along !== undefined)
    return { ...along, facts: { ...noUpgrade(o), ...published(o, o.volume.installed) } };
  // The leader has just written another goal: this one is not begun any more. An upgrade under way is ended first.
  return superseded === undefined
    ? installerStep(o, goal)
    : { facts: {}, effects: [], statuses: [statuses.goalChanged(superseded)] };
}

/** Everyone else: a worker, on the application's volume or on one of its own. */
function following(o: Observed, goal: Goal, shared: boolean): Step[] {
  const theirs = o.peers.get(goal.installer);
  const gone = theirs?.leaving === true || o.living?.has(goal.installer) === false;
  const installer = gone ? undefined : theirs;
  if (o.settings.mode === 'web') return otherWebStep(o, goal, installer, shared);
  const said = heard(o, goal, installer, shared);
  if (shared) return [workerStep(o, goal, said, true)];
  const web = leadingWeb(o);
  const local = web === undefined ? followerStep(o, goal, installer) : alongStep(o, goal, web);
  if (local.effects.length > 0) return [local];
  return [local, workerStep(o, goal, said, web !== undefined)];
}

function withRole(o: Observed, goal: Goal): Facts {
  const installer = goal.installer === o.unit;
  const role = roleOf(o.settings.mode, installer);
  const facts: Facts = { ...o.facts, role, protocol: protocolVersion };
  if (!installer) for (const key of installerKeys) facts[key] = undefined;
  if (role === 'worker') {
    facts['tsa-address'] = undefined;
    facts['tsa-host-key'] = undefined;
    facts['web-url'] = undefined;
    facts['web-answers'] = undefined;
    facts['web-address'] = undefined;
    facts['web-revision'] = undefined;
    facts['authorized-workers'] = undefined;
  }
  facts['worker-key'] = role === 'web' ? undefined : o.worker.publicKey;
  if (role === 'web' && installer) facts['upgrade-ready'] = undefined;
  if (role === 'web') facts['registered-worker'] = undefined;
  // Only web on a volume of its own says so.
  facts['staged-version'] = undefined;
  facts['staging-error'] = undefined;
  return facts;
}

function roleOf(mode: Observed['settings']['mode'], installer: boolean): 'web' | 'worker' | 'web,worker' {
  switch (mode) {
    case 'auto':
      return installer ? 'web' : 'worker';
    case 'all':
      return installer ? 'web,worker' : 'worker';
    case 'web':
    case 'worker':
      return mode;
    default:
      return mode satisfies never;
  }
}

function merged(o: Observed, facts: Facts, steps: readonly Step[]): Decision {
  const all = factsAfter(facts, steps);
  const effects = [...leftoverServices(o), ...steps.flatMap((step) => step.effects)];
  const wakes = steps.flatMap((step) => (step.wakeAt === undefined ? [] : [step.wakeAt]));
  // Nobody tells when the reason for a failure is gone.
  if (o.failures.size > 0) wakes.push(o.now + lookAgainMs);
  const tidy = effects.length === 0 ? [...exporterEffects(o, all), ...tidying(o, all)] : [];
  return {
    goal: undefined,
    facts: running(o, all),
    effects: [...effects, ...tidy],
    statuses: steps.flatMap((step) => step.statuses),
    wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes),
  };
}

function factsAfter(facts: Facts, steps: readonly Step[]): Facts {
  return Object.assign({}, facts, ...steps.map((step) => step.facts));
}

/** A role that this unit no longer has leaves no service behind. */
function leftoverServices(o: Observed): Effect[] {
  const effects: Effect[] = [];
  if (o.facts.role === 'worker' && ownUp(o.web) && !o.failures.has('stop-web'))
    effects.push({ do: 'stop-web' });
  // For good: web would keep a worker that merely stops in its list for ever.
  if (o.facts.role === 'web' && o.worker.retirable && !o.failures.has('retire-worker'))
    effects.push({ do: 'retire-worker' });
  return effects;
}

/** What the services really run, by the environment of their processes. */
function running(o: Observed, facts: Facts): Facts {
  return {
    ...facts,
    'running-web': ownUp(o.web) ? o.web.runningVersion : undefined,
    'running-worker': ownUp(o.worker) ? o.worker.runningVersion : undefined,
  };
}

function decision(facts: Facts, effects: Effect[], said: Status[]): Decision {
  return { goal: undefined, facts, effects, statuses: said, wakeAt: undefined };
}
