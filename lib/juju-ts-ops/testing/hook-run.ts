// From the beginning of one operation to its end: what Juju does before, the tools meanwhile, and what comes of the exit.
import { type Context, emptyPending, type ToolCall, type ToolResult } from './context.ts';
import { finishAction, tryCommit } from './ends.ts';
import { Hangs, Impossible } from './errors.ts';
import { environment } from './environment.ts';
import { bury } from './life.ts';
import {
  application,
  type HookInfo,
  type Model,
  type Operation,
  setStatus,
  type Strings,
  type Unit,
} from './model.ts';
import { afterRelationHook, enterScopes, writeAddresses } from './relations.ts';
import { callTool } from './tools/index.ts';
import { captureConfig, lockOf, plain, retryDelayMs, shownRelations } from './uniter.ts';

/** How the process ended, and what it printed (logged; kept for actions and juju-exec). */
export interface End {
  exitCode?: number;
  /** The signal that ended it, such as SIGKILL. */
  signal?: string;
  stdout?: string;
  stderr?: string;
}

export interface FinishRecord {
  /** `requeued`: the same hook runs again at once. `lost`: the machine went away, nobody saw the end. */
  outcome: 'committed' | 'failed' | 'requeued' | 'lost';
  /** Why, when it failed. */
  reason?: string;
}

export class HookContext {
  readonly id: string;
  readonly unit: string;
  readonly operation: Operation;
  readonly env: Readonly<Strings>;
  /** Which of the charm's revisions the unit runs (0 is the deployed one). */
  readonly charmRevision: number;
  /** Every tool call of this run with its answer. */
  readonly calls: ToolCall[] = [];
  readonly #context: Context;
  #over = false;

  constructor(model: Model, unit: Unit, operation: Operation) {
    const { agent } = unit;
    if (model.running.has(unit.name)) throw new Impossible(`${unit.name} is already running something`);
    agent.operations += 1;
    before(model, unit, operation);
    const hook = operation.kind === 'hook' ? operation.hook : undefined;
    const relation = hook?.relation ?? execRelation(operation);
    const open = [...unit.ports];
    this.#context = {
      model,
      unit,
      operation,
      ...(hook ? { hook } : {}),
      ...(operation.kind === 'action' ? { action: operation.action } : {}),
      ...(relation ? { relation } : {}),
      relations: new Map(shownRelations(model, unit).map((each) => [each.id, each])),
      pending: emptyPending(open),
      cache: { bags: new Map(), notLeader: false },
      openAtStart: open,
    };
    if (relation && !this.#context.relations.has(relation.id)) {
      throw new Impossible(`unknown relation id: ${relation.id}`);
    }
    this.unit = unit.name;
    this.operation = operation;
    this.charmRevision = agent.charmRevision;
    this.id = `${unit.name}-${operation.name}-${model.random.text(32, '0123456789abcdef')}`;
    this.env = environment(this.#context, this.id);
    const abandon = () => {
      this.#over = true;
    };
    model.running.set(unit.name, {
      machine: unit.machine,
      lock: lockOf(unit, operation),
      operation,
      abandon,
    });
  }

  /** The run is over, by `finish` or because its machine went away: tools do not answer any more. */
  get over(): boolean {
    return this.#over;
  }

  /** The machine has lost the controller: no tool answers until that is over. */
  get hangs(): boolean {
    return !this.#over && !this.#context.unit.reachable;
  }

