// What one unit would run now: Juju's resolver, evaluated afresh after every operation. Changes nothing.
import {
  application,
  configText,
  isPresent,
  type HookInfo,
  type Model,
  type Operation,
  type StorageInstance,
  type Unit,
} from './model.ts';
import { createdHook, inOrder, relationHook, view } from './relations.ts';
import { obsoleteRevisions } from './secrets.ts';
import { shuffled } from './seeded.ts';

const retryFirstMs = 5_000;
const retryMostMs = 300_000;

/** What this unit's agent would run now; undefined: idle, waiting, away, or another unit holds the machine's lock. */
export function nextOperation(model: Model, unit: Unit): Operation | undefined {
  if (!isPresent(unit) || model.running.has(unit.name)) return undefined;
  const operation = resolve(model, unit);
  if (!operation) return undefined;
  const lock = lockOf(unit, operation);
  const locked = [...model.running.values()].some(
    (each) => each.machine === unit.machine && each.lock === lock,
  );
  return locked && lock !== '' ? undefined : operation;
}

/** The machine's lock that an operation takes; '' for a parallel action, which takes none. */
export function lockOf(unit: Unit, operation: Operation): string {
  if (operation.kind !== 'action') return 'machine';
  if (operation.action.script !== undefined) return '';
  const declared = unit.agent.charm.actions.get(operation.action.name);
  return declared?.parallel ? '' : declared?.group ? `group ${declared.group}` : 'machine';
}

function resolve(model: Model, unit: Unit): Operation | undefined {
  const { agent } = unit;
  const idle = !agent.queued && !agent.failed;
  if (idle && agent.installed) {
    const early = earlyHook(model, unit);
    if (early) return asHook(early);
  }
  const action = agent.queued ? undefined : agent.actions[0];
  if (action) return { kind: 'action', name: action.name, action };
  const exec = agent.execs[0];
  if (exec) return { kind: 'exec', name: 'run-commands', exec };
  if (idle || agent.queued?.kind === 'install') {
    const storage = storageHook(model, unit);
    if (storage) return asHook(storage);
  }
  if (agent.queued) return asHook(agent.queued);
  if (agent.failed) {
    const due = agent.failed.resolved || model.now() >= agent.failed.retryAt;
    return due ? asHook(agent.failed.hook) : undefined;
  }
  const hook = unit.life === 'dying' ? lastHook(model, unit) : idleHook(model, unit);
  return hook && asHook(hook);
}

const asHook = (hook: HookInfo): Operation => ({ kind: 'hook', name: hook.name, hook });
export const plain = (name: string): HookInfo => ({ name, kind: name });

/** Reboot, relation-created, leadership, secrets: they go before actions. */
function earlyHook(model: Model, unit: Unit): HookInfo | undefined {
  if (unit.agent.rebooted && unit.agent.started) return plain('start');
  return createdHook(model, unit) ?? leadershipHook(model, unit) ?? secretHook(model, unit);
}

function leadershipHook(model: Model, unit: Unit): HookInfo | undefined {
  if (unit.life === 'dying') return undefined;
  const leads = application(model, unit.application).leader === unit.name;
  if (leads && !unit.agent.leads) return plain('leader-elected');
  if (!leads && model.profile === '3.6' && !unit.agent.followed) return plain('leader-settings-changed');
  return undefined;
}

function secretHook(model: Model, unit: Unit): HookInfo | undefined {
  for (const secret of model.secrets.values()) {
    const mine = secret.consumers.get(unit.name);
    if (mine && mine.told !== secret.revisions.length) {
      const told = { id: secret.id, label: mine.label, revision: secret.revisions.length };
      return { name: 'secret-changed', kind: 'secret-changed', secret: told };
    }
    const revision = obsoleteRevisions(model, unit, secret)[0];
    if (revision !== undefined) {
      const about = { id: secret.id, label: secret.label, revision };
      return { name: 'secret-remove', kind: 'secret-remove', secret: about };
    }
  }
  return undefined;
}

export const storageOf = (model: Model, unit: Unit): StorageInstance[] =>
  [...model.storage.values()].filter((each) => each.unit === unit.name);

function storageHook(model: Model, unit: Unit): HookInfo | undefined {
  const { agent } = unit;
  const instances = shuffled(
    storageOf(model, unit),
    (each) => each.id,
    model.options.seed,
    unit.name,
    agent.operations,
  );
  const next = instances.find((each) =>
    each.life === 'dying' || unit.life === 'dying'
      ? agent.attached.has(each.id)
      : !agent.attached.has(each.id),
  );
  if (!next) return undefined;
  const what = agent.attached.has(next.id) ? 'detaching' : 'attached';
  return { name: `${next.name}-storage-${what}`, kind: `storage-${what}`, storage: next.id };
}

function idleHook(model: Model, unit: Unit): HookInfo | undefined {
  const { agent } = unit;
  const app = application(model, unit.application);
  if (agent.charmRevision !== app.charmRevision || agent.resourceRevision !== app.resourceRevision) {
    return plain('upgrade-charm');
  }
  if (agent.configSeen !== seenConfig(model, unit)) return plain('config-changed');
  const relation = relationHook(model, unit);
  if (relation) return relation;
  return agent.tickAt !== undefined && model.now() >= agent.tickAt ? plain('update-status') : undefined;
}

/** The three hashes of Juju in one: settings that were announced, trust, and the address. */
export function seenConfig(model: Model, unit: Unit): string {
  const { announced, trusted } = application(model, unit.application);
  return `${announced} ${trusted} ${unit.address}`;
}

/** What a config-changed that begins now has seen when it is done. `fresh`: not a retry, not after upgrade-charm or start. */
export function captureConfig(model: Model, unit: Unit, hook: HookInfo, fresh: boolean): void {
  const { agent } = unit;
  const change = application(model, unit.application).announcements;
  const twice = fresh && agent.configSeen !== undefined && agent.halfSeen !== change;
  hook.config = seenConfig(model, unit);
  if (!twice || model.profile !== '4.0' || !model.options.configChangedTwice?.(unit.name, change)) return;
  agent.halfSeen = change;
  hook.config += ' (half)';
}

/** Settings that agents are told of from now on. */
export function announceConfig(model: Model, name: string): void {
  const app = application(model, name);
  const text = configText(app);
  if (text !== app.announced) app.announcements += 1;
  app.announced = text;
}

function lastHook(model: Model, unit: Unit): HookInfo | undefined {
  const { agent } = unit;
  const relation = relationHook(model, unit);
  if (relation) return relation;
  if (agent.started && !agent.stopped) return plain('stop');
  return agent.installed ? plain('remove') : undefined;
}

/** Is there a hook, queued or failed, whose turn only time or the operator can bring? */
export function waitsUntil(unit: Unit): number | undefined {
  const times = [
    unit.agent.failed?.retryAt,
    unit.agent.queued || unit.agent.failed ? undefined : unit.agent.tickAt,
  ];
  const known = times.filter((each) => each !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** 5 s, doubled at each attempt, ±3 %, at most 5 min. `attempts` counts from 1; `jitter` is in [0, 1). */
export const retryDelayMs = (attempts: number, jitter: number): number =>
  Math.min(retryMostMs, Math.round(retryFirstMs * 2 ** (attempts - 1) * (0.97 + 0.06 * jitter)));

/** Relations that the running hook's tools can see. */
export const shownRelations = (model: Model, unit: Unit) =>
  inOrder(model, unit)
    .filter((each) => !view(unit.agent, each.id).broken)
    .sort((a, b) => a.id - b.id);
