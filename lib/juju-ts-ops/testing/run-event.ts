// The event of a single run as an operation, or the reason why Juju would never run it in that state.
import { Impossible } from './errors.ts';
import type { FakeJuju } from './fake-juju.ts';
import {
  type ActionValue,
  application,
  ends,
  type HookInfo,
  isPeer,
  type Operation,
  type Relation,
  type Unit,
} from './model.ts';
import { view } from './relations.ts';
import { storageOf } from './uniter.ts';

export interface HookEvent {
  /** The hook's name, such as `db-relation-changed`. */
  hook: string;
  /** The relation's number, where the endpoint has several. */
  relation?: number;
  /** In joined, changed and departed. `changed` without it: the application's databag changed. */
  remoteUnit?: string;
  /** In departed, by default the remote unit; this unit itself: it is being removed. */
  departingUnit?: string;
  /** The instance, such as `data/0`, where there are several. */
  storage?: string;
  /** The secret's id or label, where there are several. */
  secret?: string;
}

/** A hook by its name, an action, or a wake-up of the charm's own by juju-exec. */
export type EventIn =
  | string
  | HookEvent
  | { action: string; params?: Readonly<Record<string, ActionValue>> }
  | { wake: string };

const unitHooks = [
  'install',
  'start',
  'config-changed',
  'upgrade-charm',
  'update-status',
  'leader-elected',
  'stop',
  'remove',
];

export function operationFor(juju: FakeJuju, unit: Unit, event: EventIn): Operation {
  if (typeof event === 'object' && 'action' in event) {
    const action = juju.runAction(unit.name, event.action, event.params);
    if (action.status === 'error') throw new Impossible(action.message);
    return { kind: 'action', name: action.name, action };
  }
  if (typeof event === 'object' && 'wake' in event) {
    const exec = juju.exec(unit.name, `JUJU_DISPATCH_PATH=hooks/${event.wake} ./dispatch`);
    return { kind: 'exec', name: 'run-commands', exec };
  }
  const given = typeof event === 'string' ? { hook: event } : event;
  const hook = hookFor(juju, unit, given);
  if (hook.kind === 'upgrade-charm') unit.agent.queued = hook;
  return { kind: 'hook', name: hook.name, hook };
}

function hookFor(juju: FakeJuju, unit: Unit, event: HookEvent): HookInfo {
  const { hook: name } = event;
  if (unitHooks.includes(name)) return unitHook(juju, unit, name);
  const relation = /^(.+)-relation-(created|joined|changed|departed|broken)$/.exec(name);
  if (relation) return relationHook(juju, unit, event, relation[1] ?? '', relation[2] ?? '');
  const storage = /^(.+)-storage-(attached|detaching)$/.exec(name);
  if (storage) return storageHook(juju, unit, event, storage[1] ?? '', storage[2] ?? '');
  if (name === 'secret-changed') return secretHook(juju, unit, event);
  throw new Impossible(`Juju has no hook "${name}"${name === 'leader-settings-changed' ? ' since 4.0' : ''}`);
}

function unitHook(juju: FakeJuju, unit: Unit, name: string): HookInfo {
  const { model } = juju;
  const leader = application(model, unit.application).leader === unit.name;
  if (name === 'leader-elected' && !leader) throw new Impossible('leader-elected runs on the leader only');
  if (name === 'stop' || name === 'remove') {
    unit.life = 'dying';
    if (storageOf(model, unit).length > 0) throw new Impossible(`${name}: storage is detached before`);
    const left = [...model.relations.values()].filter((each) => !isPeer(each));
    if (left.length > 0) throw new Impossible(`${name}: relations are broken before`);
  }
  return { name, kind: name };
}

