// Machines for tests, in this process: files are real, below a directory that stands for the machine's root; the clock, the
// services, HTTP, commands and locks are in memory. Machines that are given one `volume` and one `LockTable` share storage.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type {
  Clock,
  CommandResult,
  Databases,
  Files,
  FileStat,
  Host,
  Mount,
  Paths,
  Space,
} from '../../src/host/host.ts';
import { DatabaseFailure } from '../../src/host/host.ts';
import { realFiles } from '../../src/host/real/files.ts';
import { pathsBelow } from '../../src/host/real/index.ts';
import { Effects } from './effects.ts';
import { FakeHttp } from './fake-http.ts';
import { FakeRandom } from './fake-random.ts';
import { FakeServices } from './fake-services.ts';
import { LockTable } from './lock-table.ts';

export interface FakeMachineOptions {
  /** The machine's root; made when it is not there. */
  directory: string;
  clock: Clock;
  /** A directory that other machines may share; else one of its own below the root. Made when it is not there. */
  volume?: string;
  locks?: LockTable;
  /** Different for each machine, so that they draw different bytes and keys. */
  seed?: number;
  hostname?: string;
  architecture?: Host['architecture'];
  /** Really fsync. Off for speed: a test of one process cannot lose what it has written. */
  sync?: boolean;
}

export class FakeMachine {
  readonly paths: Paths;
  readonly services: FakeServices;
  readonly http = new FakeHttp();
  readonly random: FakeRandom;
  readonly locks: LockTable;
  readonly hostname: string;
  /** What /proc/self/mountinfo says: the volume is a mounted ext4 file system, unless the test changes it. */
  mounts: Mount[];
  /** Laid over what statfs(2) really says of the volume; and of all else. */
  space: Partial<Space> = { type: 'ext4' };
  localSpace: Partial<Space> = { type: 'ext4' };
  onCommand: (
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => CommandResult | Promise<CommandResult> = (command) => ({
    code: 127,
    stdout: '',
    stderr: `${command}: not found`,
  });
  /** A session with PostgreSQL; there is none, unless the test brings one. */
  onSession: Databases['session'] = () => {
    throw new DatabaseFailure('connect ECONNREFUSED', { code: 'ECONNREFUSED', transient: true });
  };
  private readonly options: FakeMachineOptions;
  private readonly living = new Map<number, Effects>();
  private processes = 0;
  private boots = 0;

  constructor(options: FakeMachineOptions) {
    const { directory, clock, volume, seed = 1 } = options;
    this.options = options;
    this.hostname = options.hostname ?? `machine-${seed}`;
    this.paths = { ...pathsBelow(directory), ...(volume === undefined ? {} : { volume }) };
    for (const made of [
      this.paths.volume,
      this.paths.systemd,
      path.join(directory, 'proc/sys/kernel/random'),
    ]) {
      mkdirSync(made, { recursive: true });
    }
    writeFileSync(path.join(directory, 'proc/sys/kernel/hostname'), `${this.hostname}\n`);
    writeFileSync(path.join(directory, 'proc/filesystems'), 'nodev\toverlay\n\text4\n\tbtrfs\n');
    this.writeBootId();
    this.services = new FakeServices(this.paths.systemd, clock);
    this.random = new FakeRandom(seed);
    this.locks = options.locks ?? new LockTable();
    const mountPoint = this.paths.volume;
    this.mounts = [{ mountPoint, type: 'ext4', source: '/dev/vdb', options: ['rw', 'relatime'] }];
  }

  /** A new process on this machine, whose effects are counted and which can be killed. */
  process(): Effects {
    this.processes += 1;
    const processId = 1000 + this.processes;
    const files = this.files();
    const effects = new Effects({
      clock: this.options.clock,
      random: this.random,
      files,
      locks: this.locks,
      commands: { run: async (command, args, { env = {} }) => this.onCommand(command, args, env) },
      http: this.http,
      databases: {
        session: (login, withinMs, work) => this.onSession(login, withinMs, work),
      },
      services: this.services,
      paths: this.paths,
      architecture: this.options.architecture ?? 'amd64',
      bootId: async () => ((await files.readText('/proc/sys/kernel/random/boot_id')) ?? '').trim(),
      processId,
    });
    this.living.set(processId, effects);
    return effects;
  }

  /** All processes end, timers are gone, the boot id changes, enabled services start. */
  async reboot(): Promise<void> {
    await this.powerOff();
    await this.powerOn();
  }

  async powerOff(): Promise<void> {
    for (const process of this.living.values()) await process.end();
    this.living.clear();
  }

  async powerOn(): Promise<void> {
    this.writeBootId();
    await this.services.reboot();
  }

  private writeBootId(): void {
    this.boots += 1;
    const id = `${this.hostname}-boot-${this.boots}`;
    writeFileSync(path.join(this.options.directory, 'proc/sys/kernel/random/boot_id'), `${id}\n`);
  }

  private files(): Files {
    const { directory, sync = false } = this.options;
    const files = realFiles(directory);
    const within = (file: string) => {
      if (![directory, this.paths.volume].some((root) => file === root || file.startsWith(`${root}/`))) {
        throw new Error(`${file} is outside of this machine`);
      }
      return file;
    };
    return {
      ...files,
      stat: (file) => {
        const pid = /^\/proc\/(\d+)$/.exec(file)?.[1];
        return pid === undefined ? files.stat(file) : Promise.resolve(this.processStat(Number(pid)));
      },
      write: async (file, content, options) =>
        files.write(within(file), content, sync ? options : { ...options, sync }),
      create: async (file, mode) => {
        const writer = await files.create(within(file), mode);
        return sync ? writer : { ...writer, sync: async () => {} };
      },
      makeDirectory: async (file, options) => files.makeDirectory(within(file), options),
      rename: async (from, to) => files.rename(within(from), within(to)),
      link: async (existing, to) => files.link(existing, within(to)),
      symbolicLink: async (target, file) => files.symbolicLink(target, within(file)),
      changeMode: async (file, mode) => files.changeMode(within(file), mode),
      // Tests need not be root.
      changeOwner: async (file) => void within(file),
      remove: async (file) => files.remove(within(file)),
      syncDirectory: async (file) => (sync ? files.syncDirectory(file) : undefined),
      space: async (file) => ({
        ...(await files.space(file)),
        ...(`${file}/`.startsWith(`${this.paths.volume}/`) ? this.space : this.localSpace),
      }),
      mounts: async () => [...this.mounts],
    };
  }

  private processStat(pid: number): FileStat | undefined {
    const process = this.living.get(pid);
    if (process === undefined || process.dead) return undefined;
    const nothing = {
      sizeBytes: 0,
      uid: 0,
      gid: 0,
      device: 0,
      inode: pid,
      links: 1,
      modifiedMs: 0,
      allocatedBytes: 0,
    };
    return { kind: 'directory', mode: 0o555, ...nothing };
  }
}
