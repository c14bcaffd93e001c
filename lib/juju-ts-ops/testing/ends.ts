// How actions end, how a commit may be refused, and what is left of a run whose machine went away.
import { commit } from './commit.ts';
import type { Context } from './context.ts';
import { CommitRefused } from './errors.ts';
import type { End, FinishRecord } from './hook-run.ts';
import type { ActionRecord, Model, Unit } from './model.ts';

/** The reason why the controller refused, if it did. */
export function tryCommit(context: Context): string | undefined {
  if (!context.unit.reachable) return 'the controller cannot be reached';
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
  // A client's command is run as juju-exec runs one: its exit code decides nothing.
  const isCommand = action.script !== undefined && end.exitCode !== undefined;
  const refused = end.exitCode === 0 || isCommand ? tryCommit(context) : undefined;
  const code = end.exitCode ?? -1;
  action.results = {
    ...action.results,
    // 3.6's source turns the 0 of a refused commit into a text; recorded of 4.0.15 is the number.
    'return-code': refused === undefined || context.model.profile === '4.0' ? code : '1',
    ...(end.stdout ? { stdout: end.stdout } : {}),
    ...(end.stderr || refused ? { stderr: [end.stderr, refused].filter((each) => each).join('\n') } : {}),
  };
  const failure = end.signal
    ? 'terminated'
    : code !== 0 && !isCommand
      ? `exit status ${code}`
      : (actionFailure ?? (refused === undefined ? undefined : 'committing requested changes failed'));
  action.status = failure === undefined ? 'completed' : 'failed';
  action.message = failure ?? '';
  const reason = end.signal || (code !== 0 && !isCommand) ? failure : refused;
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
