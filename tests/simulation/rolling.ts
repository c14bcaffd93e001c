// What must hold where workers go to a release a few at a time (`upgrade-strategy`): no more are on their way than were allowed, and each
// waits for its turn.
import { Violation, type World } from './invariants.ts';
import type { Process } from './scheduler.ts';
import { workerService } from './services.ts';
import { application, appOf } from './topology.ts';

export class Rolling {
  /** By application and id of its goal: who has ever had its turn; `all` once nobody was bound to wait. */
  private readonly turns = new Map<string, Set<string> | 'all'>();
  /** By unit: what its worker ran until this process stopped it. */
  private readonly stopped = new Map<string, { by: Process; version: string | undefined }>();
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** 12. What an installer has committed. */
  ends(process: Process): void {
    const { world } = this;
    const app = appOf(process.unit);
    const goal = world.goal(app);
    if (!world.mayRoll() || goal.installer !== process.unit) return;
    const facts = world.facts(process.unit) ?? {};
    const key = `${app} ${goal['upgrade-id']}`;
    const text = facts['upgrade-turn'];
    if (text === undefined) {
      if (facts['installed-version'] === goal.version) this.turns.set(key, 'all');
      return;
    }
    // As the charm writes it.
    const turn: string[] = JSON.parse(text);
    const most = world.atOnce(goal['resumed-id'] === goal['upgrade-id']);
    if (turn.length > most)
      throw new Violation(12, `${turn.join(', ')} go to ${facts['installed-version']} at once, ${most} may`);
    const known = this.turns.get(key) ?? new Set<string>();
    if (known !== 'all')
      this.turns.set(key, new Set([...known, ...turn.map((unit) => world.here(app, unit))]));
  }

  stops(unit: string, by: Process | undefined, version: string | undefined): void {
    if (by !== undefined) this.stopped.set(unit, { by, version });
  }

  /** 12. A worker that runs is taken to the release that its application's installer has gone to when it is its turn. */
  starts(unit: string, version: string | undefined, by: Process | undefined): void {
    const { world } = this;
    const app = appOf(unit);
    const goal = world.goal(app);
    const before = this.stopped.get(unit);
    if (by === undefined || before?.by !== by || before.version === version || app !== application) return;
    const key = `${app} ${goal['upgrade-id']}`;
    const turns = this.turns.get(key);
    if (turns === undefined || turns === 'all' || version !== goal.version || unit === goal.installer) return;
    if (world.machineOf(unit).volume !== world.machineOf(goal.installer ?? unit).volume) return;
    if (!turns.has(unit))
      throw new Violation(12, `${unit} restarts its ${workerService} on ${version} before its turn`);
  }
}