function relationHook(
  juju: FakeJuju,
  unit: Unit,
  event: HookEvent,
  endpoint: string,
  what: string,
): HookInfo {
  if (!unit.agent.charm.endpoints.has(endpoint))
    throw new Impossible(`the charm has no endpoint "${endpoint}"`);
  const found = [...juju.model.relations.values()].filter(
    (each) =>
      ends(each, unit.application).local.endpoint === endpoint &&
      (event.relation === undefined || each.id === event.relation),
  );
  const [relation] = found;
  if (!relation) throw new Impossible(`${event.hook}: the state has no such relation`);
  if (found.length > 1)
    throw new Impossible(`${event.hook}: say which \`relation\`: ${found.map((each) => each.id).join(', ')}`);
  const { remoteUnit = '' } = event;
  const { remote } = ends(relation, unit.application);
  const mine = view(unit.agent, relation.id);
  checkRemote(unit, relation, event, what);
  const departing = what === 'departed' ? (event.departingUnit ?? remoteUnit) : undefined;
  if (departing === unit.name) unit.life = 'dying';
  else if (departing !== undefined && departing !== remoteUnit) {
    throw new Impossible(`${event.hook}: who departs is ${remoteUnit} or this unit, not ${departing}`);
  }
  if (what === 'created') mine.created = false;
  if (what === 'joined') mine.members.delete(remoteUnit);
  if (what === 'broken') {
    relation.life = 'dying';
    mine.members.clear();
  }
  return {
    name: event.hook,
    kind: `relation-${what}`,
    relation: {
      id: relation.id,
      remoteUnit,
      remoteApp: what === 'broken' && isPeer(relation) ? '' : remote.application,
      version: relation.bags.get(remoteUnit || remote.application)?.version ?? '0',
      ...(departing === undefined ? {} : { departing }),
    },
  };
}

function checkRemote(unit: Unit, relation: Relation, event: HookEvent, what: string): void {
  const { remoteUnit = '' } = event;
  const members = unit.agent.relations.get(relation.id)?.members;
  if (remoteUnit !== '' && (what === 'created' || what === 'broken')) {
    throw new Impossible(`${event.hook}: is about no unit`);
  }
  if (remoteUnit !== '' && !members?.has(remoteUnit)) {
    throw new Impossible(
      `${event.hook}: ${remoteUnit} is no unit of the relation (there are: ${[...(members?.keys() ?? [])].join(', ') || 'none'})`,
    );
  }
  if (remoteUnit === '' && (what === 'joined' || what === 'departed')) {
    throw new Impossible(`${event.hook}: say which \`remoteUnit\``);
  }
  const { remote } = ends(relation, unit.application);
  if (
    what === 'changed' &&
    remoteUnit === '' &&
    (relation.bags.get(remote.application)?.version ?? '0') === '0'
  ) {
    throw new Impossible(
      `${event.hook}: say which \`remoteUnit\`: the databag of ${remote.application} was never written`,
    );
  }
}

function storageHook(juju: FakeJuju, unit: Unit, event: HookEvent, name: string, what: string): HookInfo {
  if (!unit.agent.charm.storage.has(name)) throw new Impossible(`the charm has no storage "${name}"`);
  const found = storageOf(juju.model, unit).filter(
    (each) => each.name === name && (event.storage === undefined || each.id === event.storage),
  );
  const [instance] = found;
  if (!instance) throw new Impossible(`${event.hook}: the state has no such storage`);
  if (found.length > 1)
    throw new Impossible(`${event.hook}: say which \`storage\`: ${found.map((each) => each.id).join(', ')}`);
  if (what === 'attached') unit.agent.attached.delete(instance.id);
  return { name: event.hook, kind: `storage-${what}`, storage: instance.id };
}

function secretHook(juju: FakeJuju, unit: Unit, event: HookEvent): HookInfo {
  const found = [...juju.model.secrets.values()].filter((each) => {
    const mine = each.consumers.get(unit.name);
    const named = event.secret === undefined || [each.id, each.label, mine?.label].includes(event.secret);
    return named && mine !== undefined && mine.told !== each.revisions.length;
  });
  const [secret] = found;
  if (!secret) throw new Impossible(`${event.hook}: no secret that this unit tracks has a newer revision`);
  if (found.length > 1) throw new Impossible(`${event.hook}: say which \`secret\``);
  const label = secret.consumers.get(unit.name)?.label ?? '';
  return {
    name: event.hook,
    kind: event.hook,
    secret: { id: secret.id, label, revision: secret.revisions.length },
  };
}
