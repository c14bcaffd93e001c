// systemd of one simulated machine: services as states, unit files on its disk, timers; and whether they start, stop and live.
import type { ServiceState, Services } from '../../src/host/host.ts';
import { SystemdFailure } from '../../src/host/errors.ts';
import { parseEnvironment } from '../support/fake-services.ts';
import type { Mounts } from './mounts.ts';
import type { Process, Scheduler } from './scheduler.ts';

export interface Service {
  name: string;
  active: 'active' | 'inactive' | 'failed';
  mainPid: number;
  restarts: number;
  invocation: string;
  environment: Record<string, string> | undefined;
  /** The release whose program it runs. */
  version: string | undefined;
  startedAt: number;
  /** From when on web answers (ms). */
  answersAt: number;
  /** A worker that lands: when its last build is over. */
  landsAt: number;
  /** When systemd tries again to start what failed. */
  retryAt: number;
  /** Web: the worker keys that it has read. */
  authorized: string;
}

export interface Timer {
  name: string;
  at: number;
  script: string;
  /** Its command waits in Juju's queue, or runs. */
  running: boolean;
}

/** What can go wrong with services on a machine. */
export interface ServiceTroubles {
  /** Starts fail while this is above 0. */
  failingStarts: number;
  /** Virtual ms that a stop takes. */
  stopMs: number;
  /** Virtual ms until web answers. */
  webMs: number;
  /** Virtual ms until a worker has landed. */
  landMs: number;
  /** Versions whose web never answers. */
  silent: Set<string>;
}

export interface ServiceEvents {
  /** Just before a service starts; `by` is undefined when systemd itself starts it. */
  starting(service: string, version: string | undefined, by: Process | undefined): void;
  stopped(service: string, by: Process | undefined): void;
}

export const webService = 'concourse-server.service';
export const workerService = 'concourse-worker.service';
const unitDirectory = '/etc/systemd/system';
/** RestartSec of both units. */
const retryMs = 5_000;

const substate = { active: 'running', failed: 'failed', inactive: 'dead' } as const;

export class SimulatedSystemd {
  readonly services = new Map<string, Service>();
  readonly timers = new Map<string, Timer>();
  readonly enabled = new Set<string>();
  readonly troubles: ServiceTroubles = {
    failingStarts: 0,
    stopMs: 50,
    webMs: 500,
    landMs: 40_000,
    silent: new Set(),
  };
  private pids = 10_000;
  private invocations = 0;
  private readonly mounts: Mounts;
  private readonly scheduler: Scheduler;
  private readonly events: ServiceEvents;

  constructor(mounts: Mounts, scheduler: Scheduler, events: ServiceEvents) {
    this.mounts = mounts;
    this.scheduler = scheduler;
    this.events = events;
  }

  of(name: string): Service {
    const found = this.services.get(name);
    if (found !== undefined) return found;
    const fresh: Service = {
      name,
      active: 'inactive',
      mainPid: 0,
      restarts: 0,
      invocation: '',
      environment: undefined,
      version: undefined,
      startedAt: 0,
      answersAt: 0,
      landsAt: Number.POSITIVE_INFINITY,
      retryAt: Number.POSITIVE_INFINITY,
      authorized: '',
    };
    this.services.set(name, fresh);
    return fresh;
  }

  isUp(name: string): boolean {
    return this.services.get(name)?.active === 'active';
  }

  /** The release that runs; undefined while it does not. */
  runs(name: string): string | undefined {
    const service = this.services.get(name);
    return service?.active === 'active' ? service.version : undefined;
  }

  webAnswers(): string | undefined {
    const web = this.services.get(webService);
    if (web?.active !== 'active' || web.version === undefined || this.scheduler.now < web.answersAt)
      return undefined;
    return this.troubles.silent.has(web.version) ? undefined : web.version;
  }

  readKeys(): void {
    this.of(webService).authorized = this.text('/etc/concourse/authorized_worker_keys') ?? '';
  }

  /** The process ends by itself; systemd starts it again where its unit file says so. */
  die(name: string): void {
    const service = this.of(name);
    if (service.active !== 'active') return;
    this.end(service, 'failed', undefined);
    this.retry(service);
  }

