// What must hold between applications: web's upgrade as workers elsewhere go along with it, and a volume that two of them share. The
// invariants have the same numbers as in one application.
import type { Disk } from './disk.ts';
import type { DiskChange } from './files.ts';
import { Violation, type World } from './invariants.ts';
import type { Process } from './scheduler.ts';
import { application, appOf } from './topology.ts';

type Word = Readonly<Record<string, string>>;

/** How long web waits for a release to lie ready elsewhere (src/upgrade/guests.ts). */
const stagingMs = 1_800_000;

export class Between {
  /** By process: the workers of other applications whose words its agent has gone through, when it began. */
  private readonly heard = new Map<Process, ReadonlyMap<string, Word>>();
  /** Versions of which web has been started. */
  private readonly webs = new Set<string>();
  /** By id of web's upgrade: when a hook began in which it stood, and what the clock of that machine was off by. */
  private readonly since = new Map<string, { unit: string; at: number; wallOffsetMs: number }>();
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  webStarts(version: string): void {
    this.webs.add(version);
  }

  begins(process: Process): void {
    if (appOf(process.unit) !== application) return;
    this.heard.set(process, this.world.guestsHeardBy(process.unit));
    const { wallOffsetMs } = this.world.machineOf(process.unit);
    const id = this.world.goal(application)['upgrade-id'] ?? '';
    const known = this.since.get(id);
    if (known?.unit !== process.unit || known.wallOffsetMs !== wallOffsetMs)
      this.since.set(id, { unit: process.unit, at: this.world.now(), wallOffsetMs });
  }

  ends(process: Process): void {
    this.waitsForStaging(process);
    this.heard.delete(process);
  }

  /** Those whose volume has the release by their own word, or is web's; who says why he does not stop is not waited for. */
  ready(process: Process, to: string): string[] {
    return this.byVolume(process)
      .filter(({ own, words }) => own || words.some((word) => word['staged-version'] === to))
      .flatMap(({ units, words }) =>
        units.filter((_, index) => words[index]?.['staging-error'] === undefined),
      );
  }

  private byVolume(process: Process): { own: boolean; units: string[]; words: Word[] }[] {
    const own = this.world.facts(process.unit)?.['volume-id'];
    const volumes = new Map<string, { own: boolean; units: string[]; words: Word[] }>();
    for (const [unit, word] of this.heard.get(process) ?? []) {
      const id = word['volume-id'];
      if (id === undefined || word['worker-public-key'] === undefined) continue;
      const found = volumes.get(id) ?? { own: id === own, units: [], words: [] };
      found.units.push(unit);
      found.words.push(word);
      volumes.set(id, found);
    }
    return [...volumes.values()];
  }

  /** 6. `prepare` is said when each volume elsewhere has the release, has said why not, or has had its time. */
  private waitsForStaging(process: Process): void {
    const { world } = this;
    const facts = world.facts(process.unit);
    const id = facts?.['upgrade-id'] ?? '';
    if (facts?.['upgrade-state'] !== 'prepare' || world.preparedBefore(process, id)) return;
    const since = this.since.get(id);
    if (since === undefined || since.wallOffsetMs !== world.machineOf(process.unit).wallOffsetMs) return;
    if (world.now() - since.at >= stagingMs) return;
    const over = (word: Word) =>
      word['staged-version'] === facts['upgrade-to'] || word['staging-error'] !== undefined;
    for (const { own, units, words } of this.byVolume(process)) {
      // What was said since the hook began has come with its own event.
      const sharing = units.flatMap((unit) => world.units(appOf(unit)));
      const said = sharing.map((unit): Word => world.word(unit, appOf(unit)) ?? {});
      if (own || [...words, ...said].some(over)) continue;
      throw new Violation(
        6,
        `${process.unit} prepares ${facts['upgrade-to']}, which the volume of ${units.join(', ')} is still fetching`,
      );
    }
  }

  /** 1. Nobody but web's application changes what all share on web's volume. */
  oneInstalls(process: Process, disk: Disk, change: DiskChange): void {
    const app = appOf(process.unit);
    if (app === application || !this.world.decides(disk)) return;
    // Theirs by its own word: they came first, while web's machine did not have it mounted.
    const identity = disk.root.entries.get('.volume-id')?.content.toString('utf8') ?? '';
    if (identity.includes(`"${app}"`)) return;
    throw new Violation(1, `${process.unit} changes ${change.inside} on the volume of web's application`);
  }

  /** 7. What is installed for workers elsewhere is what web runs, or has run: it never goes ahead of web. */
  webDecides(process: Process, disk: Disk, to: string): void {
    if (this.world.decides(disk) || this.webs.has(to)) return;
    throw new Violation(7, `${process.unit} installs ${to}, which no web of ${application} has ever run`);
  }

  /** What the one says of an upgrade that a worker listens to: its own installer, or that of its web. */
  wordFor(unit: string): Word | undefined {
    const { world } = this;
    const app = appOf(unit);
    const own = world.facts(world.goal(app).installer ?? '');
    if (app === application) return own;
    return world.word(world.goal(application).installer ?? '', app) ?? own;
  }
}
