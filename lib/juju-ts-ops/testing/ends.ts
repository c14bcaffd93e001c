// How actions end, how a commit may be refused, and what is left of a run whose machine went away.
import { commit } from './commit.ts';
import type { Context } from './context.ts';
import { CommitRefused } from './errors.ts';
import type { End, FinishRecord } from './hook-run.ts';
import type { ActionRecord, Model, Unit } from './model.ts';

/** The reason why the controller refused, if it did. */
export function tryCommit(context: Context): string | undefined {
  try {
    commit(context);
    return undefined;
  } catch (refusal) {
    if (!(refusal instanceof CommitRefused)) throw refusal;
    return refusal.message;
  }
}

export function finishAction(context: Context, action: ActionRecord, end: End): FinishRecord {
  const { unit, actionFailure } = context;
  unit.agent.actions = unit.agent.actions.filter((each) => each !== action);
  const refused = end.exitCode === 0 ? tryCommit(context) : undefined;
  const code = end.exitCode ?? -1;
  action.results = {
    ...action.results,
    'return-code': refused === undefined ? code : '1',
    ...(end.stdout ? { stdout: end.stdout } : {}),
    ...(end.stderr || refused ? { stderr: `${end.stderr ?? ''}${refused ?? ''}` } : {}),
  };
  const failure = end.signal
    ? 'terminated'
    : code !== 0
      ? `exit status ${code}`
      : (actionFailure ?? (refused === undefined ? undefined : 'committing requested changes failed'));
  action.status = failure === undefined ? 'completed' : 'failed';
  action.message = failure ?? '';
  const reason = end.signal || code !== 0 ? failure : refused;
  return reason === undefined ? { outcome: 'committed' } : { outcome: 'failed', reason };
}

/** The agent or its machine went away during a run: a hook has failed, an action is `action terminated`. */
export function lose(model: Model, unit: Unit): void {
  const lost = model.running.get(unit.name);
  model.running.delete(unit.name);
  if (!lost) return;
  lost.abandon();
  const running = lost.operation;
  const { agent } = unit;
  switch (running.kind) {
    case 'hook': {
      const attempts = (agent.failed?.attempts ?? 0) + 1;
      delete agent.queued;
      agent.failed = { hook: running.hook, attempts, retryAt: Number.POSITIVE_INFINITY, resolved: false };
      return;
    }
    case 'action':
      agent.actions = agent.actions.filter((each) => each !== running.action);
      Object.assign(running.action, { status: 'failed', message: 'action terminated', results: {} });
      return;
    case 'exec':
      agent.execs = agent.execs.filter((each) => each !== running.exec);
      running.exec.status = 'aborted';
  }
}
