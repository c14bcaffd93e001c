// Web and workers in separate applications, as pure functions: what each tells the other, whom web lets in, and what keeps the
// two from working together. Web decides the version; workers follow it by the protocol of their own application.
import { bareKey, fingerprint } from '../concourse/keys.ts';
import { workerName } from '../concourse/worker.ts';
import type { Observed, Status, TsaRelation } from '../observed.ts';
import type { Guest, ToldOfUpgrades, TsaWeb, TsaWorker } from '../relations/tsa.ts';
import { statuses } from '../statuses.ts';
import { rollsBehind } from './along.ts';
import { isWeb } from './facts.ts';
import { type Goal, isThere, numberOf } from './goal.ts';
import { isGuest } from './volume.ts';
import { ahead, stagingFailure } from './installer.ts';

/** The workers of other applications whose keys can be used; `name`: as web lists them, where they say so. */
export function guests(o: Observed): (Guest & { publicSsh: string })[] {
  return o.tsa.flatMap(({ workers }) =>
    workers.flatMap(({ publicSsh, ...more }) => (publicSsh === undefined ? [] : [{ ...more, publicSsh }])),
  );
}

/** What web writes into one relation, key by key: what is not named stands as it is. A web that does not answer says nothing
 * new of itself: the version that it may yet be taken back from is none that workers should follow. */
export function wordOfWeb(o: Observed, relation: TsaRelation, address: string | undefined): TsaWeb {
  const { goal, facts } = o;
  if (!isWeb(facts) || goal === undefined) return {};
  const { answers, authorizedText = '' } = o.web;
  // That of the web that runs: a secret may hold the next one already.
  const tsaHostKey = facts['tsa-host-key'];
  const tells = goal.installer === o.unit ? tellingOfUpgrades(o, goal) : nothingOfUpgrades;
  const tsaHost = o.settings.tsaAddress ?? address;
  if (answers === undefined || tsaHostKey === undefined || tsaHost === undefined) return tells;
  const read = new Set(authorizedText.split('\n').map(bareKey));
  const keys = relation.workers.flatMap(({ publicSsh }) => publicSsh ?? []);
  return {
    ...tells,
    'tsa-host': tsaHost,
    'tsa-public-key': tsaHostKey,
    'concourse-version': answers,
    'goal-id': goal['upgrade-id'],
    'authorized-workers': keys.filter((key) => read.has(bareKey(key))).map(fingerprint),
  };
}

/** The goal's installer alone tells who is web, and of upgrades. */
function tellingOfUpgrades(o: Observed, goal: Goal): TsaWeb {
  const { facts } = o;
  const webs = [...o.peers].filter(([unit, theirs]) => isWeb(theirs) && isThere(unit, theirs, o.living));
  const next = ahead(o, goal);
  // Where workers go in turn, nobody is asked to stop.
  const rolling = facts['upgrade-state'] === 'prepare' && facts['upgrade-turn'] !== undefined;
  const state = rolling ? undefined : facts['upgrade-state'];
  return {
    'goal-id': goal['upgrade-id'],
    webs: [o.unit, ...webs.map(([unit]) => unit)].map(numberOf).sort((left, right) => left - right),
    'volume-id': facts['volume-id'],
    'goal-version': next,
    digests: next === goal.version ? goal.digests : undefined,
    'upgrade-state': state,
    'upgrade-id': state && facts['upgrade-id'],
    'upgrade-to': facts['upgrade-to'],
    'upgrade-deadline': facts['upgrade-deadline'],
  };
}

const nothingOfUpgrades = {
  webs: undefined,
  'volume-id': undefined,
  'goal-version': undefined,
  digests: undefined,
  'upgrade-state': undefined,
  'upgrade-id': undefined,
  'upgrade-to': undefined,
  'upgrade-deadline': undefined,
} satisfies TsaWeb;

