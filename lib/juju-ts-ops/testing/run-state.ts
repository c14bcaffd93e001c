// A described state, put into a fake Juju, or refused with the reason why Juju could not have it.
import { type CharmFiles, checkOption, type OptionValue } from './charm-files.ts';
import { Impossible } from './errors.ts';
import type { FakeJuju } from './fake-juju.ts';
import { addStorage } from './life.ts';
import {
  application,
  ends,
  type FakeJujuOptions,
  isPeer,
  type Model,
  type Profile,
  type Relation,
  type Strings,
  type Unit,
  unitsOf,
  writeBag,
} from './model.ts';
import { view, writeAddresses } from './relations.ts';
import type { EventIn } from './run-event.ts';
import { placeSecrets, type SecretIn } from './run-secrets.ts';
import { readPort } from './tools/ports.ts';
import { seenConfig } from './uniter.ts';

export interface RelationIn {
  endpoint: string;
  /** Number; by default the next one. */
  id?: number;
  /** Not for peers. By default `remote`. */
  remoteApp?: string;
  /** Unit name → its databag; addresses are there by themselves. For peers: the other units. */
  remoteUnits?: Readonly<Record<string, Strings>>;
  remoteAppData?: Strings;
  localUnit?: Strings;
  localApp?: Strings;
}

export interface StateIn {
  files?: CharmFiles;
  app?: string;
  /** This unit's number; 0. */
  unit?: number;
  leader?: boolean;
  config?: Readonly<Record<string, OptionValue>>;
  relations?: readonly RelationIn[];
  secrets?: readonly SecretIn[];
  /** `{ name: 'data', location: '/srv' }`, one entry for each instance. */
  storages?: readonly { name: string; location?: string }[];
  resources?: Readonly<Record<string, string>>;
  ports?: readonly string[];
  status?: { status: string; message?: string };
  /** goal-state: the application's other units and their statuses. */
  goalUnits?: Readonly<Record<string, string>>;
  stored?: Strings;
  workloadVersion?: string;
  address?: string;
  machine?: string;
  model?: string;
  proxies?: NonNullable<FakeJujuOptions['proxies']>;
  profile?: Profile;
  clock?: { now(): number };
  seed?: number;
}

const atStart = (event: EventIn) => (typeof event === 'object' && 'hook' in event ? event.hook : event);

export function placeState(juju: FakeJuju, files: CharmFiles, event: EventIn, state: StateIn): Unit {
  const { model } = juju;
  const hook = atStart(event);
  const named = String(Object(files.metadata).name ?? 'app');
  const app = state.app ?? named;
  const number = state.unit ?? 0;
  for (const [key, value] of Object.entries(state.config ?? {})) refuseMistyped(files, key, value);
  juju.deploy(app, files, {
    units: 0,
    config: state.config ?? {},
    resources: state.resources ?? {},
    ...(state.address === undefined
      ? {}
      : { address: (each) => (each === number ? state.address : undefined) ?? '10.66.0.99' }),
  });
  const unit = addUnit(juju, `${app}/${number}`, state.machine);
  for (const [name, status] of Object.entries(state.goalUnits ?? {})) {
    const other = otherUnit(juju, app, unit, name);
    other.workload = { ...other.workload, status };
  }
  placeStorage(model, unit, state);
  placeRelations(juju, unit, hook, state);
  const others = unitsOf(model, app).filter((each) => each !== unit);
  application(model, app).leader =
    (state.leader ?? false) ? unit.name : (others[0]?.name ?? `${app}/${number + 1}`);
  placeSecrets(model, unit, state.secrets ?? []);
  placeRest(model, unit, state);
  placeAgent(model, unit, hook);
  return unit;
}

function refuseMistyped(files: CharmFiles, key: string, value: OptionValue): void {
  const options: unknown = Object(files.config ?? {}).options;
  const option: unknown = Object(options ?? {})[key];
  if (option === undefined) throw new Impossible(`config: the charm has no option "${key}"`);
  const given: unknown = Object(option).type ?? 'string';
  const types = ['string', 'int', 'float', 'boolean', 'secret'] as const;
  const type = types.find((each) => each === given);
  if (type) checkOption(key, type, value);
}

function addUnit(juju: FakeJuju, name: string, machine?: string): Unit {
  const { model } = juju;
  const [app = '', number = ''] = name.split('/');
  if (!/^\d+$/.test(number)) throw new Impossible(`"${name}" is no unit name`);
  model.sequences.set(`units of ${app}`, Number(number));
  juju.addUnit(app, machine === undefined ? {} : { machine });
  const unit = model.units.get(name);
  if (!unit) throw new Impossible(`unit "${name}" not found`);
  delete unit.agent.queued;
  Object.assign(unit.agent, { installed: true, started: true, leads: false });
  unit.workload = { status: 'active', message: '', since: model.now() };
  return unit;
}

function otherUnit(juju: FakeJuju, app: string, self: Unit, name: string): Unit {
  if (name.split('/')[0] !== app) throw new Impossible(`${name} is no unit of ${app}`);
  if (name === self.name) throw new Impossible(`${name} is this unit itself`);
  return juju.model.units.get(name) ?? addUnit(juju, name);
}

function placeStorage(model: Model, unit: Unit, state: StateIn): void {
  for (const [id, instance] of model.storage) if (instance.unit === unit.name) model.storage.delete(id);
  model.sequences.set('storage', 0);
  for (const { name, location } of state.storages ?? []) {
    const instance = addStorage(model, unit, name);
    if (location !== undefined) instance.location = location;
    unit.agent.attached.add(instance.id);
  }
}

