// What `systemctl show` knows of a unit, in the order in which systemd prints it.
import type { Systemd, LoadedService } from './systemd.ts';
import type { Timer } from './timer.ts';
import { formatSpan } from './words.ts';

export interface Unit {
  name: string;
  loaded?: LoadedService;
  timer?: Timer;
}

/** Property to value, as text. A unit that systemd does not know has properties too (LoadState=not-found). */
export function propertiesOf(systemd: Systemd, { name, loaded, timer }: Unit): Record<string, string> {
  if (timer !== undefined) return timerProperties(systemd, timer);
  const file = loaded === undefined ? undefined : unitFileState(systemd, name, loaded);
  return {
    ...serviceProperties(loaded),
    Id: name,
    Names: name,
    Description: loaded?.service.settings.description ?? name,
    LoadState: loadState(systemd, name, loaded),
    ActiveState: loaded?.service.active ?? 'inactive',
    SubState: loaded?.service.sub ?? 'dead',
    FragmentPath: loaded?.file.path ?? '',
    UnitFileState: file ?? '',
    StateChangeTimestamp: loaded === undefined ? '' : timestamp(loaded.service.changedMs),
    NeedDaemonReload: loaded !== undefined && systemd.needsReload(loaded) ? 'yes' : 'no',
    Transient: loaded?.transient ? 'yes' : 'no',
    InvocationID: loaded?.service.invocation ?? '',
  };
}

function serviceProperties(loaded: LoadedService | undefined): Record<string, string> {
  const service = loaded?.service;
  const settings = service?.settings;
  const exit = service?.lastExit;
  return {
    Type: settings?.type ?? 'simple',
    Restart: settings?.restart ?? 'no',
    RestartUSec: formatSpan(settings?.restartDelayMs ?? 100),
    TimeoutStartUSec: formatSpan(settings?.startTimeoutMs ?? 90_000),
    TimeoutStopUSec: formatSpan(settings?.stopTimeoutMs ?? 90_000),
    RemainAfterExit: settings?.remainAfterExit ? 'yes' : 'no',
    MainPID: String(service?.mainPid ?? 0),
    Result: service?.result ?? 'success',
    NRestarts: String(service?.restarts ?? 0),
    ExecMainCode: exit === undefined ? '0' : exit.signal === null ? '1' : '2', // CLD_EXITED, CLD_KILLED
    ExecMainStatus: String(exit?.code ?? exit?.signal ?? 0),
    Environment: settings?.environment.map(([key, value]) => `${key}=${value}`).join(' ') ?? '',
    User: settings?.user ?? '',
    Group: settings?.group ?? '',
    KillMode: settings?.killMode ?? 'control-group',
  };
}

function timerProperties(systemd: Systemd, timer: Timer): Record<string, string> {
  return {
    Unit: timer.service,
    NextElapseUSecMonotonic:
      timer.sub === 'running' ? 'infinity' : formatSpan(Math.max(0, timer.dueMs - systemd.clock.now())),
    Id: timer.name,
    Names: timer.name,
    Description: systemd.services.get(timer.service)?.service.settings.description ?? timer.name,
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: timer.sub,
    FragmentPath: '',
    UnitFileState: 'transient',
    NeedDaemonReload: 'no',
    Transient: 'yes',
    InvocationID: '',
  };
}

function loadState(systemd: Systemd, name: string, loaded: LoadedService | undefined): string {
  if (loaded === undefined) return 'not-found';
  if (loaded.service.settings.refusal !== undefined) return 'bad-setting';
  return loaded.transient || systemd.fileOf(name) !== undefined ? 'loaded' : 'not-found';
}

function unitFileState(systemd: Systemd, name: string, loaded: LoadedService): string {
  if (loaded.transient) return 'transient';
  if (systemd.isEnabled(name)) return 'enabled';
  return systemd.wantedLinks(name, loaded.file).length === 0 ? 'static' : 'disabled';
}

function timestamp(ms: number): string {
  if (ms === 0) return '';
  const [day = '', date = '', time = ''] = [
    new Date(ms).toUTCString().slice(0, 3),
    ...new Date(ms).toISOString().split('T'),
  ];
  return `${day} ${date} ${time.slice(0, 8)} UTC`;
}
