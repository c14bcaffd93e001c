// The commands that an operator types, as methods: what `juju` would refuse is thrown as `Impossible`.
import { checkParams } from './action-schema.ts';
import { type CharmFiles, type OptionValue, readCharm } from './charm-files.ts';
import { Impossible } from './errors.ts';
import { type DeployOptions, newApplication, setConfig, setResources } from './deploy.ts';
import { lose } from './ends.ts';
import { type ExecOptions, newClientExec, newExec } from './exec.ts';
import { hookIsDone } from './hook-run.ts';
import { addStorage, bury, buryApplication, newUnit } from './life.ts';
import {
  type ActionRecord,
  type ActionValue,
  application,
  type ExecRecord,
  type FakeJujuOptions,
  isPeer,
  type Model,
  newModel,
  nextNumber,
  type Relation,
  relationsOf,
  type Strings,
  unit,
  unitsOf,
} from './model.ts';
import { endRelation, enterScopes } from './relations.ts';
import { addRevision } from './secrets.ts';
import { announceConfig } from './uniter.ts';

export class Operator {
  /** Everything that the controller and the agents know; for tests that look closer. */
  readonly model: Model;

  constructor(options: FakeJujuOptions) {
    this.model = newModel(options);
  }

  deploy(name: string, files: CharmFiles, options: DeployOptions = {}): void {
    const { model } = this;
    if (model.applications.has(name)) throw new Impossible(`application "${name}" already exists`);
    if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*$/.test(name))
      throw new Impossible(`invalid application name "${name}"`);
    const app = newApplication(name, readCharm(files), options);
    model.applications.set(name, app);
    for (const [endpoint, { role }] of app.charm.endpoints) {
      if (role === 'peer') this.#newRelation([{ application: name, endpoint, role }]);
    }
    for (let each = 0; each < (options.units ?? 1); each += 1) {
      const number = model.sequences.get(`units of ${name}`) ?? 0;
      this.addUnit(name, options.machine ? { machine: options.machine(number) } : {});
    }
  }

  addUnit(app: string, options: { machine?: string } = {}): string {
    const found = application(this.model, app);
    if (found.life === 'dying') throw new Impossible(`application "${app}" is dying`);
    return newUnit(this.model, found, options.machine).name;
  }

  /** Without force the unit goes through its last hooks first. */
  removeUnit(name: string, options: { force?: boolean } = {}): void {
    const { model } = this;
    const going = unit(model, name);
    going.life = 'dying';
    if (model.profile === '3.6') {
      for (const relation of relationsOf(model, going.application)) relation.leaving.add(name);
    }
    if (!options.force && going.agent.operations > 0) return;
    lose(model, going);
    bury(model, going);
  }

  removeApplication(name: string): void {
    const app = application(this.model, name);
    app.life = 'dying';
    for (const relation of relationsOf(this.model, name)) endRelation(this.model, relation);
    for (const each of unitsOf(this.model, name)) this.removeUnit(each.name);
    if (this.model.applications.has(name) && unitsOf(this.model, name).length === 0)
      buryApplication(this.model, app);
  }

  /** Texts are read as the client does (`juju config app port=80`). */
  configure(app: string, values: Readonly<Record<string, OptionValue>>): void {
    setConfig(application(this.model, app), values);
    announceConfig(this.model, app);
  }

  /** 4.0.15 changes the values and tells no unit (as recorded); 3.6 announces them. */
  resetConfig(app: string, keys: readonly string[]): void {
    const found = application(this.model, app);
    for (const key of keys) {
      if (!found.charm.options.has(key)) throw new Impossible(`unknown option "${key}"`);
      found.config.delete(key);
    }
    if (this.model.profile === '3.6') announceConfig(this.model, app);
  }

  /** `juju trust`, and `--remove`. */
  trust(app: string, trusted = true): void {
    application(this.model, app).trusted = trusted;
  }

  /** New code for every unit as soon as it is idle. `force`: units in error retry their hook with it, without upgrade-charm. */
  refresh(name: string, files: CharmFiles, options: { force?: boolean } = {}): void {
    const app = application(this.model, name);
    const charm = readCharm(files);
    for (const storage of app.charm.storage.keys()) {
      if (!charm.storage.has(storage))
        throw new Impossible(`cannot upgrade application "${name}": storage "${storage}" removed`);
    }
    for (const key of app.config.keys()) {
      if (charm.options.get(key)?.type !== app.charm.options.get(key)?.type) app.config.delete(key);
    }
    app.charm = charm;
    app.charmRevision += 1;
    for (const [endpoint, { role }] of charm.endpoints) {
      const there = relationsOf(this.model, name).some((each) =>
        each.endpoints.some((end) => end.endpoint === endpoint),
      );
      if (role === 'peer' && !there) this.#newRelation([{ application: name, endpoint, role }]);
    }
    for (const each of unitsOf(this.model, name)) {
      enterScopes(this.model, each);
      if (!options.force || !each.agent.failed) continue;
      Object.assign(each.agent, { charm, charmRevision: app.charmRevision });
    }
  }

  attachResource(app: string, name: string, path: string): void {
    const found = application(this.model, app);
    setResources(found, { [name]: path });
    found.resourceRevision += 1;
  }

  /** `integrate('a:db', 'b:database')` → the relation's number. */
  integrate(one: string, other: string): number {
    const sides = [one, other].map((text) => {
      const [app = '', endpoint = ''] = text.split(':');
      const declared = application(this.model, app).charm.endpoints.get(endpoint);
      if (!declared) throw new Impossible(`application "${app}" has no "${endpoint}" relation`);
      return { application: app, endpoint, ...declared };
    });
    const [a, b] = sides;
    const roles = sides
      .map((each) => each.role)
      .sort()
      .join(' ');
    if (
      !a ||
      !b ||
      roles !== 'provider requirer' ||
      a.interface !== b.interface ||
      a.application === b.application
    ) {
      throw new Impossible(`no relations found between ${one} and ${other}`);
    }
    const relation = this.#newRelation([a, b].map(({ interface: _, ...end }) => end));
    for (const each of [...unitsOf(this.model, a.application), ...unitsOf(this.model, b.application)]) {
      enterScopes(this.model, each);
    }
    return relation.id;
  }

  removeRelation(id: number): void {
    const relation = this.model.relations.get(id);
    if (!relation) throw new Impossible(`relation ${id} not found`);
    if (isPeer(relation)) throw new Impossible('cannot destroy a peer relation');
    endRelation(this.model, relation);
  }

  addStorage(name: string, storage: string): string {
    return addStorage(this.model, unit(this.model, name), storage).id;
  }

  detachStorage(id: string): void {
    const instance = this.model.storage.get(id);
    if (!instance) throw new Impossible(`storage "${id}" not found`);
    instance.life = 'dying';
  }

  /** A user's secret; the URI is what an option of type secret holds. */
  addSecret(name: string, content: Strings): string {
    const { model } = this;
    const id = model.random.text(20, '0123456789abcdefghijklmnopqrstuv');
    const owner = { kind: 'user' as const, name };
    model.secrets.set(id, {
      id,
      owner,
      label: '',
      description: '',
      revisions: [content],
      grants: new Map(),
      consumers: new Map(),
    });
    return `secret:${id}`;
  }

  updateSecret(name: string, content: Strings): void {
    addRevision(this.#userSecret(name), content);
  }

  grantSecret(name: string, app: string): void {
    application(this.model, app);
    this.#userSecret(name).grants.set(app, { role: 'view' });
  }

  revokeSecret(name: string, app: string): void {
    this.#userSecret(name).grants.delete(app);
  }

  /** The record is filled in when the action has run. */
  runAction(name: string, action: string, params: Readonly<Record<string, ActionValue>> = {}): ActionRecord {
    const target = unit(this.model, name);
    const declared = target.agent.charm.actions.get(action);
    if (!declared) throw new Impossible(`action "${action}" not defined for unit "${name}"`);
    const checked = checkParams(declared.schema, params, this.model.profile);
    nextNumber(this.model, 'tasks');
    const record: ActionRecord = {
      id: String(nextNumber(this.model, 'tasks')),
      unit: name,
      name: action,
      params: 'params' in checked ? checked.params : params,
      status: 'pending',
      message: '',
      results: {},
      log: [],
    };
    if ('params' in checked) target.agent.actions.push(record);
    else {
      record.status = 'error';
      record.message = `cannot run "${action}" action: validation failed: ${checked.refusal}`;
    }
    return record;
  }

  /** `juju exec` from a client: an action whose code is the script. */
  clientExec(name: string, script: string, options: { timeoutMs?: number } = {}): ActionRecord {
    return newClientExec(this.model, unit(this.model, name), script, options.timeoutMs ?? 300_000);
  }

  /** `juju-exec` on the unit's machine. */
  exec(name: string, script: string, options: ExecOptions = {}): ExecRecord {
    return newExec(unit(this.model, name), script, options);
  }

  /** `juju resolved`; without retry the failed hook counts as run. */
  resolve(name: string, options: { retry: boolean }): void {
    const target = unit(this.model, name);
    const { failed } = target.agent;
    if (!failed) throw new Impossible(`unit "${name}" is not in an error state`);
    if (options.retry) failed.resolved = true;
    else hookIsDone(this.model, target, failed.hook);
  }

  #newRelation(endpoints: Relation['endpoints']): Relation {
    const relation: Relation = {
      id: nextNumber(this.model, 'relations'),
      endpoints,
      life: 'alive',
      scope: new Set(),
      ghosts: new Set(),
      leaving: new Set(),
      since: this.model.now(),
      bags: new Map(),
    };
    this.model.relations.set(relation.id, relation);
    return relation;
  }

  #userSecret(name: string) {
    const found = [...this.model.secrets.values()].find(
      (each) => each.owner.kind === 'user' && each.owner.name === name,
    );
    if (!found) throw new Impossible(`secret "${name}" not found`);
    return found;
  }
}
