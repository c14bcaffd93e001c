// Where the applications beside Concourse are played: a Juju in which a charm of another name may be deployed, whether its units are
// fakes or real machines.
import type { Charm } from 'juju-ts-ops';
import type { FakeJuju } from 'juju-ts-ops/testing';

export interface Stage {
  /** To look at. */
  readonly juju: FakeJuju;
  /** An application of one unit, without a machine of its own. */
  play(application: string, charm: Charm): void;
  /** What an operator types. */
  operate<Result>(command: (juju: FakeJuju) => Result): Result;
  /** Until nobody has anything to do. */
  settle(): Promise<void>;
  /** ms since the epoch. */
  now(): number;
}

/** The application that the others are beside. */
export const application = 'concourse-ci';

/** One that is played, and its relation with Concourse. */
export abstract class Provider {
  protected readonly stage: Stage;
  readonly #name: string;
  readonly #endpoints: readonly [string, string];
  #relation: number | undefined;

  /** `ours`: the endpoint here. `theirs`: `APPLICATION:ENDPOINT`. */
  constructor(stage: Stage, ours: string, theirs: string) {
    this.stage = stage;
    this.#name = theirs.split(':')[0] ?? '';
    this.#endpoints = [`${application}:${ours}`, theirs];
  }

  /** Juju's number of the relation. */
  get relation(): number {
    if (this.#relation === undefined) throw new Error(`no ${this.#endpoints.join(' ')} yet`);
    return this.#relation;
  }

  integrate(): number {
    this.#relation = this.stage.operate((juju) => juju.integrate(...this.#endpoints));
    return this.#relation;
  }

  removeRelation(): void {
    this.stage.operate((juju) => juju.removeRelation(this.relation));
  }

  bag(owner: string): Record<string, string> {
    return { ...this.stage.juju.databag(this.relation, owner) };
  }

  /** Its charm runs again, for what a test has changed, and everybody has heard of it. */
  async changes(): Promise<void> {
    this.stage.operate((juju) => juju.exec(`${this.#name}/0`, 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch'));
    await this.stage.settle();
  }
}

/** A charm that reads what others write, and writes nothing. */
export const idle = { reconcile: async () => {}, teardown: async () => {}, actions: {} };
