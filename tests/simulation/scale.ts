// What one upgrade costs an application of one web unit and many workers: hooks, hook tools, databags, bytes and virtual
// time. The charm's real code runs in every hook that does not end at once. See docs/explanation/scale.md.
import type { Operation } from 'juju-ts-ops/testing';
import { Seeded } from 'juju-ts-ops/testing';
import { costs } from './scale-costs.ts';
import { bringToRest } from './scale-rest.ts';
import { after, application, type Run, Site, web } from './scale-site.ts';
import { type By, type Uniter, Uniters } from './scale-uniters.ts';
import { Timeline } from './timeline.ts';

/** An upgrade takes 3 or 4 on each unit besides one or two on web for each worker. More: somebody never comes to rest. */
const wholeHooksAtMost = (units: number): number => 20 * units + 100;

/** A hook in which the charm looked. */
export interface WholeHook {
  unit: string;
  name: string;
  remoteUnit: string;
  tools: readonly string[];
  /** What the unit's databag said of the upgrade when the hook began. */
  upgradeState: string;
  /** What web's databag says when it has ended. */
  upgradeStateAfter: string;
}

export interface Measured {
  workers: number;
  hooks: { whole: number; quiet: number; onWeb: number; onOneWorker: number };
  /** How often Juju tells a unit that another's databag, or the application's, has changed. */
  notices: number;
  tools: { total: number; onWeb: number; onOneWorker: number; byTool: Record<string, number> };
  databags: { writes: number; bytesWritten: number; bytesRead: number };
  seconds: {
    /** From `juju config` to the last worker that runs the new release. */
    toLastWorker: number;
    /** To the last hook's end. */
    toRest: number;
    /** For how long a worker was down: the longest, and half of them at most. */
    downAtMost: number;
    downMedian: number;
  };
  /** Acknowledgements that web had not yet heard when it switched, its deadline having passed. */
  unheard: number;
}

export interface Upgrade {
  measured: Measured;
  whole: WholeHook[];
}

type What =
  | { do: 'settings' | 'free'; uniter: Uniter }
  | { do: 'application'; uniter: Uniter; version: string }
  | { do: 'unit'; owner: string; version: string }
  | { do: 'end'; uniter: Uniter; run: Run; operation: Operation; state: string }
  | { do: 'timer'; uniter: Uniter };

export async function upgrade(workers: number, by: By = 'rules', seed = 1): Promise<Upgrade> {
  using site = new Site(workers, seed);
  await bringToRest(site);
  return await new Play(site, by, seed).play();
}

class Play {
  private readonly timeline = new Timeline<What>();
  private readonly whole: WholeHook[] = [];
  private readonly hooksBy = new Map<string, number>();
  private quiet = 0;
  private notices = 0;
  private writes = 0;
  private bytesWritten = 0;
  private bytesRead = 0;
  private lastEnd = 0;
  private unheard = 0;
  private readonly site: Site;
  private readonly uniters: Uniters;
  private readonly random: Seeded;

  constructor(site: Site, by: By, seed: number) {
    this.site = site;
    this.random = new Seeded(seed);
    this.uniters = new Uniters(site, by);
  }

  async play(): Promise<Upgrade> {
    const { site, timeline } = this;
    const began = site.now;
    const uniters = new Map(this.uniters.all.map((each) => [each.name, each]));
    site.configTwice = true;
    site.onArm = (name, at) => {
      const uniter = uniters.get(name);
      if (uniter !== undefined) timeline.add(at, { do: 'timer', uniter });
    };
    site.startedAt.clear();
    site.juju.configure(application, { version: after });
    for (const uniter of uniters.values())
      timeline.add(began + this.drawn(costs.configMs), { do: 'settings', uniter });
    for (let next = timeline.take(); next !== undefined; next = timeline.take()) {
      site.now = next.at;
      await this.happen(next.what);
    }
    return { measured: this.measured(began), whole: this.whole };
  }

  private async happen(what: What): Promise<void> {
    switch (what.do) {
      case 'settings':
        this.uniters.tellSettings(what.uniter);
        return this.consider(what.uniter);
      case 'application':
        what.uniter.applicationSeen = what.version;
        return this.consider(what.uniter);
      case 'unit':
        for (const uniter of this.uniters.tell(what.owner, what.version)) await this.consider(uniter);
        return;
      case 'end':
        return this.ended(what);
      case 'free':
        what.uniter.busy = false;
        return this.consider(what.uniter);
      case 'timer':
        if (this.site.fire(what.uniter.name)) await this.consider(what.uniter);
        return;
      default:
        what satisfies never;
    }
  }

