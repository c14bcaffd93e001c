// systemd in memory: unit files are real, services are states, timers are a list.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock, ServiceState, Services } from '../../src/host/host.ts';

interface FakeService {
  active: ServiceState['active'];
  subState: string;
  mainPid: number;
  restarts: number;
  invocation: string;
  environment: Record<string, string> | undefined;
  log: { invocation: string; line: string }[];
}

export interface FakeTimer {
  name: string;
  /** Monotonic ms of the machine's clock. */
  dueMs: number;
  command: readonly string[];
}

export interface Started {
  name: string;
  environment: Record<string, string>;
  /** The text of the unit file. */
  unit: string;
  invocation: string;
}

export class FakeServices implements Services {
  readonly timers = new Map<string, FakeTimer>();
  /** Every start, oldest first. */
  readonly starts: Started[] = [];
  /** Every signal sent. */
  readonly signals: { name: string; signal: string }[] = [];
  /** Throws to make the start fail: the service is `failed` then, and `start` rejects with it. */
  onStart: ((started: Started) => void | Promise<void>) | undefined;
  onStop: ((name: string) => void | Promise<void>) | undefined;
  onSignal: ((name: string, signal: string) => void | Promise<void>) | undefined;
  onArm: ((timer: FakeTimer) => void) | undefined;
  onDisarm: ((name: string) => void) | undefined;
  private readonly services = new Map<string, FakeService>();
  private readonly enabled = new Set<string>();
  private pids = 10_000;
  private invocations = 0;
  private readonly directory: string;
  private readonly clock: Clock;

  constructor(unitDirectory: string, clock: Clock) {
    this.directory = unitDirectory;
    this.clock = clock;
  }

