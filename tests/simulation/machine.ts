// One unit's simulated machine: its disk, the volume mounted in it, systemd, clocks and randomness, and the `Host` that a process sees.
import type { CommandResult, FileLock, Host } from '../../src/host/host.ts';
import { pathsBelow } from '../../src/host/real/index.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { Disk, type Inode } from './disk.ts';
import { simulatedFiles, StaleLookups, type VolumeLink, type Watcher } from './files.ts';
import { databaseProbe, type Mirror } from './mirror.ts';
import { failure, Mounts, writable } from './mounts.ts';
import type { Process, Scheduler } from './scheduler.ts';
import { type ServiceEvents, SimulatedSystemd } from './services.ts';

/** flock(2) as a volume's server grants it. */
export class Flocks {
  /** Everybody gets every lock, as on sshfs. */
  lying = false;
  private readonly held = new Map<Inode, Process>();

  take(inode: Inode, process: Process): boolean {
    if (this.lying) return true;
    const holder = this.held.get(inode);
    if (holder !== undefined && holder !== process) return false;
    // Another open file of the same process is another holder, too.
    if (holder === process) return false;
    this.held.set(inode, process);
    return true;
  }

  free(process: Process, inode?: Inode): void {
    for (const [each, holder] of this.held)
      if (holder === process && (inode === undefined || inode === each)) this.held.delete(each);
  }
}

export interface MachineOptions {
  unit: string;
  number: number;
  address: string;
  /** Of a release's database. */
  schemaOf: (version: string) => string;
  seed: number;
  scheduler: Scheduler;
  volume: Disk | undefined;
  flocks: Flocks;
  mirror: Mirror;
  watcher: Watcher;
  events: ServiceEvents;
  syncNames: boolean;
  /** What the wall clock shows more than the simulation's own. */
  wallOffsetMs: number;
}

const paths = pathsBelow('/');

export class Machine {
  readonly unit: string;
  readonly number: number;
  address: string;
  readonly own: Disk;
  readonly mounts: Mounts;
  readonly systemd: SimulatedSystemd;
  readonly link: VolumeLink = { state: 'good', staleMs: 0 };
  readonly processes = new Map<number, Process>();
  volume: Disk | undefined;
  wallOffsetMs: number;
  powered = true;
  frozenUntil = 0;
  /** Hook tools do not reach the controller. */
  cut = false;
  /** Its worker does not reach web. */
  apart = false;
  private readonly stale = new StaleLookups();
  private readonly random: FakeRandom;
  private boots = 1;
  private pids = 1000;
  private readonly o: MachineOptions;

  constructor(o: MachineOptions) {
    this.o = o;
    this.unit = o.unit;
    this.number = o.number;
    this.address = o.address;
    this.wallOffsetMs = o.wallOffsetMs;
    this.volume = o.volume;
    this.random = new FakeRandom(o.seed);
    this.own = new Disk({
      device: 100 + o.number,
      type: 'ext4',
      now: () => o.scheduler.now,
      syncNames: o.syncNames,
    });
    this.mounts = new Mounts(this.own);
    for (const directory of ['/etc/systemd/system', '/etc/default', '/proc/sys/kernel/random', paths.volume])
      this.mounts.makeDirectory(directory, 0o755, true);
    this.put('/proc/sys/kernel/hostname', `machine-${o.number}\n`);
    this.put('/etc/group', 'root:x:0:\n');
    this.systemd = new SimulatedSystemd(this.mounts, o.scheduler, o.events);
    this.boot();
    this.mount();
    this.own.settle();
  }

  get mounted(): boolean {
    return this.mounts.mounted.has(paths.volume);
  }

  mount(): void {
    if (this.volume !== undefined) this.mounts.mounted.set(paths.volume, this.volume);
  }

  unmount(): void {
    this.mounts.mounted.delete(paths.volume);
  }

  /** The next boot: another id, an empty /run, enabled services start. */
  powerOn(): void {
    this.powered = true;
    this.boots += 1;
    const { root } = this.own;
    if (root.entries.has('run')) this.own.change([root, 'run', undefined]);
    this.own.settle();
    this.boot();
    this.stale.forget();
    this.systemd.powerOn();
  }

