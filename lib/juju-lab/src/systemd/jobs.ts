// What `systemctl start`, `stop`, `restart` and `reload` do to one unit, with systemd's words for each failure.
import type { Unit } from './properties.ts';
import type { JobResult } from './run.ts';
import type { Systemd } from './systemd.ts';

/** What a command answers: exit code, lines for stdout and for stderr. */
export interface Reply {
  code: number;
  out: string[];
  err: string[];
}

/** A unit that a command names: a service, a timer, or nothing that systemd knows. */
export function find(systemd: Systemd, name: string): Unit {
  const timer = systemd.timers.get(name);
  if (timer !== undefined) return { name, timer };
  const loaded = systemd.load(name);
  return loaded === undefined ? { name } : { name, loaded };
}

/** A failure of one unit: exit code and lines for stderr; no lines, no failure. */
type JobFailure = [] | [code: number, ...messages: string[]];

export async function eachJob(
  systemd: Systemd,
  names: string[],
  job: (systemd: Systemd, name: string) => Promise<JobFailure>,
): Promise<Reply> {
  const warnings = names.flatMap((name) => changedOnDisk(systemd, name));
  const failures = await Promise.all(names.map((name) => job(systemd, name)));
  const codes = failures.flatMap(([code]) => code ?? []);
  return {
    code: codes.at(-1) ?? 0,
    out: [],
    err: [...warnings, ...failures.flatMap(([, ...messages]) => messages)],
  };
}

function changedOnDisk(systemd: Systemd, name: string): string[] {
  const loaded = systemd.services.get(name);
  if (loaded === undefined || !systemd.needsReload(loaded)) return [];
  return [
    `Warning: The unit file, source configuration file or drop-ins of ${name} changed on disk. Run 'systemctl daemon-reload' to reload units.`,
  ];
}

export async function startUnit(systemd: Systemd, name: string, verb = 'start'): Promise<JobFailure> {
  const { timer, loaded } = find(systemd, name);
  if (timer !== undefined) return [];
  if (loaded === undefined) return [5, `Failed to ${verb} ${name}: Unit ${name} not found.`];
  if (loaded.service.settings.refusal !== undefined) {
    return [
      1,
      `Failed to ${verb} ${name}: Unit ${name} has a bad unit file setting.`,
      loaded.service.settings.refusal,
    ];
  }
  return describeJob(name, await loaded.service.start());
}

export async function stopUnit(systemd: Systemd, name: string): Promise<JobFailure> {
  const { timer, loaded } = find(systemd, name);
  if (timer === undefined && loaded === undefined)
    return [5, `Failed to stop ${name}: Unit ${name} not loaded.`];
  if (timer !== undefined) systemd.removeTimer(name);
  await loaded?.service.stop();
  if (loaded !== undefined) systemd.collect(loaded);
  return [];
}

export async function restartUnit(systemd: Systemd, name: string): Promise<JobFailure> {
  await find(systemd, name).loaded?.service.stop();
  return await startUnit(systemd, name, 'restart');
}

export function isUp(systemd: Systemd, name: string): boolean {
  const service = find(systemd, name).loaded?.service;
  return service !== undefined && !service.resting;
}

export function canReload(systemd: Systemd, name: string): boolean {
  const service = find(systemd, name).loaded?.service;
  return service?.active === 'active' && service.settings.commands.ExecReload.length > 0;
}

export async function reloadUnit(systemd: Systemd, name: string): Promise<JobFailure> {
  const { loaded } = find(systemd, name);
  if (loaded === undefined) return [5, `Failed to reload ${name}: Unit ${name} not found.`];
  if (loaded.service.settings.commands.ExecReload.length === 0) {
    return [1, `Failed to reload ${name}: Job type reload is not applicable for unit ${name}.`];
  }
  if (loaded.service.active !== 'active') return [1, `${name} is not active, cannot reload.`];
  return describeJob(name, await loaded.service.reload());
}

function describeJob(name: string, result: JobResult): JobFailure {
  const see = `See "systemctl status ${name}" and "journalctl -xeu ${name}" for details.`;
  switch (result) {
    case 'done':
      return [];
    case 'canceled':
      return [1, `Job for ${name} canceled.`];
    case 'timeout':
      return [1, `Job for ${name} failed because a timeout was exceeded.`, see];
    case 'resources':
      return [1, `Job for ${name} failed because of unavailable resources or another system error.`, see];
    case 'signal':
      return [1, `Job for ${name} failed because a fatal signal was delivered to the control process.`, see];
    case 'exit-code':
      return [1, `Job for ${name} failed because the control process exited with error code.`, see];
    case 'start-limit-hit':
      return [1, `Job for ${name} failed.`, see];
    default:
      return result satisfies never;
  }
}
