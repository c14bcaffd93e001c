// An application of one web unit and many workers for the simulation of scale: the charm's real code on fake machines, on one
// fake Juju, each machine with a clock of its own that its hook's costs move.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { charmFiles, execute } from 'juju-ts-ops';
import { FakeJuju, type HookContext, type Operation } from 'juju-ts-ops/testing';
import { concourse } from '../../src/charm.ts';
import { definition } from '../../src/definition.ts';
import { fingerprint } from '../../src/concourse/keys.ts';
import { FakeMachine } from '../support/fake-host.ts';
import { respond } from '../support/fake-http.ts';
import { LockTable } from '../support/lock-table.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { archive, releaseEntries, sha256 } from '../unit/release/archives.ts';
import { databaseProbe } from './mirror.ts';
import { costs, toolCallMs } from './scale-costs.ts';

export const application = 'concourse-ci';
export const web = `${application}/0`;
export const before = '8.1.0';
export const after = '8.2.0';
const webService = 'concourse-server.service';
const workerService = 'concourse-worker.service';
const mirror = 'http://mirror.example/releases';
const pin = { version: before, sha256: { amd64: null, arm64: null }, seen: 'the simulation of scale' };

export interface Run {
  context: HookContext;
  endsAt: number;
  /** Ends the process: Juju commits what it had buffered. */
  finish(): void;
}

interface Seat {
  machine: FakeMachine;
  clock: MachineClock;
}

/** Costs are parts of a ms; what a machine reads is whole, as everywhere. */
class MachineClock extends VirtualClock {
  override now(): number {
    return Math.floor(super.now());
  }
}

