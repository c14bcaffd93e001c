// The hook as its author sees it: everything that Juju can say, asked when it is wanted, and everything that is said to Juju.
import * as z from 'zod';
import { type Config, readConfig } from './config.ts';
import type {
  Definition,
  Endpoint,
  EndpointName,
  Names,
  Peers,
  Related,
  ResourceName,
  StorageName,
} from './definition.ts';
import { type Event, eventOf, isDying } from './event.ts';
import { Log, Masks } from './log.ts';
import {
  type GoalState,
  type Network,
  Ports,
  readGoalState,
  readNetwork,
  readResource,
  readStorages,
  type StorageInstance,
} from './machine.ts';
import { names, Relation } from './relation.ts';
import { Secrets } from './secrets.ts';
import { StatusBoard } from './status.ts';
import { downloadTimeoutMs, freeText, type Runtime, Tools, type Transcript } from './tools.ts';

type RelationOf<E> =
  E extends Endpoint<infer AL, infer AR, infer UL, infer UR> ? Relation<AL, AR, UL, UR> : never;
/** The relation type of one endpoint of a definition: `RelationFor<typeof definition.declared, 'db'>`. */
export type RelationFor<D, K extends EndpointName<D>> = RelationOf<(Peers<D> & Related<D>)[K]>;

const found = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** One run of the charm. `D` is the charm's definition: unknown options, endpoints and the like do not compile. */
export class Hook<D extends Definition = Definition> {
  readonly event: Event;
  /** `app/0` */
  readonly unit: string;
  readonly application: string;
  readonly model: { readonly name: string; readonly uuid: string };
  readonly machineId: string;
  readonly jujuVersion: string;
  readonly proxies: {
    readonly http: string | undefined;
    readonly https: string | undefined;
    readonly no: string | undefined;
  };
  /** Juju replaces its files at each refresh: keep nothing there. */
  readonly charmDirectory: string;
  /** This hook runs only because the unit is being removed (stop, remove, its own departing). */
  readonly dying: boolean;
  readonly secrets: Secrets;
  readonly ports: Ports;
  readonly status: StatusBoard;
  readonly log: Log;
  readonly #definition: D;
  readonly #tools: Tools;
  readonly #masks = new Masks();
  readonly #relations = new Map<string, Relation>();
  #workloadVersion: string | undefined;

