// Web and workers in separate applications, as pure functions: what each tells the other, whom web lets in, and what keeps the
// two from working together. Web decides the version; workers follow it by the protocol of their own application.
import { bareKey, fingerprint } from '../concourse/keys.ts';
import { workerName } from '../concourse/worker.ts';
import type { Observed, Status, TsaRelation } from '../observed.ts';
import type { TsaWeb, TsaWorker } from '../relations/tsa.ts';
import { statuses } from '../statuses.ts';
import { isWeb } from './facts.ts';

/** The workers of other applications whose keys can be used; `name`: as web lists them, where they say so. */
export function guests(o: Observed): { unit: string; publicSsh: string; name: string | undefined }[] {
  return o.tsa.flatMap(({ workers }) =>
    workers.flatMap(({ publicSsh, ...more }) => (publicSsh === undefined ? [] : [{ ...more, publicSsh }])),
  );
}

/** What web writes into one relation: undefined leaves what stands there. A web that does not answer says nothing new: the
 * version that it may yet be taken back from is none that workers should follow. */
export function wordOfWeb(o: Observed, relation: TsaRelation, address: string): TsaWeb | undefined {
  const { answers, authorizedText = '' } = o.web;
  // That of the web that runs: a secret may hold the next one already.
  const tsaHostKey = o.facts['tsa-host-key'];
  if (!isWeb(o.facts) || answers === undefined || tsaHostKey === undefined) return undefined;
  const read = new Set(authorizedText.split('\n').map(bareKey));
  const keys = relation.workers.flatMap(({ publicSsh }) => publicSsh ?? []);
  return {
    'tsa-host': o.settings.tsaAddress ?? address,
    'tsa-public-key': tsaHostKey,
    'concourse-version': answers,
    'upgrade-id': o.goal?.['upgrade-id'],
    'authorized-workers': keys.filter((key) => read.has(bareKey(key))).map(fingerprint),
  };
}

/** What a worker writes for a web elsewhere. */
export function wordOfWorker(o: Observed): TsaWorker {
  if (o.settings.mode !== 'worker' || o.worker.publicKey === undefined) return nothingOfWorker;
  return {
    'worker-public-key': o.worker.publicKey,
    'worker-name': workerName(o.unit, 0, o.modelUuid),
  };
}

export const nothingOfWeb: TsaWeb = {
  'tsa-host': undefined,
  'tsa-public-key': undefined,
  'concourse-version': undefined,
  'upgrade-id': undefined,
  'authorized-workers': undefined,
};
export const nothingOfWorker: TsaWorker = { 'worker-public-key': undefined, 'worker-name': undefined };

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