function placeRelations(juju: FakeJuju, unit: Unit, hook: unknown, state: StateIn): void {
  const { model } = juju;
  const charm = unit.agent.charm;
  const early =
    hook === 'install' ||
    (typeof hook === 'string' && hook.endsWith('-storage-attached') && !state.relations);
  if (early && (state.relations ?? []).length > 0) {
    throw new Impossible('no relation is visible before install is done, not even the peer relation');
  }
  const places = (state.relations ?? []).map((given) => {
    const declared = charm.endpoints.get(given.endpoint);
    if (!declared) throw new Impossible(`the charm has no endpoint "${given.endpoint}"`);
    const relation =
      declared.role === 'peer' ? peerRelation(model, unit, given) : remoteRelation(juju, unit, given);
    return { given, relation };
  });
  if (early) return;
  for (const relation of model.relations.values()) enter(model, unit, relation);
  for (const { given, relation } of places) fill(juju, unit, relation, given);
}

function peerRelation(model: Model, unit: Unit, given: RelationIn): Relation {
  const found = [...model.relations.values()].find(
    (each) => isPeer(each) && each.endpoints.some((end) => end.endpoint === given.endpoint),
  );
  if (!found) throw new Impossible(`no peer relation "${given.endpoint}"`);
  if (given.remoteApp !== undefined && given.remoteApp !== unit.application) {
    throw new Impossible(`"${given.endpoint}" is a peer relation: it has no remote application`);
  }
  if (given.remoteAppData) throw new Impossible('the application databag of a peer relation is `localApp`');
  return renumber(model, found, given.id);
}

function remoteRelation(juju: FakeJuju, unit: Unit, given: RelationIn): Relation {
  const { model } = juju;
  const declared = unit.agent.charm.endpoints.get(given.endpoint);
  const remote = given.remoteApp ?? 'remote';
  if (remote === unit.application)
    throw new Impossible(`"${given.endpoint}" cannot relate ${remote} to itself`);
  const section = declared?.role === 'provider' ? 'requires' : 'provides';
  const endpoint = `to-${given.endpoint}`;
  if (!model.applications.has(remote)) {
    const metadata = { name: remote, [section]: { [endpoint]: { interface: declared?.interface ?? '' } } };
    juju.deploy(remote, { metadata }, { units: 0 });
  }
  application(model, remote).charm.endpoints.set(endpoint, {
    role: declared?.role === 'provider' ? 'requirer' : 'provider',
    interface: declared?.interface ?? '',
  });
  const id = juju.integrate(`${unit.application}:${given.endpoint}`, `${remote}:${endpoint}`);
  const relation = model.relations.get(id);
  if (!relation) throw new Impossible(`relation ${id} not found`);
  return renumber(model, relation, given.id);
}

function renumber(model: Model, relation: Relation, id: number | undefined): Relation {
  if (id === undefined || id === relation.id) return relation;
  if (model.relations.has(id)) throw new Impossible(`two relations with the number ${id}`);
  model.relations.delete(relation.id);
  relation.id = id;
  model.relations.set(id, relation);
  model.sequences.set('relations', Math.max(model.sequences.get('relations') ?? 0, id + 1));
  return relation;
}

function enter(model: Model, unit: Unit, relation: Relation): void {
  relation.scope.add(unit.name);
  writeAddresses(model, unit, relation);
  view(unit.agent, relation.id).created = true;
}

function fill(juju: FakeJuju, unit: Unit, relation: Relation, given: RelationIn): void {
  const { model } = juju;
  const { remote } = ends(relation, unit.application);
  const write = (owner: string, values: Strings | undefined) => {
    for (const [key, value] of Object.entries(values ?? {})) {
      if (typeof value !== 'string') throw new Impossible(`databag of ${owner}: "${key}" is not a string`);
      if (value === '')
        throw new Impossible(`databag of ${owner}: "${key}" is empty, which in Juju is a removed key`);
    }
    const entries = Object.entries(values ?? {});
    if (entries.length > 0) writeBag(model, relation, owner, new Map(entries));
  };
  write(unit.name, given.localUnit);
  write(unit.application, given.localApp);
  if (!isPeer(relation)) write(remote.application, given.remoteAppData);
  const mine = view(unit.agent, relation.id);
  for (const [name, values] of Object.entries(given.remoteUnits ?? {})) {
    if (name.split('/')[0] !== remote.application) {
      throw new Impossible(
        `${name} is no unit of ${remote.application}, the remote application of "${given.endpoint}"`,
      );
    }
    const other = otherUnit(juju, remote.application, unit, name);
    relation.scope.add(name);
    writeAddresses(model, other, relation);
    write(name, values);
    mine.members.set(name, relation.bags.get(name)?.version ?? '0');
  }
  mine.applications.set(remote.application, relation.bags.get(remote.application)?.version ?? '0');
}

function placeRest(model: Model, unit: Unit, state: StateIn): void {
  unit.ports = (state.ports ?? []).map((text) => ({ ...readPort(text), endpoint: '' }));
  unit.stored = new Map(Object.entries(state.stored ?? {}));
  unit.version = state.workloadVersion ?? '';
  if (!state.status) return;
  unit.charmSetStatus = true;
  unit.workload = { message: '', ...state.status, since: model.now() };
}

/** How far the agent is when it comes to this hook. */
function placeAgent(model: Model, unit: Unit, hook: unknown): void {
  const { agent } = unit;
  agent.configSeen = seenConfig(model, unit);
  agent.leads = hook !== 'leader-elected' && application(model, unit.application).leader === unit.name;
  if (hook === 'install') Object.assign(agent, { installed: false, started: false });
  if (hook === 'start') agent.started = false;
}
