// One relation, or the peer relation: its units, its databags, and what this hook writes to them.
import * as z from 'zod';
import {
  type Databag,
  type DatabagSchema,
  type DatabagWrite,
  databagTexts,
  parseDatabag,
} from './databag.ts';
import type { Endpoint } from './definition.ts';
import { NotFound, NotLeader, PermissionDenied } from './errors.ts';
import { fileText, type Tools } from './tools.ts';

export const names = z
  .array(z.string())
  .nullable()
  .transform((list) => list ?? []);
const bagAnswer = z
  .record(z.string(), z.string())
  .nullable()
  .transform((bag) => bag ?? {});

/** What a relation needs to know of the hook that it is read in. */
export interface Surroundings {
  tools: Tools;
  unit: string;
  application: string;
  /** From the event, when it is about this relation. */
  remoteApplication: string | undefined;
  isPeer: boolean;
  isLeader(): Promise<boolean>;
}

export interface WritableDatabag<S extends DatabagSchema> extends Databag<S> {
  set(write: DatabagWrite<S>): void;
}

type Side = 'unit' | 'app';

export class Relation<
  AL extends DatabagSchema = DatabagSchema,
  AR extends DatabagSchema = DatabagSchema,
  UL extends DatabagSchema = DatabagSchema,
  UR extends DatabagSchema = DatabagSchema,
> {
  /** As Juju writes it: `db:7`. */
  readonly id: string;
  readonly endpoint: string;
  readonly #schemas: Endpoint<AL, AR, UL, UR>;
  readonly #around: Surroundings;
  /** '' removes a key. */
  readonly #written: Record<Side, Map<string, string>> = { unit: new Map(), app: new Map() };

  constructor(id: string, endpoint: string, schemas: Endpoint<AL, AR, UL, UR>, around: Surroundings) {
    this.id = id;
    this.endpoint = endpoint;
    this.#schemas = schemas;
    this.#around = around;
  }

  /** The application at the other end; in a peer relation this one. */
  async remoteApplication(): Promise<string> {
    const { isPeer, application, remoteApplication, tools } = this.#around;
    if (isPeer) return application;
    if (remoteApplication) return remoteApplication;
    return tools.json(z.string(), 'relation-list', ['-r', this.id, '--app']);
  }

  /** The other units of which this unit knows, sorted as text. Juju 4 may go on naming units that were removed. */
  units(): Promise<string[]> {
    return this.#around.tools.json(names, 'relation-list', ['-r', this.id]);
  }

  /** Another unit's databag, as Juju last told this unit; empty when that unit is not in the relation. */
  async unit(name: string): Promise<Databag<UR>> {
    // Of itself a unit knows what it writes; only peers have the same keys on both sides.
    if (name === this.#around.unit) return parseDatabag(this.#schemas.unit.remote, await this.#own('unit'));
    try {
      return parseDatabag(this.#schemas.unit.remote, await this.#stored('unit', name));
    } catch (error) {
      // Juju 3 says "permission denied" and Juju 4 "not found" of a unit that has not entered the relation.
      if (!(error instanceof NotFound || error instanceof PermissionDenied)) throw error;
      return parseDatabag(this.#schemas.unit.remote, {});
    }
  }

  /** This unit's own databag with what was set in this hook. */
  async local(): Promise<WritableDatabag<UL>> {
    const bag = parseDatabag(this.#schemas.unit.local, await this.#own('unit'));
    return { ...bag, set: (write) => this.setUnit(write) };
  }

  /** The remote application's databag; in a peer relation the own application's, which every unit may read. */
  async application(): Promise<Databag<AR>> {
    if (this.#around.isPeer) return parseDatabag(this.#schemas.app.remote, await this.#own('app'));
    return parseDatabag(this.#schemas.app.remote, await this.#stored('app', await this.remoteApplication()));
  }

  /** The own application's databag. Outside peer relations only the leader may read it: rejects with NotLeader. */
  async localApplication(): Promise<Databag<AL>> {
    if (!this.#around.isPeer) await this.#leaderOnly('relation-get');
    return parseDatabag(this.#schemas.app.local, await this.#own('app'));
  }

  /** Changes keys of this unit's databag. Sent when the hook ends; visible to this hook's reads at once. */
  setUnit(write: DatabagWrite<UL>): void {
    this.#write('unit', databagTexts(this.#schemas.unit.local, write, `${this.endpoint}'s unit databag`));
  }

  /** Changes keys of the own application's databag. Rejects with NotLeader on any other unit. */
  async setApplication(write: DatabagWrite<AL>): Promise<void> {
    const texts = databagTexts(this.#schemas.app.local, write, `${this.endpoint}'s application databag`);
    await this.#leaderOnly('relation-set');
    this.#write('app', texts);
  }

  #write(side: Side, texts: Record<string, string>): void {
    for (const [key, text] of Object.entries(texts)) this.#written[side].set(key, text);
  }

  async #leaderOnly(tool: string): Promise<void> {
    if (await this.#around.isLeader()) return;
    const stderr = 'this unit is not the leader, which alone has its application databag';
    throw new NotLeader(tool, ['-r', this.id, '--app'], { code: 1, stdout: '', stderr });
  }

  #stored(side: Side, owner: string): Promise<Record<string, string>> {
    const app = side === 'app' ? ['--app'] : [];
    return this.#around.tools.json(bagAnswer, 'relation-get', ['-r', this.id, ...app, '-', owner]);
  }

  #ownStored(side: Side): Promise<Record<string, string>> {
    return this.#stored(side, side === 'app' ? this.#around.application : this.#around.unit);
  }

  async #own(side: Side): Promise<Record<string, string>> {
    const merged = { ...(await this.#ownStored(side)), ...Object.fromEntries(this.#written[side]) };
    return Object.fromEntries(Object.entries(merged).filter(([, text]) => text !== ''));
  }

  /** Sends the keys that differ from what Juju holds, all in one call for each databag. */
  async publish(): Promise<void> {
    for (const side of ['unit', 'app'] as const) {
      if (this.#written[side].size === 0) continue;
      const stored = await this.#ownStored(side);
      const changed = [...this.#written[side]].filter(([key, text]) => text !== (stored[key] ?? ''));
      if (changed.length === 0) continue;
      const args = ['-r', this.id, ...(side === 'app' ? ['--app'] : []), '--file', '-'];
      await this.#around.tools.run('relation-set', args, { stdin: fileText(Object.fromEntries(changed)) });
    }
  }
}
