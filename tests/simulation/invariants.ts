// What must hold after every step of every unit, whatever happens: the invariants of docs/explanation/upgrades.md, seen from
// outside of the charm. (The eighth, convergence, is demanded at the end: convergence.ts.)
import type { Disk, Inode } from './disk.ts';
import type { DiskChange, Watcher } from './files.ts';
import type { Machine } from './machine.ts';
import { releaseOf } from './mirror.ts';
import type { Process } from './scheduler.ts';
import { type ServiceEvents, webService, workerService } from './services.ts';
import { Between } from './between.ts';
import { Rolling } from './rolling.ts';
import { Webs } from './webs.ts';
import { application, appOf } from './topology.ts';

export class Violation extends Error {
  override name = 'Violation';
  readonly invariant: number;
  constructor(invariant: number, what: string) {
    super(`invariant ${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

/** What the invariants ask of the world. */
export interface World {
  now(): number;
  machines(): Iterable<Machine>;
  machineOf(unit: string): Machine;
  /** The committed databag of the unit in the peer relation; undefined when there is no such unit. */
  facts(unit: string): Record<string, string> | undefined;
  goal(app: string): Record<string, string>;
  /** Units of the application that are not dying. */
  units(app: string): string[];
  /** The volume is (also) that of units of web's application. */
  decides(disk: Disk): boolean;
  /** `upgrade-strategy` lets workers go to a release a few at a time. */
  mayRoll(): boolean;
  /** How many workers may be on their way then; `resumed`: an operator has seen the first of them. */
  atOnce(resumed: boolean): number;
  /** A unit by its name in the model of that application. */
  here(app: string, unit: string): string;
  /** Of a release's database. */
  schemaOf(version: string): string;
  /** A unit's name in its own model. */
  known(unit: string): string;
  /** What the unit has committed in the relation between web's application and another. */
  word(unit: string, elsewhere: string): Record<string, string> | undefined;
  /** Workers of other applications, with their words as committed, where the unit's agent has been told of these. */
  guestsHeardBy(unit: string): ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** The unit had said `prepare` with this id when the process began. */
  preparedBefore(process: Process, id: string): boolean;
  /** What the unit's agent shows of the others, as it would answer now. */
  seenBy(unit: string): ReadonlyMap<string, Readonly<Record<string, string>>>;
  isActive(unit: string): boolean;
  readyTimeoutMs(): number;
  completeTimeoutMs(): number;
}

interface Session {
  process: Process;
  /** Has changed what all share. */
  changed: boolean;
}

/** What stands in the top directory and is everybody's, beside the lock itself. */
const core = /^(bin|releases|\.installed_version|\.previous_version|keys)(\/|$)/;
/** More than any hook may take of its own will: a database's migration, and everything else that is bounded beside it. */
const longestHookMs = 10 * 60_000;
/** One hook more than the deadline: what it takes to notice and to start. */
const oneHookMs = 4 * 60_000;

export class Invariants implements Watcher {
  /** By volume: who took the lease, oldest first. */
  private readonly sessions = new Map<Disk, Session[]>();
  /** By process: the versions that `bin` has named since it last looked. */
  private readonly named = new Map<Process, Set<string>>();
  /** The same by unit: what its machine remembers of the volume may be older than its process. */
  private readonly namedTo = new Map<string, Set<string>>();
  private readonly binBefore = new Map<Disk, string>();
  private readonly verified = new Map<Inode, Map<Inode, Buffer>>();
  /** `unit upgrade-id`: how often that worker stopped for it. */
  private readonly stops = new Map<string, number>();
  /** Stopped for an upgrade, with the ms for which its agent has worked since. */
  private readonly down = new Map<string, { id: string; workedMs: number }>();
  /** By unit: the ids that it has acknowledged in public. */
  private readonly acknowledged = new Map<string, Set<string>>();
  /** By process: what it had published when it began, the goal's id, and the workers that it could see. */
  private readonly began = new Map<
    Process,
    { id: string; facts: Readonly<Record<string, string>>; workers: string[] }
  >();
  private readonly between: Between;
  private readonly rolling: Rolling;
  readonly webs: Webs;
  secrets: string[] = [];
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
    this.rolling = new Rolling(world);
    this.webs = new Webs(world, (unit, id) => this.acknowledged.get(unit)?.has(id) === true);
    this.between = new Between({
      ...world,
      preparedBefore: (process, id) => this.preparedBefore(process, id),
    });
  }

  private preparedBefore(process: Process, id: string): boolean {
    const facts = this.began.get(process)?.facts;
    return facts?.['upgrade-state'] === 'prepare' && facts['upgrade-id'] === id;
  }

  // --- the volume ---

  before(process: Process, disk: Disk, change: DiskChange): void {
    const machine = this.world.machineOf(process.unit);
    if (disk === machine.own) return;
    this.nothingUnderAService(process, disk, change);
    this.oneWriter(process, disk, change);
    if (change.text !== undefined) this.noSecret(change.text, `the volume, ${change.inside}`);
  }

  after(process: Process, disk: Disk, change: DiskChange): void {
    if (disk === this.world.machineOf(process.unit).own) return;
    if (change.kind === 'rename' && change.inside === '.install.lease')
      this.sessionsOf(disk).push({ process, changed: false });
    if (!/^(bin|releases)(\/|$)/.test(change.inside) && !/^(bin|releases)(\/|$)/.test(change.from ?? ''))
      return;
    const bin = this.binOf(disk);
    if (change.inside === 'bin' && bin !== undefined) {
      for (const versions of this.namedTo.values()) versions.add(bin);
      this.noStaleConsent(process, disk, bin);
      this.between.webDecides(process, disk, bin);
      this.binBefore.set(disk, bin);
    }
    this.wholeReleases(disk, change.inside);
  }

  looked(process: Process, disk: Disk, inside: string, fresh: boolean): void {
    if (inside !== 'bin') return;
    const since = fresh ? undefined : this.namedTo.get(process.unit);
    const versions = since ?? new Set([this.binOf(disk) ?? '']);
    this.namedTo.set(process.unit, versions);
    this.named.set(process, versions);
  }

  private sessionsOf(disk: Disk): Session[] {
    const found = this.sessions.get(disk) ?? [];
    this.sessions.set(disk, found);
    return found;
  }

  /** 1. Whoever took the lock later has begun to change things: nobody before it changes anything any more. */
  private oneWriter(process: Process, disk: Disk, change: DiskChange): void {
    const touches = [change.inside, change.from ?? ''].some((each) => core.test(each));
    if (!touches) return;
    this.between.oneInstalls(process, disk, change);
    const sessions = this.sessionsOf(disk);
    const mine = sessions.findLastIndex((each) => each.process === process);
    if (mine < 0) throw new Violation(1, `${process.unit} changes ${change.inside} and never had the lock`);
    const later = sessions.slice(mine + 1).find((each) => each.changed);
    if (later !== undefined)
      throw new Violation(
        1,
        `${process.unit} changes ${change.inside} after ${later.process.unit} took the lock over and changed things`,
      );
    const session = sessions[mine];
    if (session !== undefined) session.changed = true;
  }

  /** 2. What `bin` points at is a whole release. */
  wholeReleases(disk: Disk, where: string): void {
    const bin = this.binOf(disk);
    if (bin === undefined) return;
    const release = disk.root.entries.get('releases')?.entries.get(bin);
    if (release === undefined) throw new Violation(2, `bin points at ${bin}, which is not there (${where})`);
    if (!release.entries.has('.manifest.json'))
      throw new Violation(2, `bin points at ${bin}, which has no manifest (${where})`);
    const known = this.verified.get(release) ?? new Map<Inode, Buffer>();
    this.verified.set(release, known);
    for (const [file, text] of releaseOf(bin).files) {
      const inode = file.split('/').reduce<Inode | undefined>((at, name) => at?.entries.get(name), release);
      if (inode === undefined) throw new Violation(2, `bin points at ${bin}, which lacks ${file} (${where})`);
      if (known.get(inode) === inode.content) continue;
      if (inode.content.toString('latin1') !== text)
        throw new Violation(2, `bin points at ${bin}, whose ${file} is not as released (${where})`);
      known.set(inode, inode.content);
    }
  }

  /** 3. No file of a release changes or goes while a unit runs from it. */
  private nothingUnderAService(process: Process, disk: Disk, change: DiskChange): void {
    const touched = [change.inside, change.from ?? ''].flatMap(
      (each) => /^releases\/([^/]+)/.exec(each)?.[1] ?? [],
    );
    const places = change.kind === 'rename' ? touched : touched.slice(0, 1);
    for (const version of places) {
      if (disk.root.entries.get('releases')?.entries.get(version) === undefined) continue;
      for (const machine of this.world.machines()) {
        if (machine.volume !== disk || !machine.powered) continue;
        for (const service of machine.systemd.services.values()) {
          if (service.active === 'active' && service.version === version)
            throw new Violation(
              3,
              `${process.unit}: ${change.kind} ${change.inside} while ${machine.unit} runs ${service.name} from it`,
            );
        }
      }
    }
  }

  /** 4. At a switch, every worker that was expected has acknowledged this very upgrade, or the deadline has passed. */
  private noStaleConsent(process: Process, disk: Disk, to: string): void {
    const { world } = this;
    const began = this.began.get(process);
    if (began === undefined || world.goal(appOf(process.unit)).installer !== process.unit) return;
    const { id, facts, workers } = began;
    const from = this.binBefore.get(disk);
    if (from === undefined || from === to) return;
    // Workers elsewhere stop on web's word, and what is installed for them follows web's own switch.
    const elsewhere = appOf(process.unit) !== application;
    if (elsewhere && facts['upgrade-state'] !== 'prepare') return;
    // Where workers go to the release a few at a time, nobody is asked to stop beforehand.
    const rolls = facts['upgrade-turn'] !== undefined;
    if (rolls || (world.mayRoll() && facts['upgrade-state'] !== 'prepare')) return;
    const now = world.now() + world.machineOf(process.unit).wallOffsetMs;
    const leftMs = Date.parse(facts['upgrade-deadline'] ?? '') - now;
    // A deadline further off than its length was set by a clock that has gone back since: it counts as passed.
    if (leftMs <= 0 || leftMs > world.readyTimeoutMs()) return;
    const guests = elsewhere ? [] : this.between.ready(process, to);
    for (const unit of [...workers, ...guests]) {
      if (!world.units(appOf(unit)).includes(unit)) continue;
      if (!guests.includes(unit) && world.machineOf(unit).volume !== disk) continue;
      if (!this.acknowledged.get(unit)?.has(id))
        throw new Violation(
          4,
          `${process.unit} switches to ${to} before its deadline, and ${unit} never acknowledged upgrade ${id}`,
        );
    }
  }

  binOf(disk: Disk): string | undefined {
    const inode = disk.root.entries.get('bin');
    return /^releases\/([^/]+)\/bin$/.exec(inode?.target ?? '')?.[1];
  }

  // --- services ---

  /** For one unit's machine. */
  services(unit: string): ServiceEvents {
    return {
      starting: (service, version, by) => this.starting(unit, service, version, by),
      stopped: (service, by) => this.stopped(unit, service, by),
    };
  }

  private starting(
    unit: string,
    service: string,
    version: string | undefined,
    by: Process | undefined,
  ): void {
    if (service === webService && version !== undefined) this.between.webStarts(version);
    if (service === webService && version !== undefined) this.webs.starts(unit, version, by);
    if (service !== workerService) return;
    this.rolling.starts(unit, version, by);
    this.down.delete(unit);
    if (by === undefined || version === undefined) return;
    // With no volume mounted, the machine's own disk is in its place, and nobody else's.
    if (!this.world.machineOf(unit).mounted) return;
    const named = this.named.get(by);
    if (!named?.has(version))
      throw new Violation(
        7,
        `${unit} starts its worker on ${version}; since it last looked, the volume named ${[...(named ?? [])].join(', ') || 'nothing'}`,
      );
  }

  private stopped(unit: string, service: string, by: Process | undefined): void {
    if (service === workerService)
      this.rolling.stops(unit, by, this.world.machineOf(unit).systemd.of(service).version);
    if (service !== workerService || by === undefined || !this.world.units(appOf(unit)).includes(unit))
      return;
    // An operator who restarts services by hand, or takes a worker out of service, wants just that.
    if (by.name === 'action restart-services' || by.name === 'action retire-worker') return;
    const id = this.standsAsideFor(unit);
    const published = this.between.wordFor(unit);
    if (id === undefined || published?.['upgrade-state'] !== 'prepare' || published['upgrade-id'] !== id)
      return;
    // A restart of the service is not a stop for an upgrade, but is not to happen then either.
    const count = (this.stops.get(`${unit} ${id}`) ?? 0) + 1;
    this.stops.set(`${unit} ${id}`, count);
    if (count > 1) throw new Violation(5, `${unit} stops its worker a second time for upgrade ${id}`);
    this.down.set(unit, { id, workedMs: 0 });
    const to = published['upgrade-to'];
    const disk = this.world.machineOf(unit).volume;
    const release = to === undefined ? undefined : disk?.root.entries.get('releases')?.entries.get(to);
    if (release?.entries.has('.manifest.json') !== true)
      throw new Violation(6, `${unit} stops its worker for ${to}, which is not staged`);
  }

  /** `state.json`: the upgrade that the worker stands aside for. */
  private standsAsideFor(unit: string): string | undefined {
    const folder = this.world.known(unit).replace('/', '-');
    const text = this.world.machineOf(unit).text(`/var/lib/concourse/worker/${folder}/state.json`);
    const found = /"upgradeId":(\d+)/.exec(text ?? '');
    return found?.[1];
  }

  // --- time ---

  /** 5 and 9. `ms` have passed; `works`: that unit's agent could have done something, and its machine was healthy. */
  passed(ms: number, works: (unit: string) => boolean, processes: Iterable<Process>): void {
    for (const [unit, down] of this.down) {
      if (!works(unit)) continue;
      down.workedMs += ms;
      if (down.workedMs > this.world.completeTimeoutMs() + oneHookMs)
        throw new Violation(
          5,
          `${unit} has been down for ${Math.round(down.workedMs / 1000)} s for upgrade ${down.id}`,
        );
    }
    for (const process of processes) {
      const tookMs = this.world.now() - process.startedAt - process.excusedMs;
      if (tookMs > longestHookMs)
        throw new Violation(
          9,
          `${process.name} on ${process.unit} has been running for ${Math.round(tookMs / 1000)} s`,
        );
    }
  }

  forget(unit: string): void {
    this.down.delete(unit);
  }

  // --- what is said ---

  begins(process: Process): void {
    const { world } = this;
    const facts = world.facts(process.unit) ?? {};
    const app = appOf(process.unit);
    const goal = world.goal(app);
    // Who shows as active works, whether this unit has been introduced to it or not.
    const active = world.units(app).filter((unit) => unit !== process.unit && world.isActive(unit));
    const shown = new Map(active.map((unit) => [unit, world.facts(unit) ?? {}]));
    const workers = [...new Map([...shown, ...world.seenBy(process.unit)])].flatMap(([unit, theirs]) =>
      theirs.role?.includes('worker') === true &&
      theirs['volume-id'] !== undefined &&
      theirs['volume-id'] === goal['volume-id'] &&
      theirs.leaving !== 'true'
        ? [unit]
        : [],
    );
    this.began.set(process, { id: goal['upgrade-id'] ?? '', facts, workers });
    const others = [...shown].filter(([, theirs]) => theirs.role === 'web' && theirs.leaving !== 'true');
    if (goal.installer === process.unit)
      this.webs.begins(
        process,
        goal['upgrade-id'] ?? '',
        others.map(([unit]) => unit),
      );
    this.between.begins(process);
  }

  ends(process: Process): void {
    this.between.ends(process);
    this.webs.ends(process);
    this.rolling.ends(process);
    this.began.delete(process);
    this.named.delete(process);
    const facts = this.world.facts(process.unit);
    if (facts === undefined) return;
    const app = appOf(process.unit);
    const word = app === application ? facts : (this.world.word(process.unit, app) ?? facts);
    if (!facts.role?.includes('worker')) this.down.delete(process.unit);
    for (const text of Object.values(facts)) this.noSecret(text, `the databag of ${process.unit}`);
    for (const text of Object.values(word)) this.noSecret(text, `what ${process.unit} says to web`);
    const id = word['upgrade-id'];
    if (word['upgrade-ready'] !== 'true' || id === undefined) return;
    const ids = this.acknowledged.get(process.unit) ?? new Set<string>();
    this.acknowledged.set(process.unit, ids.add(id));
  }

  /** 10. */
  noSecret(text: string, where: string): void {
    for (const secret of this.secrets)
      if (text.includes(secret)) throw new Violation(10, `a secret is in ${where}`);
  }
}
