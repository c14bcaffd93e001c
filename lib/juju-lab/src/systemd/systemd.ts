// systemd's stand-in for one machine of the lab: supervises real processes from the unit files under the machine's root.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readIdentity } from './accounts.ts';
import { realClock, type SystemdClock } from './clock.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { journalctl } from './journalctl.ts';
import type { Machine } from './machine.ts';
import { sweep } from './processes.ts';
import { Service } from './service.ts';
import { readSettings, type ServiceSettings } from './settings.ts';
import { systemctl } from './systemctl.ts';
import { systemdRun } from './systemd-run.ts';
import { Timer } from './timer.ts';
import { isMissing, readUnit, type UnitFile, valuesOf } from './unit-file.ts';

export interface SystemdOptions {
  /** The machine's root: unit files lie in `<root>/etc/systemd/system`. All other paths in them are taken as they stand. */
  root: string;
  /** Where journals are written for people to read; in memory only when it is left out. */
  journalDirectory?: string;
  clock?: SystemdClock;
  /** Folders that come first in the PATH of services. */
  path?: readonly string[];
  /** Further variables for every service. */
  environment?: Readonly<Record<string, string>>;
  /** Programs that stand elsewhere on this machine: `{'/usr/bin/juju-exec': '/…/juju-exec'}`. */
  programs?: Readonly<Record<string, string>>;
  /** Whether User= and Group= count. `auto`: when the lab runs as root; otherwise services run as whoever runs the lab. */
  users?: 'auto' | 'ignore';
  /** Called when a service's state changes. */
  onChange?: (service: Service) => void;
}

export interface CommandOutput {
  code: number;
  stdout: string;
  stderr: string;
}

/** A unit that systemd holds in memory. */
export interface LoadedService {
  file: UnitFile;
  service: Service;
  transient: boolean;
}

const defaultPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export class Systemd implements Machine {
  readonly root: string;
  readonly clock: SystemdClock;
  readonly journal: Journal;
  readonly environment: Readonly<Record<string, string>>;
  readonly services = new Map<string, LoadedService>();
  readonly timers = new Map<string, Timer>();
  readonly #options: SystemdOptions;
  readonly #path: readonly string[];

  constructor(options: SystemdOptions) {
    this.#options = options;
    this.root = options.root;
    this.clock = options.clock ?? realClock;
    this.journal = new Journal(options.journalDirectory);
    this.#path = [...(options.path ?? []), ...defaultPath];
    this.environment = { PATH: this.#path.join(':'), LANG: 'C.UTF-8', ...options.environment };
    mkdirSync(this.unitDirectory, { recursive: true });
  }

  get unitDirectory(): string {
    return join(this.root, 'etc/systemd/system');
  }

  /** Answers as the program of that name would. An option that the stand-in does not know is refused with exit code 1. */
  command(name: 'systemctl' | 'systemd-run' | 'journalctl', argv: readonly string[]): Promise<CommandOutput> {
    switch (name) {
      case 'systemctl':
        return systemctl(this, argv);
      case 'systemd-run':
        return systemdRun(this, argv);
      case 'journalctl':
        return Promise.resolve(journalctl(this.journal, this.clock, argv));
      default:
        return name satisfies never;
    }
  }

  /** The machine comes up: enabled services start. Resolves when each has started or failed. */
  async boot(): Promise<void> {
    const names = new Set<string>();
    for (const wants of listIfThere(this.unitDirectory).filter((name) => name.endsWith('.target.wants'))) {
      for (const name of listIfThere(join(this.unitDirectory, wants)))
        if (name.endsWith('.service')) names.add(name);
    }
    await Promise.all([...names].toSorted().map((name) => this.load(name)?.service.start()));
  }

  /** Power is cut: every process dies, left-over ones too; timers and transient units are forgotten. */
  async cut(): Promise<void> {
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
    await Promise.all([...this.services.values()].map(({ service }) => service.cut()));
    sweep(this.root);
    this.services.clear();
  }

  /** `cut`: at once. `clean`: services are stopped first, as `systemctl reboot` does. */
  async reboot(how: 'cut' | 'clean' = 'cut'): Promise<void> {
    if (how === 'clean') await Promise.all([...this.services.values()].map(({ service }) => service.stop()));
    await this.cut();
    await this.boot();
  }

  /** The service by that name, read from disk when it is not in memory yet; undefined when there is no unit file. */
  load(name: string): LoadedService | undefined {
    const known = this.services.get(name);
    if (known !== undefined) return known;
    const file = readUnit(this.unitDirectory, name);
    return file === undefined ? undefined : this.add(name, file, false);
  }

  add(name: string, file: UnitFile, transient: boolean): LoadedService {
    const settings = readSettings(name, file);
    const service = new Service(this, name, settings);
    const loaded = { file, service, transient };
    service.onChange = () => this.#changed(loaded);
    this.services.set(name, loaded);
    this.#sayProblems(name, settings);
    return loaded;
  }

  /** A changed or removed unit file counts from here on. */
  daemonReload(): void {
    for (const [name, loaded] of this.services) {
      if (loaded.transient) continue;
      const file = readUnit(this.unitDirectory, name);
      if (file === undefined && loaded.service.resting) this.services.delete(name);
      if (file === undefined || file.source === loaded.file.source) continue;
      loaded.file = file;
      const settings = readSettings(name, file);
      this.#sayProblems(name, settings);
      // A service that runs keeps the run's settings for its commands, and is stopped by the new ones, as in systemd.
      loaded.service.settings = settings;
    }
  }

  fileOf(name: string): UnitFile | undefined {
    return readUnit(this.unitDirectory, name);
  }

  needsReload({ file, service, transient }: LoadedService): boolean {
    return !transient && this.fileOf(service.name)?.source !== file.source;
  }

  /** Links under `<target>.wants` by which boot finds it. */
  wantedLinks(name: string, file: UnitFile): string[] {
    return valuesOf(file, 'Install', 'WantedBy')
      .flatMap((value) => value.split(/\s+/))
      .map((target) => join(this.unitDirectory, `${target}.wants`, name));
  }

  isEnabled(name: string): boolean {
    return listIfThere(this.unitDirectory).some(
      (entry) => entry.endsWith('.wants') && listIfThere(join(this.unitDirectory, entry)).includes(name),
    );
  }

  /** Returns the links made. */
  enable(name: string, file: UnitFile): string[] {
    const links = this.wantedLinks(name, file).filter((link) => !existsSync(link));
    for (const link of links) {
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join('..', name), link);
    }
    this.daemonReload();
    return links;
  }

  /** Returns the links removed, wherever they are. */
  disable(name: string): string[] {
    const links = listIfThere(this.unitDirectory)
      .filter((entry) => entry.endsWith('.wants'))
      .map((entry) => join(this.unitDirectory, entry, name))
      .filter((link) => listIfThere(dirname(link)).includes(name));
    for (const link of links) rmSync(link);
    this.daemonReload();
    return links;
  }

  addTimer(name: string, service: string, delayMs: number): void {
    const timer = new Timer(name, service, delayMs, this.clock, () => {
      void this.services.get(service)?.service.start();
    });
    this.timers.set(name, timer);
  }

  /** Stops a timer; a transient unit whose service has not begun is forgotten with it. */
  removeTimer(name: string): void {
    const timer = this.timers.get(name);
    timer?.cancel();
    this.timers.delete(name);
    const loaded = timer === undefined ? undefined : this.services.get(timer.service);
    if (loaded !== undefined) this.collect(loaded);
  }

  /** Forgets a transient service that is at rest and that no timer refers to; a failed one only when it asked for that. */
  collect({ service, transient }: LoadedService): void {
    const wanted = [...this.timers.values()].some((timer) => timer.service === service.name);
    if (!transient || wanted || !service.resting) return;
    if (service.active === 'inactive' || service.settings.collectFailed) this.services.delete(service.name);
  }

  /** Every living process of this machine's services, with the unit that it belongs to. */
  processes(): { pid: number; unit: string; command: string }[] {
    return [...this.services.values()].flatMap(({ service }) =>
      service.processes().map(({ pid, command }) => ({ pid, unit: service.name, command })),
    );
  }

  findProgram(named: string): string {
    const placed = this.#options.programs?.[named];
    if (placed !== undefined) return placed;
    if (named.includes('/')) return named;
    return this.#path.map((folder) => join(folder, named)).find((path) => existsSync(path)) ?? named;
  }

  account(settings: ServiceSettings): { uid: number; gid: number } | undefined | 'missing' {
    const ignored = this.#options.users === 'ignore' || process.getuid?.() !== 0;
    return ignored ? undefined : readIdentity(settings.user, settings.group);
  }

  log(entry: Omit<JournalEntry, 'timeMs'>): void {
    this.journal.append({ ...entry, timeMs: this.clock.now() });
  }

  #changed(loaded: LoadedService): void {
    this.#options.onChange?.(loaded.service);
    if (!loaded.service.resting) return;
    for (const timer of this.timers.values()) {
      if (timer.service === loaded.service.name && timer.sub === 'running') this.timers.delete(timer.name);
    }
    this.collect(loaded);
  }

  #sayProblems(name: string, settings: ServiceSettings): void {
    for (const message of [
      ...settings.problems,
      ...(settings.refusal === undefined ? [] : [settings.refusal]),
    ]) {
      this.log({
        unit: name,
        from: 'systemd',
        invocation: '',
        pid: 1,
        identifier: 'systemd',
        priority: 4,
        message,
      });
    }
  }
}

function listIfThere(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
