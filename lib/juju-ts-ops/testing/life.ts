// Units and applications come and go: storage attached, leadership passed on, scopes left, the agent's memory started.
import type { CharmModel } from './charm-files.ts';
import { Impossible } from './errors.ts';
import {
  type Agent,
  type Application,
  application,
  isPeer,
  isPresent,
  type Model,
  nextNumber,
  relationsOf,
  setStatus,
  type StorageInstance,
  type Unit,
  unitsOf,
} from './model.ts';
import { leaveScope } from './relations.ts';
import { dropApplication, dropUnit } from './secrets.ts';

export function newUnit(model: Model, app: Application, machine: string | undefined): Unit {
  const number = nextNumber(model, `units of ${app.name}`);
  const name = `${app.name}/${number}`;
  const on = machine ?? freeMachine(model);
  const unit: Unit = {
    name,
    application: app.name,
    number,
    machine: on,
    address: app.address?.(number) ?? `10.66.0.${11 + Number(on.replace(/\D/g, '') || 0)}`,
    life: 'alive',
    agentUp: true,
    reachable: true,
    workload: { status: 'waiting', message: 'waiting for machine', since: model.now() },
    charmSetStatus: false,
    statusHistory: [],
    version: '',
    ports: [],
    stored: new Map(),
    agent: newAgent(app),
  };
  model.units.set(name, unit);
  for (const [storage, plan] of app.storage) {
    for (let each = 0; each < plan.count; each += 1) addStorage(model, unit, storage);
  }
  app.leader ??= name;
  return unit;
}

/** Machine numbers are never used again; those that a test named are left out. */
function freeMachine(model: Model): string {
  const taken = new Set([...model.units.values()].map((each) => each.machine));
  let machine = String(nextNumber(model, 'machines'));
  while (taken.has(machine)) machine = String(nextNumber(model, 'machines'));
  return machine;
}

const newAgent = (app: Application): Agent => ({
  charm: app.charm,
  charmRevision: app.charmRevision,
  resourceRevision: app.resourceRevision,
  installed: false,
  started: false,
  stopped: false,
  queued: { name: 'install', kind: 'install' },
  leads: false,
  followed: false,
  rebooted: false,
  relations: new Map(),
  attached: new Set(),
  remoteBags: new Map(),
  obsoleteSeen: new Set(),
  actions: [],
  execs: [],
  operations: 0,
});

/** Where Juju mounts it: `location` itself for at most one instance, else `location/<number>`. */
export function addStorage(model: Model, unit: Unit, name: string): StorageInstance {
  const declared = declaredStorage(unit.agent.charm, name);
  const here = [...model.storage.values()].filter(
    (each) => each.unit === unit.name && each.name === name,
  ).length;
  if (declared.most !== undefined && here >= declared.most) {
    throw new Impossible(
      `charm storage "${name}": at most ${declared.most} instances supported, ${here + 1} specified`,
    );
  }
  const number = nextNumber(model, 'storage');
  const given = application(model, unit.application).storage.get(name)?.location?.(unit.number);
  const base = declared.location ?? `/var/lib/juju/storage/${name}`;
  const verbatim = declared.location !== undefined && declared.most === 1;
  const instance: StorageInstance = {
    id: `${name}/${number}`,
    name,
    unit: unit.name,
    kind: declared.kind,
    location: given ?? (verbatim ? base : `${base}/${number}`),
    life: 'alive',
  };
  model.storage.set(instance.id, instance);
  return instance;
}

function declaredStorage(charm: CharmModel, name: string) {
  const declared = charm.storage.get(name);
  if (!declared) throw new Impossible(`charm storage "${name}" not found`);
  return declared;
}

/** The unit is gone: what it held is given back, what others see of it depends on the version. */
export function bury(model: Model, unit: Unit): void {
  setStatus(model, unit, 'terminated', '');
  const app = application(model, unit.application);
  for (const relation of relationsOf(model, app.name)) {
    const heard = model.profile === '3.6' || model.options.peersHearDeparture === true;
    if (isPeer(relation) && relation.life === 'alive' && relation.scope.has(unit.name) && !heard) {
      relation.ghosts.add(unit.name);
    }
    leaveScope(model, unit, relation.id);
    relation.leaving.delete(unit.name);
  }
  for (const instance of model.storage.values()) {
    if (instance.unit === unit.name) model.storage.delete(instance.id);
  }
  model.units.delete(unit.name);
  model.running.delete(unit.name);
  dropUnit(model, unit.name);
  if (app.leader === unit.name) {
    delete app.leader;
    const leaderlessMs = model.options.leaderlessMs?.() ?? 0;
    if (leaderlessMs > 0) app.vacantUntil = model.now() + leaderlessMs;
    electLeader(model, app);
  }
  if (app.life === 'dying' && unitsOf(model, app.name).length === 0) buryApplication(model, app);
}

export function buryApplication(model: Model, app: Application): void {
  for (const relation of relationsOf(model, app.name)) {
    if (relation.scope.size === 0) model.relations.delete(relation.id);
  }
  dropApplication(model, app.name);
  model.applications.delete(app.name);
}

/** A vacant lease goes to one of the units whose agents are there to claim it. */
export function electLeader(model: Model, app: Application): void {
  if (app.leader !== undefined || model.now() < (app.vacantUntil ?? 0)) return;
  delete app.vacantUntil;
  const candidates = unitsOf(model, app.name).filter(isPresent);
  const alive = candidates.filter((each) => each.life === 'alive');
  const chosen = model.random.pick(alive.length > 0 ? alive : candidates);
  if (chosen) app.leader = chosen.name;
  delete app.leaseEnds;
}