export class Site {
  now = Date.UTC(2026, 0, 1);
  readonly juju: FakeJuju;
  readonly units: readonly string[];
  /** Workers' services: when they stopped and started last (ms). */
  readonly stoppedAt = new Map<string, number>();
  readonly startedAt = new Map<string, number>();
  /** A timer of a unit's was armed, for then (ms). */
  onArm: (unit: string, at: number) => void = () => {};
  configTwice = false;
  private readonly seats = new Map<string, Seat>();
  private readonly locks = new LockTable();
  private readonly directory = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'concourse-ci-scale-'),
  );
  private readonly releases = new Map([before, after].map((each) => [each, archive(releaseEntries(each))]));
  private authorized = { text: '', keys: new Set<string>() };

  constructor(workers: number, seed: number) {
    this.juju = new FakeJuju({
      seed,
      clock: { now: () => this.now },
      configChangedTwice: () => this.configTwice,
      disk: {
        read: (_unit, path) => readFileSync(path, 'utf8'),
        write: (_unit, path, text) => writeFileSync(path, text),
      },
    });
    const postgres = this.juju.addSecret('postgres', {
      uri: 'postgresql://concourse:hunter2hunter2@db:5432/concourse',
    });
    this.juju.deploy(application, charmFiles(definition), {
      units: workers + 1,
      config: { 'release-mirror': mirror, 'postgres-uri': postgres },
      address: (number) => `10.0.${number >> 8}.${number & 255}`,
    });
    this.juju.grantSecret('postgres', application);
    this.units = this.juju.units(application);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  get relation() {
    const [only] = this.juju.model.relations.values();
    if (only === undefined) throw new Error('the application has no peer relation');
    return only;
  }

  unit(name: string) {
    const found = this.juju.model.units.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  machine(name: string): FakeMachine {
    return this.seat(name).machine;
  }

  /** What the operation does until its process ends; `now` stands still meanwhile, the machine's own clock goes on. */
  async run(name: string, operation: Operation): Promise<Run> {
    const { machine, clock } = this.seat(name);
    clock.advance(Math.max(this.now - clock.monotonic(), 0) + costs.wholeStartMs);
    const context = this.juju.begin(name, operation);
    const env =
      operation.kind === 'exec' ? { ...context.env, JUJU_DISPATCH_PATH: 'hooks/wake' } : context.env;
    const errors: string[] = [];
    const exitCode = await execute(concourse(machine.process().host, pin), {
      env,
      runTool: async (tool, args, { stdin }) => {
        const answer = context.tool(tool, args, stdin);
        clock.advance(toolCallMs(tool));
        return answer;
      },
      writeError: (line) => void errors.push(line),
    });
    if (exitCode !== 0)
      throw new Error(
        `${name} ${operation.name}: exit ${exitCode}; ${errors.join('; ')} ${this.lastWords(name)}`,
      );
    const quiet = context.calls.length === 0;
    return {
      context,
      endsAt: quiet ? this.now + costs.quietHookMs : clock.monotonic(),
      finish: () => {
        const { outcome, reason } = context.finish({ exitCode, stderr: errors.join('\n') });
        if (outcome !== 'committed') throw new Error(`${name} ${operation.name}: ${outcome}: ${reason}`);
      },
    };
  }

  /** True while the unit's timer is armed for `at` or before; it is taken off then, and its command is queued. */
  fire(name: string): boolean {
    const due = this.machine(name).services.takeDueTimers();
    for (const { command } of due) this.juju.exec(name, command.at(-1) ?? '');
    return due.length > 0;
  }

  private lastWords(name: string): string {
    return this.juju.log.filter((entry) => entry.unit === name).at(-1)?.text ?? '';
  }

  private seat(name: string): Seat {
    const known = this.seats.get(name);
    if (known !== undefined) return known;
    const number = Number(name.split('/')[1]);
    const clock = new MachineClock(this.now);
    const machine = new FakeMachine({
      directory: join(this.directory, `machine-${number}`),
      volume: join(this.directory, 'volume'),
      clock,
      locks: this.locks,
      seed: number + 1,
    });
    machine.onCommand = (command, args) => commandAnswer(command, args);
    machine.http.onOpen = async (url) => this.served(url);
    machine.http.onProbe = async (url) => {
      const version = await this.runs(name, webService);
      if (version === undefined) return undefined;
      if (url.endsWith(databaseProbe)) return { status: 200, body: '[]' };
      if (!url.endsWith('/api/v1/info')) return undefined;
      return { status: 200, body: JSON.stringify({ version, worker_version: '2.5' }) };
    };
    machine.services.onStart = ({ name: service }) => this.started(name, service);
    machine.services.onStop = (service) => this.stopped(name, service);
    machine.services.onArm = ({ dueMs }) => this.onArm(name, dueMs);
    const seat = { machine, clock };
    this.seats.set(name, seat);
    return seat;
  }

  private async runs(name: string, service: string): Promise<string | undefined> {
    return (await this.machine(name).services.show([service]))[service]?.environment?.['CHARM_RELEASE'];
  }

  private started(name: string, service: string): void {
    const { clock, machine } = this.seat(name);
    clock.advance(service === webService ? costs.webStartMs : costs.workerStartMs);
    if (service !== workerService) return;
    const key = readFileSync(join(machine.paths.etc, 'worker_key.pub'), 'utf8').trim();
    if (!this.authorizedKeys().has(fingerprint(key))) throw new Error(`${name} starts before web lets it in`);
    machine.services.append(
      workerService,
      JSON.stringify({ message: 'worker.beacon-runner.beacon.registered' }),
    );
    this.startedAt.set(name, clock.monotonic());
  }

  private stopped(name: string, service: string): void {
    const { clock } = this.seat(name);
    if (service === workerService) this.stoppedAt.set(name, clock.monotonic());
    clock.advance(service === webService ? costs.webStopMs : costs.workerStopMs);
  }

  private authorizedKeys(): ReadonlySet<string> {
    const text = readFileSync(join(this.machine(web).paths.etc, 'authorized_worker_keys'), 'utf8');
    if (text !== this.authorized.text)
      this.authorized = { text, keys: new Set(text.split('\n').filter(Boolean).map(fingerprint)) };
    return this.authorized.keys;
  }

  private served(url: string) {
    const [, version = '', digest] = /concourse-(.+)-linux-amd64\.tgz(\.sha256)?$/.exec(url) ?? [];
    const bytes = this.releases.get(version);
    if (bytes === undefined) return respond(url, 'not found', { status: 404 });
    if (digest === undefined) return respond(url, bytes);
    return respond(url, `${sha256(bytes)}  concourse-${version}-linux-amd64.tgz\n`);
  }
}

function commandAnswer(command: string, args: readonly string[]) {
  const [, version] = /\/([^/]+)\/bin\/concourse$/.exec(command) ?? [];
  if (version !== undefined && args[0] === '--version')
    return { code: 0, stdout: `${version}\n`, stderr: '' };
  return command === 'useradd'
    ? { code: 0, stdout: '', stderr: '' }
    : { code: 127, stdout: '', stderr: `${command}: not found` };
}