  /** Without a limit to how often: the unit files say so. */
  private retry(service: Service): void {
    if (/^Restart=(always|on-failure)$/m.test(this.text(`${unitDirectory}/${service.name}`) ?? ''))
      service.retryAt = this.scheduler.now + retryMs;
  }

  /** When something happens here by itself. */
  nextTime(): number {
    const times = [...this.services.values()].flatMap(({ landsAt, retryAt }) => [landsAt, retryAt]);
    return Math.min(Number.POSITIVE_INFINITY, ...times);
  }

  /** What failed is started again; whose builds are over ends by itself, and well: systemd starts it again only where it always
   * does. */
  goOn(): void {
    for (const service of this.services.values()) {
      if (service.retryAt <= this.scheduler.now) {
        const restarts = service.restarts + 1;
        this.launch(service.name, undefined);
        service.restarts = restarts;
      }
      if (service.active !== 'active' || service.landsAt > this.scheduler.now) continue;
      this.end(service, 'inactive', undefined);
      if (/^Restart=always$/m.test(this.text(`${unitDirectory}/${service.name}`) ?? ''))
        this.launch(service.name, undefined);
    }
  }

  powerOff(): void {
    this.timers.clear();
    for (const service of this.services.values())
      if (service.active === 'active') this.end(service, 'inactive', undefined);
      else this.giveUp(service);
  }

  powerOn(): void {
    for (const name of [...this.enabled].sort()) this.launch(name, undefined);
  }

  /** As seen by a process of this machine. */
  facing(process: Process): Services {
    const { scheduler } = this;
    const turn = (what: string, costMs = 5) => scheduler.turn(process, what, costMs);
    return {
      show: async (names) => {
        await turn('systemctl show');
        return Object.fromEntries(names.map((name) => [name, this.state(name)]));
      },
      install: async (name, text) => {
        await turn(`install ${name}`, 40);
        if (this.text(`${unitDirectory}/${name}`) === text) return false;
        const { disk, inode } = this.mounts.open(`${unitDirectory}/${name}`, 0o644, false);
        disk.setContent(inode, Buffer.from(text));
        disk.sync(inode);
        return true;
      },
      uninstall: async (name) => {
        await turn(`uninstall ${name}`, 60);
        const service = this.of(name);
        if (service.active === 'active') this.end(service, 'inactive', process);
        this.giveUp(service);
        this.enabled.delete(name);
        if (this.text(`${unitDirectory}/${name}`) !== undefined)
          this.mounts.unlink(`${unitDirectory}/${name}`);
      },
      enable: async (name) => {
        await turn(`systemctl enable ${name}`, 40);
        if (this.text(`${unitDirectory}/${name}`) === undefined)
          throw new SystemdFailure(`systemctl enable ${name}: no such unit file`);
        this.enabled.add(name);
      },
      disable: async (name) => {
        await turn(`systemctl disable ${name}`, 40);
        this.enabled.delete(name);
      },
      start: async (name) => {
        await turn(`systemctl start ${name}`, 30);
        if (this.of(name).active !== 'active') this.launchOrThrow(name, process);
      },
      restart: async (name) => {
        await this.stop(process, name);
        await turn(`systemctl restart ${name}`, 30);
        this.launchOrThrow(name, process);
      },
      stop: (name) => this.stop(process, name),
      signal: async (name, signal) => {
        await turn(`kill -s ${signal} ${name}`);
        const service = this.of(name);
        if (service.active !== 'active') throw new SystemdFailure(`systemctl kill ${name}: it does not run`);
        if (signal === 'SIGHUP') this.readKeys();
        if (signal === 'SIGUSR2') this.end(service, 'inactive', process);
        if (signal === 'SIGUSR1') service.landsAt = scheduler.now + this.troubles.landMs;
      },
      log: async (name, { invocation, containing }) => {
        await turn('journalctl', 10);
        const service = this.of(name);
        if (service.invocation !== invocation || name !== workerService || service.active !== 'active')
          return [];
        return this.registrationLines().filter((line) => containing.some((text) => line.includes(text)));
      },
      armTimer: async (name, delayMs, command) => {
        await turn(`systemd-run ${name}`, 30);
        const at = scheduler.now + Math.max(delayMs, 1000);
        this.timers.set(name, { name, at, script: command.at(-1) ?? '', running: false });
      },
      timerArmed: async (name) => {
        await turn('systemctl show timer');
        const timer = this.timers.get(name);
        return timer !== undefined && !timer.running;
      },
      disarmTimer: async (name) => {
        await turn(`disarm ${name}`, 20);
        this.timers.delete(name);
      },
    };
  }