  /** An agent that is idle begins what is next. */
  private async consider(uniter: Uniter): Promise<void> {
    if (uniter.busy) return;
    const operation = this.uniters.next(uniter);
    if (operation === undefined) return;
    const { site, timeline } = this;
    uniter.busy = true;
    this.hooksBy.set(uniter.name, (this.hooksBy.get(uniter.name) ?? 0) + 1);
    if (operation.kind === 'hook' && this.uniters.isQuiet(uniter, operation)) {
      this.quiet += 1;
      this.uniters.skip(uniter, operation.hook);
      this.lastEnd = site.now + costs.quietHookMs;
      timeline.add(this.lastEnd + costs.betweenHooksMs, { do: 'free', uniter });
      return;
    }
    const state = site.relation.bags.get(uniter.name)?.values['upgrade-state'] ?? '';
    const run = await site.run(uniter.name, operation);
    timeline.add(run.endsAt, { do: 'end', uniter, run, operation, state });
  }

  private ended({ uniter, run, operation, state }: Extract<What, { do: 'end' }>): void {
    const { site, timeline, uniters } = this;
    const { name } = uniter;
    const before = { unit: uniters.version(name), application: uniters.version(application) };
    run.finish();
    this.count(name, run, operation, state);
    const unit = uniters.version(name);
    if (unit !== before.unit) {
      this.notices += site.units.length - 1;
      timeline.add(site.now + costs.unitDataMs, { do: 'unit', owner: name, version: unit });
    }
    const version = uniters.version(application);
    if (version !== before.application) {
      this.notices += site.units.length;
      for (const each of uniters.all)
        timeline.add(site.now + this.drawn(costs.applicationDataMs), {
          do: 'application',
          uniter: each,
          version,
        });
    }
    uniters.readNote(uniter);
    timeline.add(site.now + costs.betweenHooksMs, { do: 'free', uniter });
  }

  private count(unit: string, { context }: Run, operation: Operation, upgradeState: string): void {
    const { calls } = context;
    this.lastEnd = this.site.now;
    if (calls.length === 0) {
      this.quiet += 1;
      return;
    }
    const upgradeStateAfter = this.site.relation.bags.get(unit)?.values['upgrade-state'] ?? '';
    if (unit === web && upgradeState === 'prepare' && upgradeStateAfter !== 'prepare')
      this.unheard = this.notHeard();
    const remoteUnit = operation.kind === 'hook' ? (operation.hook.relation?.remoteUnit ?? '') : '';
    const tools = calls.map(({ tool }) => tool);
    if (this.whole.length > wholeHooksAtMost(this.site.units.length))
      throw new Error(`${this.whole.length} hooks and no end: the last was ${operation.name} of ${unit}`);
    this.whole.push({ unit, name: operation.name, remoteUnit, tools, upgradeState, upgradeStateAfter });
    for (const { tool, stdin = '', stdout } of calls) {
      if (tool === 'relation-set') {
        this.writes += 1;
        this.bytesWritten += Buffer.byteLength(stdin);
      }
      if (tool === 'relation-get') this.bytesRead += Buffer.byteLength(stdout);
    }
  }

  /** Workers that are stopped, or not, without web having seen in their own event that they are. */
  private notHeard(): number {
    const { relation } = this.site;
    const { agent } = this.site.unit(web);
    return this.site.units.filter(
      (name) => name !== web && agent.remoteBags.get(`${relation.id}/${name}`)?.['upgrade-ready'] !== 'true',
    ).length;
  }

  private drawn([least, most]: readonly [number, number]): number {
    return Math.round(least + (most - least) * this.random.next());
  }

  private measured(began: number): Measured {
    const { site } = this;
    const workers = site.units.filter((name) => name !== web);
    const down = workers.map(
      (name) => (site.startedAt.get(name) ?? Number.NaN) - (site.stoppedAt.get(name) ?? 0),
    );
    if (down.some(Number.isNaN)) throw new Error('a worker has not come back');
    const byTool: Record<string, number> = {};
    for (const { tools } of this.whole) for (const tool of tools) byTool[tool] = (byTool[tool] ?? 0) + 1;
    const toolsOf = (unit: string) =>
      sum(this.whole.filter((each) => each.unit === unit).map((each) => each.tools.length));
    const total = sum(Object.values(byTool));
    const onWeb = toolsOf(web);
    const hooksOnWeb = this.hooksBy.get(web) ?? 0;
    const hooks = sum([...this.hooksBy.values()]);
    return {
      workers: workers.length,
      hooks: {
        whole: this.whole.length,
        quiet: this.quiet,
        onWeb: hooksOnWeb,
        onOneWorker: (hooks - hooksOnWeb) / workers.length,
      },
      notices: this.notices,
      tools: { total, onWeb, onOneWorker: (total - onWeb) / workers.length, byTool },
      databags: { writes: this.writes, bytesWritten: this.bytesWritten, bytesRead: this.bytesRead },
      seconds: {
        toLastWorker: seconds(Math.max(...workers.map((name) => site.startedAt.get(name) ?? 0)) - began),
        toRest: seconds(this.lastEnd - began),
        downAtMost: seconds(Math.max(...down)),
        downMedian: seconds(down.toSorted((a, b) => a - b)[down.length >> 1] ?? 0),
      },
      unheard: this.unheard,
    };
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const seconds = (ms: number): number => Math.round(ms) / 1000;
