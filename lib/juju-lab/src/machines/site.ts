// A site: real machines on one switch, all under one id, and the certainty that nothing of it outlives the lab.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../errors.ts';
import type { UnitSurroundings } from '../unit.ts';
import { Machine } from './machine.ts';

export interface Bind {
  /** An absolute path here. */
  from: string;
  /** One there. */
  to: string;
  readOnly?: boolean;
  /** Which units' machines see it; all of them by default. */
  only?: (unit: string) => boolean;
}

export interface SiteOptions {
  /** A root file system with systemd. It is only read: each machine writes to a layer of its own. */
  rootfs: string;
  /** What machines see of this host. */
  binds: readonly Bind[];
  /** Lines of each machine's /etc/hosts; `{switch}` is the switch's address. */
  hosts?: readonly string[];
  /** A shell line that is run on each machine right before it goes for good: `Machine.lastWords`. */
  lastWords?: string;
}

/** Where sites live; a run that died has its site torn down by the next one. */
const sites = '/var/tmp/juju-lab';
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** Programs without which there are no machines, and the packages of Debian that have them. */
const needs = {
  'systemd-nspawn': 'systemd-container',
  ip: 'iproute2',
  nsenter: 'util-linux',
  flock: 'util-linux',
};

/** What keeps this host from having machines: one line each, with what to do. */
export function obstacles(): string[] {
  const found: string[] = [];
  if (process.getuid?.() !== 0) found.push('machines need root: sudo npm run test:machines');
  const path = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  for (const [program, from] of Object.entries(needs)) {
    if (!path.some((folder) => existsSync(join(folder, program))))
      found.push(`${program} is missing: apt-get install ${from}`);
  }
  if (cgroups() === undefined)
    found.push('cgroup2 is not mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified');
  return found;
}

/** Where the host has cgroup2 mounted. */
function cgroups(): string | undefined {
  const line = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .find((each) => each.split(' ')[2] === 'cgroup2');
  return line?.split(' ')[1];
}

export class Site {
  /** Every name that it makes on the host begins with this. */
  readonly id: string;
  /** Everything that it has on the host's disk; gone with it. */
  readonly folder: string;
  readonly switchAddress = '10.99.0.1';
  readonly switchNamespace: string;
  readonly cgroups: string;
  readonly options: SiteOptions;
  readonly #watcher: ChildProcess;
  readonly #machines = new Map<string, Machine>();
  readonly #addresses = new Map<string, string>();

  /** LabError when this host cannot have machines, with all that is missing. */
  static async open(
    options: Omit<SiteOptions, 'binds'> & { binds?(folder: string): SiteOptions['binds'] },
  ): Promise<Site> {
    const missing = obstacles();
    if (missing.length > 0) throw new LabError(`no machines here: ${missing.join('; ')}`);
    clearDead();
    const folder = join(sites, `site-${randomBytes(3).toString('hex')}`);
    // PATH: sbin is not everybody's.
    const watcher = spawn('/bin/sh', [script('watcher.sh'), folder, script('tear-down.sh')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    await once(watcher.stdout, 'data');
    return new Site(folder, watcher, { ...options, binds: options.binds?.(folder) ?? [] });
  }

  private constructor(folder: string, watcher: ChildProcess, options: SiteOptions) {
    this.id = folder.slice(sites.length + 1);
    this.folder = folder;
    this.options = options;
    this.cgroups = cgroups() ?? '/sys/fs/cgroup';
    this.switchNamespace = `${this.id}-switch`;
    this.#watcher = watcher;
    ip(
      `netns add ${this.switchNamespace}`,
      `-n ${this.switchNamespace} link set lo up`,
      `-n ${this.switchNamespace} link add br0 type bridge`,
      `-n ${this.switchNamespace} link set br0 up`,
      `-n ${this.switchNamespace} addr add ${this.switchAddress}/24 dev br0`,
    );
  }

  /** For `LabOptions.machines`. */
  readonly make = (unit: string, around: UnitSurroundings): Machine => {
    const machine = new Machine(unit, around, this);
    this.#machines.set(unit, machine);
    return machine;
  };

  readonly address = (unit: string): string => {
    const known = this.#addresses.get(unit);
    if (known !== undefined) return known;
    const address = `10.99.0.${11 + this.#addresses.size}`;
    this.#addresses.set(unit, address);
    return address;
  };

  machine(unit: string): Machine {
    const machine = this.#machines.get(unit);
    if (machine === undefined) throw new LabError(`${unit} has no machine here`);
    return machine;
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  /** A network namespace of that name, on the switch. It outlives what runs in it. */
  plugIn(name: string, unit: string): void {
    const port = `p${this.address(unit).split('.')[3]}`;
    ip(
      `netns add ${name}`,
      `-n ${name} link set lo up`,
      `-n ${this.switchNamespace} link add ${port} type veth peer name eth0 netns ${name}`,
      `-n ${this.switchNamespace} link set ${port} master br0 up`,
      `-n ${name} addr add ${this.address(unit)}/24 dev eth0`,
      `-n ${name} link set eth0 up`,
      `-n ${name} route add default via ${this.switchAddress}`,
    );
  }

  /** Takes the unit's cable out of the switch, or puts it in again. */
  connect(unit: string, connected: boolean): void {
    const port = `p${this.address(unit).split('.')[3]}`;
    ip(`-n ${this.switchNamespace} link set ${port} ${connected ? 'master br0' : 'nomaster'}`);
  }

  /** Everything is gone when it resolves; Error when something could not be removed. */
  async close(): Promise<void> {
    this.#watcher.stdin?.end();
    const [code] =
      this.#watcher.exitCode === null ? await once(this.#watcher, 'exit') : [this.#watcher.exitCode];
    if (code !== 0) throw new Error(`the site ${this.id} was not torn down: see ${this.folder}.trouble`);
  }
}

/** Tears down the sites of labs that are gone with their watchers: of a lock that can be had, nobody is the holder. */
export function clearDead(): void {
  mkdirSync(sites, { recursive: true });
  for (const name of readdirSync(sites).filter((each) => /^site-[0-9a-f]+$/.test(each))) {
    const folder = join(sites, name);
    const command = '/bin/sh "$0" "$1" && rm -f "$1.lock" "$1.trouble"';
    const locked = [
      '-n',
      '-E',
      '75',
      '-o',
      `${folder}.lock`,
      '/bin/sh',
      '-c',
      command,
      script('tear-down.sh'),
      folder,
    ];
    try {
      execFileSync('flock', locked, { stdio: ['ignore', 'ignore', 'inherit'] });
    } catch (error) {
      // Ours to tear down, but the lab that made it lives.
      if (error instanceof Error && 'status' in error && error.status === 75) continue;
      throw error;
    }
  }
}

/** Several commands of ip(8), each of words without blanks. */
function ip(...commands: string[]): void {
  for (const command of commands)
    execFileSync('ip', command.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
}