  /** Throws `Hangs` where Juju would not answer. */
  tool(name: string, argv: readonly string[], stdin?: string): ToolResult {
    if (this.hangs) throw new Hangs(name);
    if (this.#over) {
      const socket = this.env.JUJU_AGENT_SOCKET_ADDRESS;
      return {
        code: 1,
        stdout: '',
        stderr: `ERROR dial unix ${socket}: connect: no such file or directory\n`,
      };
    }
    const result = callTool(this.#context, name, argv, stdin);
    this.calls.push({ tool: name, args: [...argv], ...(stdin === undefined ? {} : { stdin }), ...result });
    return result;
  }

  finish(end: End): FinishRecord {
    if (this.#over) return { outcome: 'lost' };
    this.#over = true;
    const { model, unit, operation } = this.#context;
    model.running.delete(unit.name);
    logOutput(model, unit, end, operation);
    if (operation.kind === 'action') return finishAction(this.#context, operation.action, end);
    if (operation.kind === 'exec') return this.#finishExec(end);
    return this.#finishHook(operation.hook, end);
  }

  #finishHook(hook: HookInfo, end: End): FinishRecord {
    const { model, unit } = this.#context;
    const { agent } = unit;
    if (end.signal === 'SIGKILL' || end.signal === 'SIGTERM') {
      // Juju takes a kill for "stop what you are doing", not for a failure: the same hook again, no error, no back-off.
      delete agent.failed;
      const beforeInstall = hook.kind === 'storage-attached' && !agent.installed;
      agent.queued = beforeInstall ? { name: 'install', kind: 'install' } : hook;
      return { outcome: 'requeued' };
    }
    const refused =
      end.exitCode === 0 ? tryCommit(this.#context) : `exit status ${end.exitCode ?? end.signal}`;
    if (refused !== undefined) {
      const attempts = (agent.failed?.attempts ?? 0) + 1;
      const retryAt = unit.reachable
        ? model.now() + retryDelayMs(attempts, model.random.next())
        : Number.POSITIVE_INFINITY;
      agent.failed = { hook, attempts, retryAt, resolved: false };
      delete agent.queued;
      return { outcome: 'failed', reason: refused };
    }
    hookIsDone(model, unit, hook);
    return { outcome: 'committed' };
  }

  #finishExec(end: End): FinishRecord {
    const { unit, operation } = this.#context;
    if (operation.kind !== 'exec') return { outcome: 'lost' };
    const { exec } = operation;
    unit.agent.execs = unit.agent.execs.filter((each) => each !== exec);
    exec.stdout = end.stdout ?? '';
    exec.stderr = end.stderr ?? '';
    // A failing exit does not keep the writes back; only a signal or a refused commit does.
    const refused = end.exitCode === undefined ? `signal: ${end.signal}` : tryCommit(this.#context);
    exec.exitCode = refused === undefined ? (end.exitCode ?? 1) : 1;
    exec.status = refused === undefined ? 'done' : 'aborted';
    return refused === undefined ? { outcome: 'committed' } : { outcome: 'failed', reason: refused };
  }
}

function execRelation(operation: Operation): Context['relation'] {
  if (operation.kind !== 'exec' || operation.exec.relation === undefined) return undefined;
  return { id: operation.exec.relation, remoteUnit: operation.exec.remoteUnit ?? '', remoteApp: '' };
}

/** What Juju itself does before the charm is called. */
function before(model: Model, unit: Unit, operation: Operation): void {
  const { agent } = unit;
  if (operation.kind === 'action') operation.action.status = 'running';
  if (operation.kind === 'exec') operation.exec.status = 'running';
  if (operation.kind !== 'hook') return;
  const { hook } = operation;
  if (hook.kind === 'install' && !unit.charmSetStatus) {
    setStatus(model, unit, 'maintenance', 'installing charm software');
  }
  if (hook.kind === 'config-changed') {
    captureConfig(model, unit, hook, agent.queued !== hook && agent.failed?.hook !== hook);
  }
  if (hook.kind === 'stop') setStatus(model, unit, 'maintenance', 'stopping charm software');
  if (hook.kind === 'remove') setStatus(model, unit, 'maintenance', 'cleaning up prior to charm deletion');
  // A retried or requeued upgrade-charm runs the code that it was put up for.
  if (hook.kind === 'upgrade-charm' && agent.queued !== hook && agent.failed?.hook !== hook) {
    const app = application(model, unit.application);
    agent.charm = app.charm;
    agent.charmRevision = app.charmRevision;
    agent.resourceRevision = app.resourceRevision;
  }
  const about = hook.relation;
  if (
    about &&
    about.remoteUnit !== '' &&
    (hook.kind === 'relation-joined' || hook.kind === 'relation-changed')
  ) {
    agent.remoteBags.delete(`${about.id}/${about.remoteUnit}`);
  }
}

/** What a hook that counts as run changes in the agent's memory. Also `juju resolved --no-retry`. */
export function hookIsDone(model: Model, unit: Unit, hook: HookInfo): void {
  const { agent } = unit;
  delete agent.queued;
  delete agent.failed;
  // Storage is attached before install, which stays in the queue meanwhile.
  if (!agent.installed && hook.kind !== 'install') agent.queued = { name: 'install', kind: 'install' };
  const interval = model.options.updateStatusMs;
  if (agent.tickAt !== undefined && interval !== undefined && model.now() >= agent.tickAt) {
    agent.tickAt = model.now() + nextTickMs(model, interval);
  }
  afterRelationHook(model, unit, hook);
  afterSecretHook(model, unit, hook);
  switch (hook.kind) {
    case 'install':
      agent.installed = true;
      enterScopes(model, unit);
      return;
    case 'leader-elected':
      // Who has lost the lease meanwhile resigns straight after it.
      agent.leads = application(model, unit.application).leader === unit.name;
      agent.followed = false;
      return;
    case 'leader-settings-changed':
      agent.followed = true;
      return;
    case 'upgrade-charm':
      agent.queued = plain('config-changed');
      return;
    case 'config-changed':
      if (hook.config !== undefined) agent.configSeen = hook.config;
      for (const relation of model.relations.values())
        if (relation.scope.has(unit.name)) writeAddresses(model, unit, relation);
      if (!agent.started) agent.queued = { name: 'start', kind: 'start' };
      return;
    case 'start':
      agent.started = true;
      agent.rebooted = false;
      if (!unit.charmSetStatus) setStatus(model, unit, 'unknown', '');
      if (interval !== undefined) agent.tickAt ??= model.now() + nextTickMs(model, interval);
      return;
    case 'storage-attached':
      if (hook.storage !== undefined) agent.attached.add(hook.storage);
      return;
    case 'storage-detaching':
      agent.attached.delete(hook.storage ?? '');
      model.storage.delete(hook.storage ?? '');
      return;
    case 'stop':
      agent.stopped = true;
      return;
    case 'remove':
      bury(model, unit);
  }
}

const nextTickMs = (model: Model, interval: number): number =>
  Math.round(interval * (0.8 + 0.4 * model.random.next()));

function afterSecretHook(model: Model, unit: Unit, hook: HookInfo): void {
  const about = hook.secret;
  if (!about) return;
  if (hook.kind === 'secret-remove') unit.agent.obsoleteSeen.add(`${about.id}/${about.revision}`);
  const mine = model.secrets.get(about.id)?.consumers.get(unit.name);
  if (hook.kind === 'secret-changed' && mine) mine.told = about.revision ?? mine.told;
}

/** A line of the log has at most 4,096 bytes. */
function inParts(line: string): string[] {
  const bytes = Buffer.from(line);
  const count = Math.max(1, Math.ceil(bytes.length / 4096));
  return Array.from({ length: count }, (_, part) =>
    bytes.subarray(part * 4096, (part + 1) * 4096).toString(),
  );
}

function logOutput(model: Model, unit: Unit, end: End, operation: Operation): void {
  if (operation.kind === 'exec') return;
  const write = (level: string, text: string | undefined) => {
    const lines = text?.split('\n').filter((each) => each !== '') ?? [];
    for (const part of lines.flatMap(inParts)) {
      const module = `unit.${unit.name}.${operation.name}`;
      model.log.push({ at: model.now(), unit: unit.name, module, level, text: part });
    }
  };
  write('DEBUG', end.stdout);
  write('WARNING', end.stderr);
}