  constructor(definition: D, runtime: Runtime) {
    const { env } = runtime;
    this.#definition = definition;
    this.#tools = new Tools(runtime.runTool);
    this.event = eventOf(env);
    this.unit = env.JUJU_UNIT_NAME ?? '';
    this.application = this.unit.split('/')[0] ?? '';
    this.model = { name: env.JUJU_MODEL_NAME ?? '', uuid: env.JUJU_MODEL_UUID ?? '' };
    this.machineId = env.JUJU_MACHINE_ID ?? '';
    this.jujuVersion = env.JUJU_VERSION ?? '';
    this.proxies = {
      http: found(env.JUJU_CHARM_HTTP_PROXY),
      https: found(env.JUJU_CHARM_HTTPS_PROXY),
      no: found(env.JUJU_CHARM_NO_PROXY),
    };
    this.charmDirectory = found(env.JUJU_CHARM_DIR) ?? found(env.CHARM_DIR) ?? process.cwd();
    this.dying = isDying(this.event, this.unit);
    this.secrets = new Secrets(this.#tools, this.#masks);
    this.ports = new Ports(this.#tools);
    this.status = new StatusBoard(this.#tools, this.#masks);
    this.log = new Log(
      this.#tools,
      this.#masks,
      runtime.writeError ?? ((line) => process.stderr.write(`${line}\n`)),
    );
  }

  /** How many hook tools this hook has called so far. */
  get toolCalls(): number {
    return this.#tools.calls;
  }

  /** What this hook has asked Juju, and told it, so far. */
  transcript(): Promise<Transcript> {
    return this.#tools.transcript();
  }

  /** True promises the leadership for at least 30 s, and what is written to Juju is checked again when the hook ends. */
  isLeader(): Promise<boolean> {
    return this.#tools.json(z.boolean(), 'is-leader', []);
  }

  config(): Promise<Config<D>> {
    return readConfig(this.#tools, this.#definition);
  }

  /** The peer relation; `undefined` as long as Juju does not show it: in `install` and the storage hooks before it. */
  async peer<K extends Names<Peers<D>>>(endpoint: K): Promise<RelationOf<Peers<D>[K]> | undefined> {
    const [relation] = await this.#open(endpoint, true);
    return relation as RelationOf<Peers<D>[K]> | undefined;
  }

  /** The endpoint's relations that this unit is in. */
  async relations<K extends Names<Related<D>>>(endpoint: K): Promise<RelationOf<Related<D>[K]>[]> {
    return (await this.#open(endpoint, false)) as RelationOf<Related<D>[K]>[];
  }

  /** The instances of a declared storage that are attached. */
  storages(name: StorageName<D>): Promise<StorageInstance[]> {
    return readStorages(this.#tools, name);
  }

  /** The addresses of an endpoint's binding. */
  network(endpoint: EndpointName<D> | 'juju-info', relation?: { id: string }): Promise<Network> {
    return readNetwork(this.#tools, endpoint, relation?.id);
  }

  /** The path of the resource's file; `undefined` when none was attached. Bounded at 30 minutes. */
  resource(name: ResourceName<D>): Promise<string | undefined> {
    return readResource(this.#tools, name, downloadTimeoutMs);
  }

  /** The only list of living units: a relation's `units()` may name removed ones, and miss new ones. */
  goalState(): Promise<GoalState> {
    return readGoalState(this.#tools);
  }

  /** Shown by `juju status`. Sent when the hook ends. */
  workloadVersion(version: string): void {
    this.#workloadVersion = version;
  }

  /** Shows a maintenance status at once, for work that takes long. Whatever is in `status` at the end replaces it. */
  progress(message: string): Promise<void> {
    return this.status.write({ status: 'maintenance', message });
  }

  /** Masks a value in all logs, statuses and failure messages from now on. Secrets' contents are masked already. */
  mask(secret: string): void {
    this.#masks.add(secret);
  }

  /** Runs any hook tool now and resolves with its stdout. Rejects with ToolFailure or, after 60 s, ToolTimeout. */
  tool(
    tool: string,
    args: readonly string[],
    options: { stdin?: string; timeoutMs?: number } = {},
  ): Promise<string> {
    return this.#tools.run(tool, args, options);
  }

  /** `text` without masked values. */
  masked(text: string): string {
    return this.#masks.apply(text);
  }

  /** Sends what differs: databags, ports, version, logs, and the status last. The framework calls it when a hook went well. */
  async publish(): Promise<void> {
    for (const relation of this.#relations.values()) await relation.publish();
    await this.ports.publish();
    if (this.#workloadVersion !== undefined) {
      await this.#tools.run('application-version-set', freeText(this.#workloadVersion));
    }
    await this.log.flush();
    await this.status.publish();
  }

  async #open(endpoint: string, isPeer: boolean): Promise<Relation[]> {
    const { peers, requires, provides } = this.#definition;
    const schemas = (isPeer ? peers : { ...requires, ...provides })?.[endpoint];
    if (!schemas) throw new TypeError(`the charm declares no endpoint "${endpoint}"`);
    const ids = await this.#tools.json(names, 'relation-ids', [endpoint]);
    return ids.map((id) => {
      const about = this.event.relation?.id === id ? this.event.relation.remoteApp : undefined;
      const relation =
        this.#relations.get(id) ??
        new Relation(id, endpoint, schemas, {
          tools: this.#tools,
          unit: this.unit,
          application: this.application,
          remoteApplication: about,
          isPeer,
          isLeader: () => this.isLeader(),
        });
      this.#relations.set(id, relation);
      return relation;
    });
  }
}
