// What must hold of several webs of one application: one database, and one of them at least that answers.
import { Violation, type World } from './invariants.ts';
import type { Process } from './scheduler.ts';
import { webService } from './services.ts';
import { application, appOf } from './topology.ts';

export class Webs {
  /** By process of an installer: its goal's upgrade, and who else is web, as Juju shows it. */
  private readonly installing = new Map<Process, { id: string; others: readonly string[] }>();
  /** Have answered since they came. */
  private readonly answered = new Set<string>();
  /** Of the database. */
  private schema: string | undefined;
  private readonly world: World;
  private readonly hasStopped: (unit: string, id: string) => boolean;

  constructor(world: World, hasStopped: (unit: string, id: string) => boolean) {
    this.world = world;
    this.hasStopped = hasStopped;
  }

  begins(process: Process, id: string, others: readonly string[]): void {
    this.installing.set(process, { id, others });
  }

  ends(process: Process): void {
    this.installing.delete(process);
  }

  /** 4. Web that migrates its database starts when all others have stopped for this very upgrade, whatever the deadline. */
  starts(unit: string, version: string, by: Process | undefined): void {
    const { world } = this;
    if (by === undefined || world.goal(application).installer !== unit) return;
    const { id, others } = this.installing.get(by) ?? { id: '', others: [] };
    const before = this.schema;
    this.schema = world.schemaOf(version);
    if (before === this.schema) return;
    for (const other of others) {
      const { powered, systemd } = world.machineOf(other);
      const runs = powered ? systemd.runs(webService) : undefined;
      if (runs === undefined || world.schemaOf(runs) === world.schemaOf(version)) continue;
      if (!world.units(application).includes(other) || this.hasStopped(other, id)) continue;
      throw new Violation(
        4,
        `${unit} starts web ${version}, and ${other}, which never stopped, runs web ${runs}`,
      );
    }
  }

  private answering(): string[] {
    return this.living().filter((unit) => this.world.machineOf(unit).systemd.webAnswers() !== undefined);
  }

  private living(): string[] {
    return this.world.units(application).filter((unit) => this.world.machineOf(unit).powered);
  }

  /** 11. Of two webs that have answered, one does. */
  someAnswers(): void {
    const now = this.answering();
    for (const unit of now) this.answered.add(unit);
    const able = this.living().filter((unit) => this.answered.has(unit));
    if (able.length > 1 && now.length === 0) throw new Violation(11, `none of ${able.join(', ')} answers`);
  }

  /** Whether another web answers. */
  goesOnWithout(unit: string): boolean {
    return appOf(unit) !== application || this.answering().some((other) => other !== unit);
  }
}
