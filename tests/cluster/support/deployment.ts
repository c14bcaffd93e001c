// The charm on a cluster of fake machines that share one volume, with a Concourse in memory: web answers, workers register
// with it, releases come from a mirror in memory. Each test says what goes wrong.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { charmFiles } from 'juju-ts-ops';
import { Cluster, Killed } from 'juju-ts-ops/testing';
import { expect, onTestFinished } from 'vitest';
import { concourse } from '../../../src/charm.ts';
import { definition } from '../../../src/definition.ts';
import { fingerprint } from '../../../src/concourse/keys.ts';
import { withInstallLock } from '../../../src/storage/lock.ts';
import type { Effects } from '../../support/effects.ts';
import { FakeMachine } from '../../support/fake-host.ts';
import { respond } from '../../support/fake-http.ts';
import { LockTable } from '../../support/lock-table.ts';
import type { Stage } from '../../support/providers/stage.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { archive, releaseEntries, sha256 } from '../../unit/release/archives.ts';

export const application = 'concourse-ci';
export const webService = 'concourse-server.service';
export const workerService = 'concourse-worker.service';
const mirror = 'http://mirror.example/releases';

export interface DeploymentOptions {
  units?: number;
  seed?: number;
  config?: Record<string, string | number | boolean>;
  profile?: '4.0' | '3.6';
  /** How often Juju runs update-status; never, unless it is given. */
  updateStatusMs?: number;
  /** Juju storages that every unit has from the start. */
  storage?: readonly ('concourse-data' | 'worker-scratch')[];
}

