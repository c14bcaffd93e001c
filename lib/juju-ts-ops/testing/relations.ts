// Relations: who is in scope, and which relation hook a unit would run next, in the order of Juju's relation resolver.
import {
  type Agent,
  application,
  ends,
  type HookInfo,
  isPeer,
  isPresent,
  type Model,
  type Relation,
  type RelationView,
  relationsOf,
  type Unit,
  writeBag,
} from './model.ts';
import { shuffled } from './seeded.ts';

export const view = (agent: Agent, id: number): RelationView => {
  const known = agent.relations.get(id);
  if (known) return known;
  const fresh: RelationView = { created: false, broken: false, members: new Map(), applications: new Map() };
  agent.relations.set(id, fresh);
  return fresh;
};

/** An installed unit enters every relation of its application at once; its address is what others see first. */
export function enterScopes(model: Model, unit: Unit): void {
  if (!unit.agent.installed || unit.life !== 'alive' || !isPresent(unit)) return;
  for (const relation of relationsOf(model, unit.application)) {
    if (relation.life !== 'alive' || relation.scope.has(unit.name)) continue;
    if (unit.agent.relations.get(relation.id)?.broken) continue;
    relation.scope.add(unit.name);
    view(unit.agent, relation.id);
    writeAddresses(model, unit, relation);
  }
}

export function writeAddresses(model: Model, unit: Unit, relation: Relation): void {
  const addresses = new Map([
    ['egress-subnets', `${unit.address}/32`],
    ['ingress-address', unit.address],
  ]);
  if (model.profile === '3.6') addresses.set('private-address', unit.address);
  writeBag(model, relation, unit.name, addresses);
}

/** The remote units that the controller shows to this unit's agent now. */
export function visibleUnits(model: Model, unit: Unit, relation: Relation): string[] {
  const members = unit.agent.relations.get(relation.id)?.members;
  const { remote } = ends(relation, unit.application);
  const there = [...relation.scope].filter(
    (name) =>
      name !== unit.name &&
      !relation.leaving.has(name) &&
      model.units.get(name)?.application === remote.application,
  );
  const ghosts = [...relation.ghosts].filter((name) => members?.has(name));
  return [...there, ...ghosts].sort();
}

const dying = (model: Model, unit: Unit): boolean =>
  unit.life === 'dying' || application(model, unit.application).life === 'dying';

/** All relations of the unit, peers last, the others in the seeded order of this moment. */
export function inOrder(model: Model, unit: Unit): Relation[] {
  const mine = relationsOf(model, unit.application).filter((each) => each.scope.has(unit.name));
  const mixed = shuffled(mine, (each) => each.id, model.options.seed, unit.name, unit.agent.operations);
  return [...mixed.filter((each) => !isPeer(each)), ...mixed.filter(isPeer)];
}

export function createdHook(model: Model, unit: Unit): HookInfo | undefined {
  if (unit.life === 'dying') return undefined;
  for (const relation of inOrder(model, unit)) {
    if (relation.life !== 'alive' || view(unit.agent, relation.id).created) continue;
    const { local, remote } = ends(relation, unit.application);
    return hook(local.endpoint, 'created', relation.id, '', remote.application);
  }
  return undefined;
}

export function relationHook(model: Model, unit: Unit): HookInfo | undefined {
  for (const relation of inOrder(model, unit)) {
    const next = nextIn(model, unit, relation);
    if (next) return next;
  }
  return undefined;
}

function nextIn(model: Model, unit: Unit, relation: Relation): HookInfo | undefined {
  const mine = view(unit.agent, relation.id);
  if (!mine.created || mine.broken) return undefined;
  const { local, remote } = ends(relation, unit.application);
  const going = dying(model, unit);
  const ending = going || relation.life === 'dying';
  const remotes = ending ? [] : visibleUnits(model, unit, relation);
  const version = (owner: string) => relation.bags.get(owner)?.version ?? '0';
  const make = (what: string, remoteUnit: string, remoteApp: string) =>
    hook(local.endpoint, what, relation.id, remoteUnit, remoteApp, version(remoteUnit || remoteApp));

  if (mine.joined !== undefined && remotes.includes(mine.joined))
    return make('changed', mine.joined, remote.application);
  const gone = [...mine.members.keys()].sort().find((name) => !remotes.includes(name));
  if (gone !== undefined) {
    const departed = make('departed', gone, remote.application);
    const relationInfo = departed.relation;
    return relationInfo
      ? { ...departed, relation: { ...relationInfo, departing: going ? unit.name : gone } }
      : departed;
  }
  if (ending && (!isPeer(relation) || relation.life === 'dying')) {
    return hook(local.endpoint, 'broken', relation.id, '', isPeer(relation) ? '' : remote.application);
  }
  if (ending) return undefined;
  const written = version(remote.application);
  if (written !== '0' && (mine.applications.get(remote.application) ?? '0') !== written) {
    return make('changed', '', remote.application);
  }
  const fresh = remotes.find((name) => !mine.members.has(name));
  if (fresh !== undefined) return make('joined', fresh, remote.application);
  const changed = remotes.find(
    (name) => mine.members.get(name) !== version(name) && !relation.ghosts.has(name),
  );
  return changed === undefined ? undefined : make('changed', changed, remote.application);
}

function hook(
  endpoint: string,
  what: string,
  id: number,
  remoteUnit: string,
  remoteApp: string,
  version?: string,
): HookInfo {
  const relation = { id, remoteUnit, remoteApp, ...(version === undefined ? {} : { version }) };
  return { name: `${endpoint}-relation-${what}`, kind: `relation-${what}`, relation };
}

/** What the agent remembers once the hook has run. */
export function afterRelationHook(model: Model, unit: Unit, info: HookInfo): void {
  const { relation: at } = info;
  if (!at) return;
  const mine = view(unit.agent, at.id);
  const version = at.version ?? '0';
  switch (info.kind) {
    case 'relation-created':
      mine.created = true;
      return;
    case 'relation-joined':
      mine.members.set(at.remoteUnit, version);
      mine.joined = at.remoteUnit;
      return;
    case 'relation-changed':
      if (at.remoteUnit === '') mine.applications.set(at.remoteApp, version);
      else {
        mine.members.set(at.remoteUnit, version);
        if (mine.joined === at.remoteUnit) delete mine.joined;
      }
      return;
    case 'relation-departed':
      mine.members.delete(at.remoteUnit);
      if (mine.joined === at.remoteUnit) delete mine.joined;
      return;
    case 'relation-broken':
      mine.broken = true;
      leaveScope(model, unit, at.id);
  }
}

/** The relation goes: units that have heard nothing of it yet leave silently, the others by departed and broken. */
export function endRelation(model: Model, relation: Relation): void {
  relation.life = 'dying';
  for (const name of relation.scope) {
    const unit = model.units.get(name);
    if (unit && !knows(model, unit, relation)) leaveScope(model, unit, relation.id);
  }
  if (relation.scope.size === 0) model.relations.delete(relation.id);
}

function knows(model: Model, { name, agent }: Unit, { id }: Relation): boolean {
  const running = model.running.get(name)?.operation;
  const hooks = [agent.queued, agent.failed?.hook, running?.kind === 'hook' ? running.hook : undefined];
  return view(agent, id).created || hooks.some((each) => each?.relation?.id === id);
}

/** The last unit to leave a dying relation takes it away. */
export function leaveScope(model: Model, unit: Unit, id: number): void {
  const relation = model.relations.get(id);
  if (!relation) return;
  relation.scope.delete(unit.name);
  if (relation.life === 'dying' && relation.scope.size === 0) model.relations.delete(id);
}