  async show(names: readonly string[]): Promise<Record<string, ServiceState>> {
    const entries = names.map(async (name) => {
      const { log: _, ...state } = this.of(name);
      const installed = (await this.unitText(name)) !== undefined;
      return [name, { ...state, enabled: this.enabled.has(name), installed }] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  async install(name: string, text: string): Promise<boolean> {
    if ((await this.unitText(name)) === text) return false;
    await writeFile(path.join(this.directory, name), text);
    return true;
  }

  async uninstall(name: string): Promise<void> {
    await this.stop(name);
    this.enabled.delete(name);
    await rm(path.join(this.directory, name), { force: true });
  }

  async enable(name: string): Promise<void> {
    if ((await this.unitText(name)) === undefined)
      throw new Error(`systemctl enable ${name}: no such unit file`);
    this.enabled.add(name);
  }

  async disable(name: string): Promise<void> {
    this.enabled.delete(name);
  }

  async start(name: string): Promise<void> {
    if (this.of(name).active !== 'active') await this.launch(name);
  }

  async restart(name: string): Promise<void> {
    await this.stop(name);
    await this.launch(name);
  }

  async stop(name: string): Promise<void> {
    if (!['active', 'activating'].includes(this.of(name).active)) return;
    await this.onStop?.(name);
    this.end(name, 'inactive');
  }

  async signal(name: string, signal: string): Promise<void> {
    if (this.of(name).active !== 'active') throw new Error(`systemctl kill ${name}: it does not run`);
    this.signals.push({ name, signal });
    await this.onSignal?.(name, signal);
  }

  async log(name: string, options: { invocation: string; containing: readonly string[] }): Promise<string[]> {
    return this.of(name)
      .log.filter(({ invocation }) => invocation === options.invocation)
      .map(({ line }) => line)
      .filter((line) => options.containing.some((text) => line.includes(text)));
  }

  async armTimer(name: string, delayMs: number, command: readonly string[]): Promise<void> {
    const timer = { name, dueMs: this.clock.monotonic() + Math.max(delayMs, 1000), command };
    this.timers.set(name, timer);
    this.onArm?.(timer);
  }

  async timerArmed(name: string): Promise<boolean> {
    return this.timers.has(name);
  }

  async disarmTimer(name: string): Promise<void> {
    this.timers.delete(name);
    this.onDisarm?.(name);
  }

  /** For the test: the timers whose time has come, taken off the list; it runs their commands. */
  takeDueTimers(): FakeTimer[] {
    const due = [...this.timers.values()].filter(({ dueMs }) => dueMs <= this.clock.monotonic());
    for (const { name } of due) this.timers.delete(name);
    return due;
  }

  /** For the test: a line that the running service writes. */
  append(name: string, line: string): void {
    const service = this.of(name);
    service.log.push({ invocation: service.invocation, line });
  }

  /** For the test: the process ends by itself; systemd starts it again where its unit file says so. */
  async exit(name: string, outcome: 'success' | 'failure'): Promise<void> {
    const restart = /^Restart=(.+)$/m.exec((await this.unitText(name)) ?? '')?.[1] ?? 'no';
    const { restarts } = this.of(name);
    this.end(name, outcome === 'failure' ? 'failed' : 'inactive');
    if (restart === 'always' || (restart === 'on-failure' && outcome === 'failure')) {
      await this.launch(name);
      this.of(name).restarts = restarts + 1;
    }
  }

  /** For the test: its process ended, and systemd is about to start it again. */
  failing(name: string): void {
    this.end(name, 'failed');
    Object.assign(this.of(name), { active: 'activating', subState: 'auto-restart' });
  }

  /** For the test: everything stops, timers are gone, and what is enabled starts. */
  async reboot(): Promise<void> {
    this.timers.clear();
    for (const name of this.services.keys()) this.end(name, 'inactive');
    for (const name of this.enabled) await this.launch(name);
  }

  private of(name: string): FakeService {
    const found = this.services.get(name);
    if (found !== undefined) return found;
    const fresh: FakeService = {
      active: 'inactive',
      subState: 'dead',
      mainPid: 0,
      restarts: 0,
      invocation: '',
      environment: undefined,
      log: [],
    };
    this.services.set(name, fresh);
    return fresh;
  }

  private async launch(name: string): Promise<void> {
    const unit = await this.unitText(name);
    if (unit === undefined) throw new Error(`systemctl start ${name}: Unit ${name} not found.`);
    const service = this.of(name);
    this.invocations += 1;
    service.invocation = this.invocations.toString(16).padStart(32, '0');
    service.restarts = 0;
    const environment = await environmentOf(unit);
    const started = { name, environment, unit, invocation: service.invocation };
    try {
      await this.onStart?.(started);
    } catch (error) {
      this.end(name, 'failed');
      throw error;
    }
    this.pids += 1;
    Object.assign(service, { active: 'active', subState: 'running', mainPid: this.pids, environment });
    this.starts.push(started);
  }

  private end(name: string, active: 'inactive' | 'failed'): void {
    const subState = active === 'failed' ? 'failed' : 'dead';
    Object.assign(this.of(name), { active, subState, mainPid: 0, environment: undefined });
  }

  private async unitText(name: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.directory, name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

/** `Environment=` and `EnvironmentFile=` of a unit file; a file that is not there fails the start, but for `-`. */
async function environmentOf(unit: string): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const line of unit.split('\n')) {
    const [, key, value = ''] = /^(Environment|EnvironmentFile)=(.*)$/.exec(line) ?? [];
    if (key === 'Environment') Object.assign(environment, parseEnvironment(value.replace(/^"(.*)"$/, '$1')));
    if (key !== 'EnvironmentFile') continue;
    try {
      Object.assign(environment, parseEnvironment(await readFile(value.replace(/^-/, ''), 'utf8')));
    } catch (error) {
      if (!value.startsWith('-') || !(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        throw error;
    }
  }
  return environment;
}

/** systemd.exec(5), EnvironmentFile=: assignments, comments, single and double quotes, backslashes. */
export function parseEnvironment(text: string): Record<string, string> {
  const environment: Record<string, string> = {};
  const assignment =
    /^[ \t]*([A-Za-z_][A-Za-z0-9_]*)=((?:"(?:\\[\s\S]|[^"\\])*"|'[^']*'|\\[\s\S]|[^\n"'\\])*)$/gm;
  for (const [, key = '', raw = ''] of text.matchAll(assignment)) {
    environment[key] = raw
      .trim()
      .replace(
        /"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|\\([\s\S])/g,
        (_, double?: string, single?: string, one?: string) =>
          double === undefined
            ? (single ?? one ?? '')
            : double.replace(/\\([\s\S])/g, (_all, c: string) => (c === '\n' ? '' : c)),
      );
  }
  return environment;
}
