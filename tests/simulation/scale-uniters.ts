// Which hook each unit's agent runs next, once what others wrote has reached it: asked of the fake Juju, or, as that takes
// long for a thousand units, told by rules of its own that must come to the same (tests/cluster/scale.test.ts).
import { readFileSync } from 'node:fs';
import type { HookInfo, Operation } from 'juju-ts-ops/testing';
import { seenConfig } from '../../lib/juju-ts-ops/testing/uniter.ts';
import { isOthersBusiness, quietNotePath, readQuietNote } from '../../src/quiet.ts';
import { application, type Site } from './scale-site.ts';

/** `rules`: no fake Juju is asked, and a quiet event is only counted. `juju`: everything is asked and run. */
export type By = 'rules' | 'juju';

type Unit = ReturnType<Site['unit']>;

export interface Uniter {
  readonly name: string;
  readonly unit: Unit;
  busy: boolean;
  /** The settings that have reached it; undefined: those of before. */
  settings: string | undefined;
  /** The version of the application's databag that has reached it. */
  applicationSeen: string;
  /** By the others' rank: their databag may differ from what it has seen. */
  readonly pending: Uint8Array;
  lowest: number;
  /** The unit whose word alone concerns it; undefined: everything does. Read again after each whole hook. */
  note: ReturnType<typeof readQuietNote>;
}

export class Uniters {
  readonly all: readonly Uniter[];
  /** Juju tells of the others in the order of their names as text. */
  private readonly sorted: readonly string[];
  private readonly rank: ReadonlyMap<string, number>;
  /** The version of each unit's databag that has reached the others. */
  private readonly shown = new Map<string, string>();
  private readonly settingsBefore: string;
  private readonly site: Site;
  private readonly by: By;

  constructor(site: Site, by: By) {
    this.site = site;
    this.by = by;
    this.sorted = [...site.units].sort();
    this.rank = new Map(this.sorted.map((name, rank) => [name, rank]));
    this.settingsBefore = this.announced();
    for (const name of site.units) this.shown.set(name, this.version(name));
    this.all = site.units.map((name) => {
      const uniter = {
        name,
        unit: site.unit(name),
        busy: false,
        settings: undefined,
        applicationSeen: this.version(application),
        pending: new Uint8Array(site.units.length),
        lowest: site.units.length,
        note: undefined,
      };
      this.readNote(uniter);
      return uniter;
    });
  }

  /** The version of a databag as it was committed. */
  version(owner: string): string {
    return this.site.relation.bags.get(owner)?.version ?? '0';
  }

  /** Everybody else is told of the unit's databag as it was when it was committed. */
  tell(owner: string, version: string): readonly Uniter[] {
    this.shown.set(owner, version);
    const rank = this.rank.get(owner) ?? 0;
    const others = this.all.filter(({ name }) => name !== owner);
    for (const uniter of others) {
      uniter.pending[rank] = 1;
      if (rank < uniter.lowest) uniter.lowest = rank;
    }
    return others;
  }

  tellSettings(uniter: Uniter): void {
    uniter.settings = this.announced();
  }

  /** What its agent would run now. */
  next(uniter: Uniter): Operation | undefined {
    return this.by === 'juju' ? this.ask(uniter) : this.rule(uniter);
  }

  /** An event that ends without a hook tool, by the charm's own rule and the unit's own note. */
  isQuiet({ name, note }: Uniter, operation: Operation): boolean {
    if (this.by === 'juju' || operation.kind !== 'hook') return false;
    const event = {
      dispatchPath: `hooks/${operation.name}`,
      remoteUnit: operation.hook.relation?.remoteUnit ?? '',
      departingUnit: '',
      unit: name,
    };
    return isOthersBusiness(event, note);
  }

  /** What Juju remembers of a hook that was only counted. */
  skip({ unit }: Uniter, { relation: at }: HookInfo): void {
    if (at === undefined) return;
    this.view(unit).members.set(at.remoteUnit, at.version ?? '0');
    unit.agent.remoteBags.delete(`${at.id}/${at.remoteUnit}`);
  }

  readNote(uniter: Uniter): void {
    const file = quietNotePath(this.site.machine(uniter.name).paths.run, uniter.name);
    uniter.note = readQuietNote(readText(file));
  }

  /** Commands first, then settings, the application's databag, and the units' in the order of their names. */
  private rule(uniter: Uniter): Operation | undefined {
    const { unit, settings } = uniter;
    const { agent } = unit;
    const [exec] = agent.execs;
    if (exec !== undefined) return { kind: 'exec', name: 'run-commands', exec };
    if (settings !== undefined && agent.configSeen !== seenConfig(this.site.juju.model, unit))
      return {
        kind: 'hook',
        name: 'config-changed',
        hook: { name: 'config-changed', kind: 'config-changed' },
      };
    const view = this.view(unit);
    if ((view.applications.get(application) ?? '0') !== uniter.applicationSeen)
      return this.changed('', uniter.applicationSeen);
    for (; uniter.lowest < this.sorted.length; uniter.lowest += 1) {
      if (uniter.pending[uniter.lowest] === 0) continue;
      uniter.pending[uniter.lowest] = 0;
      const owner = this.sorted[uniter.lowest] ?? '';
      const version = this.shown.get(owner) ?? '0';
      if (view.members.get(owner) !== version) return this.changed(owner, version);
    }
    return undefined;
  }

  private changed(remoteUnit: string, version: string): Operation {
    const relation = { id: this.site.relation.id, remoteUnit, remoteApp: application, version };
    const name = 'peers-relation-changed';
    return { kind: 'hook', name, hook: { name, kind: 'relation-changed', relation } };
  }

  /** The fake Juju knows no delays: for the question it is shown only what has reached this unit. */
  private ask({ name, settings, applicationSeen }: Uniter): Operation | undefined {
    const { relation, juju } = this.site;
    const { bags } = relation;
    const app = this.application();
    const { announced } = app;
    relation.bags = new Map(
      [...bags].map(([owner, { values }]) => {
        const version = owner === application ? applicationSeen : (this.shown.get(owner) ?? '0');
        return [owner, { values, version }];
      }),
    );
    app.announced = settings ?? this.settingsBefore;
    try {
      return juju.next(name);
    } finally {
      relation.bags = bags;
      app.announced = announced;
    }
  }

  private view(unit: Unit) {
    const view = unit.agent.relations.get(this.site.relation.id);
    if (view === undefined) throw new Error(`${unit.name} is not in the relation`);
    return view;
  }

  private announced(): string {
    return this.application().announced;
  }

  private application() {
    const found = this.site.juju.model.applications.get(application);
    if (found === undefined) throw new Error(`there is no application ${application}`);
    return found;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