  /** Whether web lets this machine's worker in: told by the world. */
  registered: () => boolean = () => false;

  private registrationLines(): string[] {
    return this.registered()
      ? [JSON.stringify({ message: 'worker.beacon-runner.beacon.registered' })]
      : [
          JSON.stringify({
            message: 'worker.beacon-runner.beacon.exited-with-error',
            data: { error: 'ssh: unable to authenticate' },
          }),
        ];
  }

  private async stop(process: Process, name: string): Promise<void> {
    await this.scheduler.turn(
      process,
      `systemctl stop ${name}`,
      this.of(name).active === 'active' ? this.troubles.stopMs : 5,
    );
    const service = this.of(name);
    if (service.active === 'active') this.end(service, 'inactive', process);
    this.giveUp(service);
  }

  /** Stopped while it was about to be started again. */
  private giveUp(service: Service): void {
    if (Number.isFinite(service.retryAt)) service.active = 'inactive';
    service.retryAt = Number.POSITIVE_INFINITY;
  }

  private launchOrThrow(name: string, by: Process): void {
    const problem = this.launch(name, by);
    if (problem !== undefined) throw new SystemdFailure(`systemctl start ${name}: ${problem}`);
  }

  /** The reason why it does not start. */
  private launch(name: string, by: Process | undefined): string | undefined {
    const service = this.of(name);
    const unit = this.text(`${unitDirectory}/${name}`);
    if (unit === undefined) return `Unit ${name} not found.`;
    const program = /^ExecStart=(\S*\/releases\/([^/]+)\/bin\/concourse) /m.exec(unit);
    this.events.starting(name, program?.[2], by);
    service.retryAt = Number.POSITIVE_INFINITY;
    this.invocations += 1;
    service.invocation = this.invocations.toString(16).padStart(32, '0');
    service.restarts = 0;
    const environment = this.environmentOf(unit);
    const missing =
      program === null || this.mounts.look(program[1] ?? '', true) === undefined || environment === undefined;
    if (this.troubles.failingStarts > 0) this.troubles.failingStarts -= 1;
    else if (!missing) {
      this.pids += 1;
      const { now } = this.scheduler;
      Object.assign(service, {
        active: 'active',
        mainPid: this.pids,
        environment,
        version: program[2],
        startedAt: now,
        answersAt: now + this.troubles.webMs,
      });
      if (name === webService) this.readKeys();
      return undefined;
    }
    Object.assign(service, { active: 'failed', mainPid: 0, environment: undefined });
    this.retry(service);
    return 'Job failed. See journalctl.';
  }

  private end(service: Service, active: 'inactive' | 'failed', by: Process | undefined): void {
    Object.assign(service, { active, mainPid: 0, environment: undefined, landsAt: Number.POSITIVE_INFINITY });
    this.events.stopped(service.name, by);
  }

  private state(name: string): ServiceState {
    const service = this.of(name);
    const again = Number.isFinite(service.retryAt);
    return {
      active: again ? 'activating' : service.active,
      subState: again ? 'auto-restart' : substate[service.active],
      enabled: this.enabled.has(name),
      installed: this.text(`${unitDirectory}/${name}`) !== undefined,
      mainPid: service.mainPid,
      restarts: service.restarts,
      invocation: service.invocation,
      environment: service.environment,
    };
  }

  private environmentOf(unit: string): Record<string, string> | undefined {
    const environment: Record<string, string> = {};
    for (const [, optional, file = ''] of unit.matchAll(/^EnvironmentFile=(-?)(\S+)$/gm)) {
      const text = this.text(file);
      if (text !== undefined) Object.assign(environment, parseEnvironment(text));
      else if (optional === '') return undefined;
    }
    return environment;
  }

  private text(file: string): string | undefined {
    return this.mounts.look(file, true)?.content.toString('utf8');
  }
}
