// The controller's state: what Juju keeps for applications, units, relations, storage and secrets, and what each unit's
// agent keeps for itself. Plain records; the rules stand in the files that change them. Over 300 lines: declarations.
import { createHash } from 'node:crypto';
import type { CharmModel, OptionValue } from './charm-files.ts';
import { Impossible } from './errors.ts';
import { Seeded } from './seeded.ts';

export type Profile = '4.0' | '3.6';
export type Life = 'alive' | 'dying';
export type Strings = Record<string, string>;
export type ActionValue =
  | string
  | number
  | boolean
  | null
  | readonly ActionValue[]
  | { readonly [key: string]: ActionValue };

export interface StatusInfo {
  status: string;
  message: string;
  /** ms since the epoch. */
  since: number;
}

export interface LogEntry {
  /** ms since the epoch. */
  at: number;
  unit: string;
  /** As `juju debug-log` names it, such as `unit.app/0.install`. */
  module: string;
  level: string;
  text: string;
}

export interface Application {
  name: string;
  charm: CharmModel;
  charmRevision: number;
  /** Raised by each upload of a resource. */
  resourceRevision: number;
  resources: Map<string, string>;
  config: Map<string, OptionValue>;
  /** The settings that agents were told of: a reset is not announced by 4.0. */
  announced: string;
  /** How often they were told. */
  announcements: number;
  trusted: boolean;
  life: Life;
  leader?: string;
  /** When the lease of a leader whose agent is away runs out; ms. */
  leaseEnds?: number;
  /** Nobody leads, and nobody can before this; ms. */
  vacantUntil?: number;
  status?: StatusInfo;
  address?: (unitNumber: number) => string;
  storage: Map<string, StoragePlan>;
}

export interface StoragePlan {
  count: number;
  location?: (unitNumber: number) => string;
}

export interface Unit {
  name: string;
  application: string;
  number: number;
  machine: string;
  address: string;
  life: Life;
  agentUp: boolean;
  /** false: the machine runs, but has lost the controller. */
  reachable: boolean;
  workload: StatusInfo;
  /** Did the charm ever set a status? Juju's own words only stand until then. */
  charmSetStatus: boolean;
  statusHistory: StatusInfo[];
  version: string;
  ports: Port[];
  stored: Map<string, string>;
  agent: Agent;
}

export interface Port {
  protocol: string;
  from: number;
  to: number;
  endpoint: string;
}

/** What a unit's agent remembers between hooks. */
export interface Agent {
  /** The code that it has unpacked: replaced when upgrade-charm begins. */
  charm: CharmModel;
  charmRevision: number;
  resourceRevision: number;
  installed: boolean;
  started: boolean;
  stopped: boolean;
  queued?: HookInfo;
  failed?: { hook: HookInfo; attempts: number; retryAt: number; resolved: boolean };
  configSeen?: string;
  /** The last announcement of settings that was only half seen: config-changed runs again. */
  halfSeen?: number;
  leads: boolean;
  /** 3.6 only: this unit was told that it is not the leader. */
  followed: boolean;
  rebooted: boolean;
  relations: Map<number, RelationView>;
  attached: Set<string>;
  /** Bags of remote units, kept from hook to hook until that unit's own joined or changed. */
  remoteBags: Map<string, Strings>;
  obsoleteSeen: Set<string>;
  actions: ActionRecord[];
  execs: ExecRecord[];
  /** Operations begun so far: part of the seed of what is random. */
  operations: number;
  /** When update-status is due; ms. undefined: switched off. */
  tickAt?: number;
}

export interface RelationView {
  created: boolean;
  broken: boolean;
  /** Units whose joined has run, with the version of the bag that the last hook saw. */
  members: Map<string, string>;
  applications: Map<string, string>;
  /** Joined has run, its changed has not. */
  joined?: string;
}