/** What a worker writes for a web elsewhere. */
export function wordOfWorker(o: Observed): TsaWorker {
  if (o.settings.mode !== 'worker' || o.worker.publicKey === undefined) return nothingOfWorker;
  return {
    'worker-public-key': o.worker.publicKey,
    'worker-name': workerName(o.unit, 0, o.modelUuid),
    ...(o.flight?.told === undefined ? nothingOfTheUpgrade : wordOfTheUpgrade(o, o.flight.told)),
  };
}

function wordOfTheUpgrade(o: Observed, web: ToldOfUpgrades): TsaWorker {
  const { ahead: next } = web;
  const { facts, goal, memory, volume } = o;
  const stays =
    goal?.hold === true ? 'upgrades are held' : rollsBehind(o, next) ? 'workers follow in turn' : undefined;
  const staged = next !== undefined && stays === undefined && volume.releases.has(next);
  const failed = next === undefined ? undefined : stagingFailure(memory, next);
  const unfit = unfitVolume(o, web);
  return {
    'volume-id': facts['volume-id'],
    'running-worker': facts['running-worker'],
    'staged-version': staged ? next : undefined,
    'staging-error': next === undefined || staged ? undefined : (stays ?? unfit ?? failed),
    'upgrade-id': facts['upgrade-id'],
    'upgrade-ready': facts['upgrade-ready'],
  };
}

/** Why nothing will be staged there, whatever time it is given. */
function unfitVolume(o: Observed, web: ToldOfUpgrades): string | undefined {
  const { identity, problem } = o.volume;
  if (problem !== undefined) return problem;
  if (identity?.uuid !== o.facts['volume-id']) return 'the volume is not the one of before';
  return isGuest(o) && identity?.uuid !== web.volume ? 'the volume is no longer that of web' : undefined;
}

const nothingOfTheUpgrade = {
  'volume-id': undefined,
  'running-worker': undefined,
  'staged-version': undefined,
  'staging-error': undefined,
  'upgrade-id': undefined,
  'upgrade-ready': undefined,
} satisfies TsaWorker;

export const nothingOfWeb: TsaWeb = {
  'tsa-host': undefined,
  'tsa-public-key': undefined,
  'concourse-version': undefined,
  'goal-id': undefined,
  'authorized-workers': undefined,
  ...nothingOfUpgrades,
};
export const nothingOfWorker: TsaWorker = {
  'worker-public-key': undefined,
  'worker-name': undefined,
  ...nothingOfTheUpgrade,
};

/** What an operator has to mend between the two; empty where all is well. */
export function elsewhereProblems(o: Observed): Status[] {
  const { mode, version } = o.settings;
  if (mode !== 'worker') return o.flight === undefined ? [] : [statuses.flightUnused(o.application)];
  const problems: Status[] = [];
  if (o.memory.tsaRelations === true) problems.push(statuses.tsaWithoutWeb(o.application));
  if (o.flight === undefined) problems.push(statuses.workerAlone(o.application));
  const runs = o.flight?.version;
  if (o.flight !== undefined && runs !== undefined && version !== undefined && version !== runs)
    problems.push(statuses.webDecides(o.application, o.flight.application, runs, version));
  return problems;
}

/** While there is no goal: in an application of workers, because nobody says which version web runs. */
export function noGoal(o: Observed): Status {
  if (o.settings.mode !== 'worker' || !o.connected) return statuses.noGoalYet();
  if (o.flight === undefined) return statuses.workerAlone(o.application);
  return o.flight.version === undefined ? statuses.flightSilent(o.flight.application) : statuses.noGoalYet();
}

/** Whether web lets this unit's worker in; undefined where it does not tell. */
export function letIn(o: Observed, authorized: readonly string[] | undefined): boolean | undefined {
  const list = o.settings.mode === 'worker' ? o.flight?.authorized : authorized;
  return list?.includes(o.worker.fingerprint ?? '');
}