export class Deployment {
  readonly clock = new VirtualClock();
  readonly cluster: Cluster;
  /** The secret of the option postgres-uri. */
  readonly postgres: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'concourse-ci-cluster-'));
  readonly volume = join(this.directory, 'volume');
  readonly machines = new Map<string, FakeMachine>();
  /** Archives fetched, by version, in order. */
  readonly downloads: string[] = [];
  /** Versions whose web never answers. */
  readonly silentWeb = new Set<string>();
  /** Units that do not mount the shared volume, but find another in its place. Name them before they are added. */
  readonly ownVolume = new Set<string>();
  /** Applications of workers on the volume of web itself. Name them before they are deployed. */
  readonly guests = new Set<string>();
  /** Units whose hook's next process is changed by a test: to crash, to watch. */
  readonly nextProcess = new Map<string, (process: Effects) => void>();
  /** What becomes of web's questions to its database. */
  database: 'readable' | 'unreadable' | 'silent' = 'readable';
  /** Units whose builds do not end: told to land or to retire, their workers stay. */
  readonly busy = new Set<string>();
  /** What web lists: workers by name, with their states. */
  readonly listed = new Map<string, 'running' | 'stalled' | 'landing' | 'landed' | 'retiring'>();
  /** What releases say of their schema, where it is not their version's digits. */
  readonly schemas = new Map<string, string>();
  /** What becomes of one-off builds: their state and the worker that has taken them; undefined: web begins none. */
  builds: { status: string; worker?: string } | undefined = { status: 'succeeded', worker: 'concourse-ci-1' };
  /** What was sent to web to begin builds, and which of them were aborted. */
  readonly begun: string[] = [];
  readonly aborted: string[] = [];
  /** The database's schema, where it is not what the asking release supports; `broken`: at 1, and no migration succeeds. */
  schema: string | undefined;
  /** Calls of the worker's script by the charm, as `UNIT VERB`. */
  readonly scripts: string[] = [];
  /** Arguments of every hook tool and every command that units ran: what `ps` shows to whoever is on the machine. */
  readonly ran: string[] = [];
  /** Fingerprints of the worker keys that a web elsewhere lets in; undefined while there is none. */
  authorizedElsewhere: Set<string> | undefined;
  /** Called for every process, before its hook. */
  everyProcess: ((unit: string, process: Effects) => void) | undefined;
  /** The version that each revision of the charm pins. */
  readonly pins = ['8.1.0'];
  /** Versions that the mirror has. */
  readonly mirrored = new Map<string, Buffer>();
  readonly #locks = new LockTable();

  constructor(options: DeploymentOptions = {}) {
    onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
    for (const version of ['8.1.0', '8.2.0', '8.3.0'])
      this.mirrored.set(version, archive(releaseEntries(version)));
    this.cluster = new Cluster({
      seed: options.seed ?? 1,
      clock: this.clock,
      disk: {
        read: (_unit, path) => readFileSync(path, 'utf8'),
        write: (_unit, path, text) => writeFileSync(path, text),
      },
      beforeTool: (_unit, tool, args) => void this.ran.push([tool, ...args].join(' ')),
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      ...(options.updateStatusMs === undefined ? {} : { updateStatusMs: options.updateStatusMs }),
      charm: (unit, revision) =>
        concourse(this.#process(unit).host, pinOf(this.pins[revision] ?? this.pins.at(-1) ?? '8.1.0')),
    });
    this.postgres = this.juju.addSecret('postgres', {
      uri: 'postgresql://concourse:hunter2hunter2@db:5432/concourse',
    });
    this.cluster.deploy(application, {
      units: options.units ?? 3,
      config: { 'release-mirror': mirror, 'postgres-uri': this.postgres, ...options.config },
      address: (number) => `10.0.0.${10 + number}`,
      storage: {
        'concourse-data': { count: this.#wanted(options, 'concourse-data') },
        'worker-scratch': {
          count: this.#wanted(options, 'worker-scratch'),
          location: (number) => this.scratch(this.unit(number)),
        },
      },
    });
    this.juju.grantSecret('postgres', application);
  }

  #wanted(options: DeploymentOptions, storage: 'concourse-data' | 'worker-scratch'): number {
    return options.storage?.includes(storage) === true ? 1 : 0;
  }

  /** Where a unit's machine has the storage worker-scratch. */
  scratch(unit: string): string {
    return join(this.#root(unit), 'var/lib/concourse-scratch');
  }

  #root(unit: string): string {
    const [app, number] = unit.split('/');
    return join(this.directory, app === application ? `machine-${number}` : `machine-${app}-${number}`);
  }

  /** Another application of this charm: workers alone, with a volume of their own that they share. */
  deployWorkers(app: string, options: Pick<DeploymentOptions, 'units' | 'config'> = {}): void {
    const others = new Set([...this.machines.keys()].map((unit) => unit.split('/')[0]));
    this.cluster.deploy(app, {
      files: this.files,
      units: options.units ?? 2,
      config: { mode: 'worker', 'release-mirror': mirror, ...options.config },
      address: (number) => `10.0.${others.size}.${10 + number}`,
    });
  }

  /** Deployed and at rest. */
  static async settled(options: DeploymentOptions = {}): Promise<Deployment> {
    const deployment = new Deployment(options);
    await deployment.cluster.settle();
    return deployment;
  }

  /** The charm's files, for a refresh. */
  get files() {
    return charmFiles(definition);
  }

  get juju() {
    return this.cluster.juju;
  }

  /** For the applications beside it. */
  get stage(): Stage {
    const { cluster, juju, clock } = this;
    return {
      juju,
      play: (app, charm) => cluster.deploy(app, { charm: () => charm }),
      operate: (command) => command(juju),
      settle: () => cluster.settle(),
      now: () => clock.now(),
    };
  }

  unit(number: number): string {
    return `${application}/${number}`;
  }

  machine(unit: string): FakeMachine {
    const known = this.machines.get(unit);
    if (known !== undefined) return known;
    const [app = '', number] = unit.split('/');
    mkdirSync(this.scratch(unit), { recursive: true });
    const volume =
      app === application || this.guests.has(app) ? this.volume : join(this.directory, `volume-${app}`);
    const machine = new FakeMachine({
      directory: this.#root(unit),
      clock: this.clock,
      ...(this.ownVolume.has(unit) ? {} : { volume }),
      locks: this.#locks,
      seed: app === application ? Number(number) + 1 : 1000 + this.machines.size,
    });
    machine.onCommand = (command, args) => {
      this.ran.push([command, ...args].join(' '));
      return this.#command(unit, command, args);
    };
    machine.http.onOpen = async (url) => this.#serve(url);
    machine.http.onProbe = (url, request) =>
      this.#probe(unit, url, request?.method ?? 'GET', request?.body ?? '');
    machine.services.onStart = ({ name, environment }) =>
      this.#started(unit, name, environment['CONCOURSE_NAME']);
    machine.services.onSignal = (name, signal) => this.#signalled(unit, name, signal);
    machine.services.onArm = (timer) => this.#arm(unit, timer.dueMs, timer.command);
    machine.services.onDisarm = () => this.#forgetTimers(unit);
    this.machines.set(unit, machine);
    return machine;
  }

  facts(unit: string): Record<string, string> {
    return { ...this.juju.databag('peers', unit) };
  }

  goal(): Record<string, string> {
    return { ...this.juju.databag('peers', application) };
  }

  /** `active`, or what is shown in its place. */
  status(unit: string): string {
    const { status, message } = this.juju.unitStatus(unit);
    return message === '' ? status : `${status}: ${message}`;
  }

  statuses(app = application): string[] {
    return this.juju.units(app).map((unit) => this.status(unit));
  }

  /** What the service's process runs; undefined while it does not. */
  async runs(unit: string, service: string): Promise<string | undefined> {
    const state = (await this.machine(unit).services.show([service]))[service];
    return state?.environment?.['CHARM_RELEASE'];
  }

  async workersRun(app = application): Promise<(string | undefined)[]> {
    const workers = this.juju.units(app).filter((unit) => this.facts(unit)['role'] !== 'web');
    return Promise.all(workers.map((unit) => this.runs(unit, workerService)));
  }

  installed(): string {
    return readFileSync(join(this.volume, '.installed_version'), 'utf8').trim();
  }

  binTarget(): string {
    return readlinkSync(join(this.volume, 'bin'));
  }

  /** What no settled volume has: staging folders, leases, temporary files. */
  leftovers(): string[] {
    const top = readdirSync(this.volume).filter(
      (name) => name === '.download_in_progress' || name === '.install.lease',
    );
    const staging = readdirSync(join(this.volume, '.staging'));
    return [...top, ...staging];
  }

  filesOnVolume(): string[] {
    const entries = readdirSync(this.volume, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  /** What a holder of the lock put out of the way, below `.foreign-…`. */
  setAside(): string[] {
    const folder = readdirSync(this.volume).find((name) => name.startsWith('.foreign-'));
    if (folder === undefined) return [];
    const files = readdirSync(join(this.volume, folder), { recursive: true, withFileTypes: true });
    const root = join(this.volume, folder);
    return files
      .filter((each) => each.isFile())
      .map((each) => relative(root, join(each.parentPath, each.name)));
  }

  /** A process of another machine takes the install lock, and keeps it until `release`. */
  async holdLock(unit: string): Promise<{ release(): Promise<void> }> {
    const process = this.machine(unit).process();
    const taken = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const holding = withInstallLock(process.host, { unit, purpose: 'a test', waitMs: 1000 }, async () => {
      taken.resolve();
      await done.promise;
    });
    await taken.promise;
    return {
      release: async () => {
        done.resolve();
        await holding;
      },
    };
  }

  /** A process of another machine takes the install lock and dies with it. */
  async abandonLock(unit: string): Promise<void> {
    const process = this.machine(unit).process();
    const dead = withInstallLock(process.host, { unit, purpose: 'a test', waitMs: 1000 }, () =>
      process.end(),
    );
    await expect(dead).rejects.toThrow();
  }

  /** The unit's machine loses power: services, timers and the running hook are gone. */
  async powerOff(unit: string): Promise<void> {
    this.juju.agentDown(unit);
    await this.machine(unit).powerOff();
    this.#forgetTimers(unit);
  }

  async powerOn(unit: string): Promise<void> {
    await this.machine(unit).powerOn();
    this.juju.agentUp(unit);
  }

  #process(unit: string): Effects {
    const process = this.machine(unit).process();
    this.nextProcess.get(unit)?.(process);
    this.nextProcess.delete(unit);
    this.everyProcess?.(unit, process);
    return process;
  }

  #serve(url: string) {
    const version = /concourse-(.+)-linux-amd64\.tgz(\.sha256)?$/.exec(url);
    const bytes = this.mirrored.get(version?.[1] ?? '');
    if (bytes === undefined) return respond(url, 'not found', { status: 404 });
    if (version?.[2] !== undefined)
      return respond(url, `${sha256(bytes)}  concourse-${version[1]}-linux-amd64.tgz\n`);
    this.downloads.push(version?.[1] ?? '');
    return respond(url, bytes);
  }

  #command(unit: string, command: string, args: readonly string[]) {
    const version = /releases\/([^/]+)\/bin\/concourse$|staging\/.*\/([^/]+)\/bin\/concourse$/.exec(command);
    const found = version?.[1] ?? version?.[2];
    if (found !== undefined && args[0] === '--version') return { code: 0, stdout: `${found}\n`, stderr: '' };
    const to = /^--migrate-db-to-version=(\d+)$/.exec(args[1] ?? '')?.[1];
    if (to !== undefined && this.schema === 'broken')
      return { code: 1, stdout: '', stderr: 'error: migration failed\n' };
    if (to !== undefined && this.schema !== undefined) this.schema = to;
    if (args[1] === '--current-db-version' && this.schema !== undefined)
      return { code: 0, stdout: `${this.schema === 'broken' ? 1 : this.schema}\n`, stderr: '' };
    if (found !== undefined && args[0] === 'migrate')
      return { code: 0, stdout: `${this.schemas.get(found) ?? found.replaceAll('.', '')}\n`, stderr: '' };
    if (command === '/bin/sh') {
      this.scripts.push(`${unit} ${args[1]}`);
      return { code: 0, stdout: '', stderr: '' };
    }
    if (command === 'useradd') return { code: 0, stdout: '', stderr: '' };
    return { code: 127, stdout: '', stderr: `${command}: not found` };
  }

  async #probe(unit: string, url: string, method: string, body: string) {
    const version = await this.runs(unit, webService);
    if (version === undefined || this.silentWeb.has(version)) return undefined;
    const answer = (body: object) => ({ status: 200, body: JSON.stringify(body) });
    if (url.endsWith('/api/v1/info')) return answer({ version, worker_version: '2.5' });
    if (url.endsWith('/api/v1/teams/main/pipelines')) {
      if (this.database === 'silent') return undefined;
      return this.database === 'readable' ? answer([]) : { status: 500, body: '' };
    }
    if (url.endsWith('/sky/issuer/token')) return answer({ access_token: 'a token' });
    if (url.endsWith('/api/v1/workers'))
      return answer([...this.listed].map(([name, state]) => ({ name, state, version: '2.5' })));
    if (url.includes('/builds') || url.includes('/containers?')) return this.#build(url, method, body);
    const name = /\/api\/v1\/workers\/([^/]+)\/prune$/.exec(url)?.[1];
    if (name === undefined || method !== 'PUT') return undefined;
    if (this.listed.get(name) === 'running') return { status: 400, body: '' };
    this.listed.delete(name);
    return answer({});
  }

  #build(url: string, method: string, body: string) {
    const { builds } = this;
    const reply = (status: number, answer: object) => ({ status, body: JSON.stringify(answer) });
    if (builds === undefined) return { status: 500, body: 'no' };
    if (method === 'POST') this.begun.push(body);
    if (method === 'POST') return reply(201, { id: this.begun.length, status: 'started', team_name: 'main' });
    if (method === 'PUT') this.aborted.push(url);
    if (!url.includes('/containers?')) return reply(200, { id: this.begun.length, status: builds.status });
    return reply(200, builds.worker === undefined ? [] : [{ type: 'task', worker_name: builds.worker }]);
  }

  /** A worker registers when it starts and web knows its key, or when web learns of it later. */
  async #started(unit: string, service: string, worker: string | undefined): Promise<void> {
    if (service === workerService) await this.#register(unit, worker);
  }

  async #signalled(unit: string, service: string, signal: string): Promise<void> {
    if (service === webService && signal === 'SIGHUP') await this.registerAll();
    if (service !== workerService || (signal !== 'SIGUSR1' && signal !== 'SIGUSR2')) return;
    if (this.busy.has(unit)) return;
    if (signal === 'SIGUSR2') this.listed.delete(await this.#workerName(unit));
    await this.machine(unit).services.exit(workerService, 'success');
  }

  /** Web has read its keys anew: workers that run try again. */
  async registerAll(): Promise<void> {
    for (const other of this.machines.keys())
      if ((await this.runs(other, workerService)) !== undefined) await this.#register(other);
  }

  async #register(unit: string, name?: string): Promise<void> {
    const services = this.machine(unit).services;
    const key = readFileSync(join(this.machine(unit).paths.etc, 'worker_key.pub'), 'utf8').trim();
    const known = await this.#authorized();
    const line = known.has(fingerprint(key))
      ? { message: 'worker.beacon-runner.beacon.registered' }
      : {
          message: 'worker.beacon-runner.beacon.exited-with-error',
          data: { error: 'ssh: unable to authenticate' },
        };
    services.append(workerService, JSON.stringify(line));
    if (known.has(fingerprint(key))) this.listed.set(name ?? (await this.#workerName(unit)), 'running');
  }

  async #workerName(unit: string): Promise<string> {
    const state = (await this.machine(unit).services.show([workerService]))[workerService];
    return state?.environment?.['CONCOURSE_NAME'] ?? unit.replace('/', '-');
  }

  async #authorized(): Promise<Set<string>> {
    if (this.authorizedElsewhere !== undefined) return this.authorizedElsewhere;
    for (const [unit, machine] of this.machines) {
      if ((await this.runs(unit, webService)) === undefined) continue;
      const text = readFileSync(join(machine.paths.etc, 'authorized_worker_keys'), 'utf8');
      return new Set(text.split('\n').filter(Boolean).map(fingerprint));
    }
    return new Set();
  }

  #arm(unit: string, at: number, command: readonly string[]): void {
    this.#forgetTimers(unit);
    this.ran.push(command.join(' '));
    this.cluster.timers.push({ at: Math.ceil(at), unit, script: command.at(-1) ?? '' });
  }

  #forgetTimers(unit: string): void {
    for (let index = this.cluster.timers.length - 1; index >= 0; index -= 1) {
      if (this.cluster.timers[index]?.unit === unit) this.cluster.timers.splice(index, 1);
    }
  }
}

const pinOf = (version: string) => ({ version, sha256: { amd64: null, arm64: null }, seen: 'a test' });

/** The process is killed instead of its n-th effect, or just after it. */
export const killAt =
  (when: 'before' | 'after', n: number) =>
  (process: Effects): void => {
    const killed = new Killed(`${when} effect ${n}`);
    if (when === 'before') process.crashBefore(n, killed);
    else process.crashAfter(n, killed);
  };