  processEnded(process: Process): void {
    for (const [pid, each] of this.processes) if (each === process) this.processes.delete(pid);
    this.o.flocks.free(process);
  }

  host(process: Process): Host {
    const { scheduler, flocks, mirror, watcher } = this.o;
    this.pids += 1;
    const processId = this.pids;
    this.processes.set(processId, process);
    const files = simulatedFiles({
      process,
      scheduler,
      mounts: this.mounts,
      volumePath: paths.volume,
      link: this.link,
      watcher,
      stale: this.stale,
      alive: (pid) => this.processes.has(pid),
    });
    const { random } = this;
    return {
      clock: {
        now: () => scheduler.now + this.wallOffsetMs,
        monotonic: () => scheduler.now,
        wait: (ms, signal) => scheduler.wait(process, ms, signal),
      },
      random,
      files,
      locks: {
        tryLock: async (file): Promise<FileLock | undefined> => {
          await scheduler.turn(process, `flock ${file}`, 5);
          while (this.link.state === 'hung' && this.mounted) await scheduler.hang(process, `flock ${file}`);
          if (this.link.state === 'broken' && this.mounted) throw failure('EIO', file);
          const inode = this.openForLock(file);
          if (!flocks.take(inode, process)) return undefined;
          return { release: async () => flocks.free(process, inode) };
        },
      },
      commands: {
        run: async (command, args, { timeoutMs }) => {
          await scheduler.turn(process, `${command} ${args.join(' ')}`, 50);
          if (command === 'stat' && this.link.state === 'hung' && this.mounted) {
            await scheduler.wait(process, timeoutMs);
            return { code: 124, stdout: '', stderr: `did not end within ${timeoutMs} ms` };
          }
          return this.command(command, args);
        },
      },
      http: mirror.http(process, (url) => {
        const version = this.systemd.webAnswers();
        if (version === undefined) return undefined;
        if (url.endsWith(databaseProbe)) return { status: 200, body: '[]' };
        if (!url.endsWith('/api/v1/info')) return undefined;
        return { status: 200, body: JSON.stringify({ version, worker_version: '2.5' }) };
      }),
      databases: {
        session: () => {
          throw new Error('no database is integrated here');
        },
      },
      services: this.systemd.facing(process),
      paths,
      architecture: 'amd64',
      bootId: async () => ((await files.readText('/proc/sys/kernel/random/boot_id')) ?? '').trim(),
      processId,
    };
  }

  text(file: string): string | undefined {
    return this.mounts.look(file, true)?.content.toString('utf8');
  }

  private openForLock(file: string): Inode {
    const place = this.mounts.find(file, true);
    if (place.inode !== undefined) return place.inode;
    writable(place.disk, file);
    const inode = place.disk.make('file', 0o644);
    place.disk.change([place.parent, place.name, inode]);
    return inode;
  }

  private command(command: string, args: readonly string[]): CommandResult {
    const said = (stdout: string): CommandResult => ({ code: 0, stdout: `${stdout}\n`, stderr: '' });
    if (command === 'useradd') {
      this.put('/etc/group', `root:x:0:\n${args.at(-1)}:x:990:\n`);
      return said('');
    }
    const version = /echo (\S+)/.exec(this.text(command) ?? '')?.[1];
    if (version !== undefined && args[0] === '--version') return said(version);
    if (version !== undefined && args[0] === 'migrate') return said(this.o.schemaOf(version));
    return { code: 127, stdout: '', stderr: `${command}: not found` };
  }

  private boot(): void {
    this.put('/proc/sys/kernel/random/boot_id', `machine-${this.number}-boot-${this.boots}\n`);
  }

  private put(file: string, text: string): void {
    const { disk, inode } = this.mounts.open(file, 0o644, false);
    disk.setContent(inode, Buffer.from(text));
    disk.sync(inode);
    disk.syncDirectory(disk.root);
  }
}