export interface HookInfo {
  /** The hook's name as in JUJU_HOOK_NAME, such as `db-relation-changed`. */
  name: string;
  kind: string;
  relation?: { id: number; remoteUnit: string; remoteApp: string; departing?: string; version?: string };
  storage?: string;
  secret?: { id: string; label: string; revision?: number };
  /** config-changed: the settings when the hook was put up. */
  config?: string;
}

export interface Bag {
  values: Strings;
  /** '0' until something was written. */
  version: string;
}

export interface Relation {
  id: number;
  endpoints: readonly { application: string; endpoint: string; role: 'peer' | 'requirer' | 'provider' }[];
  life: Life;
  /** Units that have entered. */
  scope: Set<string>;
  /** Units that left without the others being told (4.0 peers), or whose leaving others see before it is done (3.6). */
  ghosts: Set<string>;
  leaving: Set<string>;
  since: number;
  /** By unit or application name. */
  bags: Map<string, Bag>;
}

export interface StorageInstance {
  id: string;
  name: string;
  unit: string;
  kind: 'filesystem' | 'block';
  location: string;
  life: Life;
}

export interface Secret {
  id: string;
  owner: { kind: 'application' | 'unit' | 'user'; name: string };
  label: string;
  description: string;
  /** Index 0 is revision 1; undefined: removed. */
  revisions: (Strings | undefined)[];
  /** Applications and units that may read. */
  grants: Map<string, { relation?: number; role: 'view' }>;
  /** By unit: what it tracks. */
  consumers: Map<string, { label: string; revision: number; told: number }>;
}

export interface ActionRecord {
  id: string;
  unit: string;
  name: string;
  params: Readonly<Record<string, ActionValue>>;
  status: 'pending' | 'running' | 'completed' | 'failed' | 'error';
  message: string;
  /** `juju exec` from a client: an action in all but its code. */
  script?: string;
  results: Record<string, ActionValue>;
  log: { at: number; message: string }[];
}

/** A `juju-exec` on the unit's machine: filled in when it ran. */
export interface ExecRecord {
  unit: string;
  script: string;
  relation?: number;
  remoteUnit?: string;
  status: 'pending' | 'running' | 'done' | 'aborted';
  exitCode?: number;
  stdout: string;
  stderr: string;
}

export type Operation =
  | { kind: 'hook'; name: string; hook: HookInfo }
  | { kind: 'action'; name: string; action: ActionRecord }
  | { kind: 'exec'; name: 'run-commands'; exec: ExecRecord };

/** What a test may set for the whole model. */
export interface FakeJujuOptions {
  seed: number;
  profile?: Profile;
  clock: { now(): number };
  model?: string;
  /** 4.0: do peers hear `relation-departed` after a removal? In Juju 4.0.15 usually not. 3.6 peers always do. */
  peersHearDeparture?: boolean;
  /**
   * 4.0.15 mostly runs config-changed twice for one `juju config` (the second half a second later); `change` counts the
   * announcements to the application. Default: never.
   */
  configChangedTwice?: (unit: string, change: number) => boolean;
  /** For how long nobody leads after a leader's removal, ms. Default: 0; recorded of 4.0.15 are 1.2 s, 10 s and 68 s. */
  leaderlessMs?: () => number;
  /** Interval of update-status in ms, drawn ±20 %; none: no update-status. */
  updateStatusMs?: number;
  proxies?: { http?: string; https?: string; ftp?: string; no?: string };
  /** Where the files named by `--file`, `key#file=` and `--output` are; none: such calls are not modelled. */
  disk?: {
    read(unit: string, path: string): string | undefined;
    write(unit: string, path: string, text: string): void;
  };
}

export interface Model {
  readonly name: string;
  readonly uuid: string;
  readonly profile: Profile;
  readonly options: FakeJujuOptions;
  readonly random: Seeded;
  now(): number;
  applications: Map<string, Application>;
  units: Map<string, Unit>;
  relations: Map<number, Relation>;
  storage: Map<string, StorageInstance>;
  secrets: Map<string, Secret>;
  log: LogEntry[];
  /** Hook tool calls so far, by tool. */
  toolCalls: Map<string, number>;
  /** What runs now, by unit. */
  running: Map<string, { machine: string; lock: string; operation: Operation; abandon(): void }>;
  /** Sequences: units by application (never reused), relations, storage, tasks, machines. */
  sequences: Map<string, number>;
}

