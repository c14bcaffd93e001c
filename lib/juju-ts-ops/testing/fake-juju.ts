// The whole fake Juju: the operator's commands, what happens to machines, what a front end drives, and what tests look at.
import { Impossible } from './errors.ts';
import { lose } from './ends.ts';
import { HookContext } from './hook-run.ts';
import { electLeader } from './life.ts';
import {
  application,
  isPresent,
  type LogEntry,
  type Operation,
  type StatusInfo,
  type Strings,
  type Unit,
  unit,
  unitsOf,
} from './model.ts';
import { jujuStatus, type JujuStatus } from './juju-status.ts';
import { enterScopes } from './relations.ts';
import { shownStatus } from './status.ts';
import { nextOperation, retryDelayMs, waitsUntil } from './uniter.ts';

import { Operator } from './operator.ts';

const leaseMs = 60_000;

export class FakeJuju extends Operator {
  // --- what happens to machines ---

  setLeader(app: string, name: string): void {
    if (unit(this.model, name).application !== app) throw new Impossible(`${name} is no unit of ${app}`);
    const found = application(this.model, app);
    const before = found.leader === undefined ? undefined : this.model.units.get(found.leader);
    found.leader = name;
    delete found.leaseEnds;
    delete found.vacantUntil;
    if (before && before.name !== name) Object.assign(before.agent, { leads: false, followed: false });
  }

  /** A power cut, or an agent that was killed: nothing runs there; what ran is lost. */
  agentDown(name: string): void {
    const target = unit(this.model, name);
    lose(this.model, target);
    target.agentUp = false;
    this.#leaveLease(target);
  }

  /** The machine loses the controller: what runs there goes on, its tools hang (`HookContext.hangs`), nothing new begins. */
  partition(name: string): void {
    const target = unit(this.model, name);
    target.reachable = false;
    this.#leaveLease(target);
  }

  /** The controller is there again. */
  heal(name: string): void {
    const target = unit(this.model, name);
    target.reachable = true;
    if (!target.agentUp) return;
    // An idle unit's worker went down with the connection; one in a hook waited with its tools (both recorded).
    if (!this.model.running.has(name)) this.#forget(target);
    this.#rejoin(target);
  }

  /** Back again; `rebooted: false` when only the agent was restarted. */
  agentUp(name: string, options: { rebooted?: boolean } = {}): void {
    const { model } = this;
    const target = unit(model, name);
    const { agent } = target;
    target.agentUp = true;
    if (options.rebooted ?? true) agent.rebooted = agent.started;
    this.#forget(target);
    if (target.reachable) this.#rejoin(target);
  }

  /** The machine has another address: others hear it when the unit's config-changed is done. */
  changeAddress(name: string, address: string): void {
    unit(this.model, name).address = address;
  }

  reboot(name: string): void {
    this.agentDown(name);
    this.agentUp(name);
  }

  // --- what a front end drives ---

  /** What the unit's agent would run now; undefined: idle, gone, or waiting for time or a lock. */
  next(name: string): Operation | undefined {
    this.#expireLeases();
    const found = this.model.units.get(name);
    return found && nextOperation(this.model, found);
  }

  /** When something may become due by time alone (a retry, update-status, a lease); ms. */
  nextTime(name: string): number | undefined {
    const found = this.model.units.get(name);
    if (!found || !isPresent(found)) return undefined;
    const app = this.model.applications.get(found.application);
    const times = [waitsUntil(found), app?.leaseEnds, app?.vacantUntil];
    const known = times.filter((each) => each !== undefined && Number.isFinite(each));
    return known.length > 0 ? Math.min(...known.map(Number)) : undefined;
  }

  begin(name: string, operation: Operation): HookContext {
    return new HookContext(this.model, unit(this.model, name), operation);
  }

  // --- what tests look at ---

  units(app: string): string[] {
    return unitsOf(this.model, app).map((each) => each.name);
  }

  status(): JujuStatus {
    return jujuStatus(this.model);
  }

  get log(): readonly LogEntry[] {
    return this.model.log;
  }

  /** Hook tool calls so far, by tool. */
  get toolCalls(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.model.toolCalls);
  }

  leader(app: string): string | undefined {
    this.#expireLeases();
    return application(this.model, app).leader;
  }

  charmRevision(name: string): number {
    return unit(this.model, name).agent.charmRevision;
  }

  /** As `juju status` shows it: `error` while a hook is failed. */
  unitStatus(name: string): StatusInfo {
    return shownStatus(unit(this.model, name));
  }

  /** The committed databag of a unit or an application, by relation number or by the owner's endpoint. */
  databag(relation: number | string, owner: string): Strings {
    const app = owner.split('/')[0];
    const found = [...this.model.relations.values()].filter((each) =>
      typeof relation === 'number'
        ? each.id === relation
        : each.endpoints.some((end) => end.application === app && end.endpoint === relation),
    );
    const [only] = found;
    if (!only || found.length > 1)
      throw new Impossible(`${found.length} relations of ${owner} match ${relation}`);
    return { ...only.bags.get(owner)?.values };
  }

  /** An agent that is away cannot renew its lease: it ends in 30 to 60 s. */
  #leaveLease(target: Unit): void {
    const { model } = this;
    const app = application(model, target.application);
    if (app.leader === target.name)
      app.leaseEnds ??= model.now() + Math.round(leaseMs * (0.5 + 0.5 * model.random.next()));
  }

  /** A new worker reads anew what the old one kept: databags, and who the members are. */
  #forget({ agent }: Unit): void {
    agent.remoteBags.clear();
    for (const [id, mine] of agent.relations) {
      for (const ghost of this.model.relations.get(id)?.ghosts ?? []) mine.members.delete(ghost);
    }
  }

  #rejoin(target: Unit): void {
    const { model } = this;
    const { failed } = target.agent;
    if (failed?.retryAt === Number.POSITIVE_INFINITY) {
      failed.retryAt = model.now() + retryDelayMs(failed.attempts, model.random.next());
    }
    const app = application(model, target.application);
    if (app.leader === target.name) delete app.leaseEnds;
    enterScopes(model, target);
    electLeader(model, app);
  }

  /** An agent that is away does not renew; when its lease is over, another unit leads. */
  #expireLeases(): void {
    for (const app of this.model.applications.values()) {
      if (app.vacantUntil !== undefined) electLeader(this.model, app);
      if (app.leaseEnds === undefined || this.model.now() < app.leaseEnds) continue;
      const before = app.leader === undefined ? undefined : this.model.units.get(app.leader);
      if (before) Object.assign(before.agent, { leads: false, followed: false });
      delete app.leader;
      delete app.leaseEnds;
      electLeader(this.model, app);
    }
  }
}
