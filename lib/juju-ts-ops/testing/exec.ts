// Commands from outside a hook: juju-exec on the machine, and `juju exec` from a client, which is an action.
import { Impossible } from './errors.ts';
import { type ActionRecord, type ExecRecord, type Model, nextNumber, type Unit } from './model.ts';

export interface ExecOptions {
  /** `-r`, by number. */
  relation?: number;
  /** `--remote-unit`; by default the only one. */
  remoteUnit?: string;
  /** `--force-remote-unit`: it need not be a member. */
  force?: boolean;
}

export function newExec(target: Unit, script: string, { force, ...about }: ExecOptions): ExecRecord {
  const { agent, name } = target;
  const record: ExecRecord = { unit: name, script, ...about, status: 'pending', stdout: '', stderr: '' };
  if (about.relation !== undefined) {
    const remoteUnit = remoteOf(target, about.relation, about.remoteUnit, force ?? false);
    if (remoteUnit === undefined) {
      // It takes the agent's worker down, which is back seconds later (recorded from 4.0.15).
      const stderr = 'ERROR r.runner.RunCommands: command execution aborted\n';
      return Object.assign(record, { status: 'aborted', exitCode: 1, stderr });
    }
    record.remoteUnit = remoteUnit;
  }
  agent.execs.push(record);
  return record;
}

/** The unit that a command is about; undefined: several could be, or the one that was named is no member. */
function remoteOf(target: Unit, id: number, given: string | undefined, force: boolean): string | undefined {
  const relation = target.agent.relations.get(id);
  if (!relation) throw new Impossible(`unknown relation id: ${id}`);
  const members = [...relation.members.keys()];
  if (given !== undefined) return force || members.includes(given) ? given : undefined;
  if (members.length === 0) throw new Impossible(`cannot infer remote unit in empty relation ${id}`);
  return members.length === 1 ? members[0] : undefined;
}

/** By default a client waits 5 minutes, which is also the limit of the script. */
export function newClientExec(model: Model, target: Unit, script: string, timeoutMs: number): ActionRecord {
  nextNumber(model, 'tasks');
  const record: ActionRecord = {
    id: String(nextNumber(model, 'tasks')),
    unit: target.name,
    name: 'juju-exec',
    params: { command: script, timeout: timeoutMs * 1_000_000 },
    status: 'pending',
    message: '',
    script,
    results: {},
    log: [],
  };
  target.agent.actions.push(record);
  return record;
}