export function newModel(options: FakeJujuOptions): Model {
  const random = new Seeded(options.seed);
  const hex = (length: number) => random.text(length, '0123456789abcdef');
  return {
    name: options.model ?? 'test',
    uuid: `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
    profile: options.profile ?? '4.0',
    options,
    random,
    now: () => options.clock.now(),
    applications: new Map(),
    units: new Map(),
    relations: new Map(),
    storage: new Map(),
    secrets: new Map(),
    log: [],
    toolCalls: new Map(),
    running: new Map(),
    sequences: new Map(),
  };
}

export function nextNumber(model: Model, sequence: string): number {
  const number = model.sequences.get(sequence) ?? 0;
  model.sequences.set(sequence, number + 1);
  return number;
}

export function application(model: Model, name: string): Application {
  const found = model.applications.get(name);
  if (!found) throw new Impossible(`application "${name}" not found`);
  return found;
}

export function unit(model: Model, name: string): Unit {
  const found = model.units.get(name);
  if (!found) throw new Impossible(`unit "${name}" not found`);
  return found;
}

export const unitsOf = (model: Model, app: string): Unit[] =>
  [...model.units.values()].filter((each) => each.application === app);

export const relationsOf = (model: Model, app: string): Relation[] =>
  [...model.relations.values()].filter((each) => each.endpoints.some((end) => end.application === app));

export const isPeer = (relation: Relation): boolean => relation.endpoints.length === 1;

export const applicationOf = (unitName: string): string => unitName.split('/')[0] ?? '';

/** This application's end of the relation, and the other's (the same for peers). */
export function ends(relation: Relation, app: string) {
  const [first, second = first] = relation.endpoints;
  const [local, remote] = first?.application === app ? [first, second] : [second, first];
  if (!local || !remote || local.application !== app) {
    throw new Impossible(`application "${app}" has no part in relation ${relation.id}`);
  }
  return { local, remote };
}

/** The settings with the charm's defaults, sorted; nothing for what is unset. */
export function effectiveConfig(app: Application, charm: CharmModel): Map<string, OptionValue | undefined> {
  return new Map(
    [...charm.options.keys()]
      .sort()
      .map((key) => [key, app.config.get(key) ?? charm.options.get(key)?.default]),
  );
}

export const configText = (app: Application): string =>
  JSON.stringify([...effectiveConfig(app, app.charm)].filter(([, value]) => value !== undefined));

/** Is its agent there, with a controller to talk to? */
export const isPresent = (unit: Unit): boolean => unit.agentUp && unit.reachable;

/** Writes a bag; says whether something changed. The version is a hash of the content in 4.0, a counter before. */
export function writeBag(
  model: Model,
  relation: Relation,
  owner: string,
  changes: ReadonlyMap<string, string>,
): boolean {
  const bag = relation.bags.get(owner) ?? { values: {}, version: '0' };
  const values = new Map(Object.entries(bag.values));
  // A first write counts in 4.0 even when it writes nothing: the hash of nothing is not the 0 of never written.
  let changed = model.profile === '4.0' && bag.version === '0';
  for (const [key, value] of changes) {
    if ((values.get(key) ?? '') === value) continue;
    changed = true;
    if (value === '') values.delete(key);
    else values.set(key, value);
  }
  if (!changed) return false;
  const entries = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  const version =
    model.profile === '3.6'
      ? String(Number(bag.version) + 1)
      : createHash('sha256')
          .update(entries.map(([key, value]) => `${key} ${value} `).join(''))
          .digest('hex')
          .slice(0, 8);
  relation.bags.set(owner, { values: Object.fromEntries(entries), version });
  return true;
}

export function setStatus(model: Model, target: Unit, status: string, message: string): void {
  target.workload = { status, message, since: model.now() };
  target.statusHistory.push(target.workload);
}
