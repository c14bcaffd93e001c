// The worker service: its environment, its unit file, and the key and script beside it.
import { bindAddresses } from './addresses.ts';
import {
  type ContainerEdits,
  containerdLauncher,
  editsAnything,
  noEdits,
  runcShim,
} from './container-edits.ts';
import { type Environment, FORBIDDEN_VARIABLE } from './environment-file.ts';
import { hostKeyFile } from './keys.ts';
import { type PlannedService, planService, type ServiceFile } from './service.ts';
import { commandLine, type Setting, unitFile, word } from './unit-file.ts';
import { holdCommand } from './worker-lock.ts';
import type { VolumeDriver } from './volume-driver.ts';
import type { LogLevel } from './web.ts';
import { workerServiceScript } from './worker-script.ts';

export const WORKER_SERVICE = 'concourse-worker.service';
export const HEALTH_PORT = 8888;
/** Bounds each step of a stop; a worker that gets SIGTERM is gone in 1.2–2.1 s, so this is for one that hangs. */
export const WORKER_STOP_SECONDS = 60;

/** Containerd's socket has one fixed path (/run/containerd): whoever else uses it cannot share a machine with a worker.
 * A worker that starts would stop these services, so look first. */
export const CONTAINERD_RIVALS: readonly string[] = ['containerd.service', 'docker.service'];

/** `houdini` isolates nothing: for tests, and where containers cannot be had. */
export type WorkerRuntime = 'containerd' | 'guardian' | 'houdini';

export interface WorkerSettings {
  /** The Juju unit that owns the service: `concourse-ci/1`. */
  unit: string;
  version: string;
  /** The release's own directory, never the `bin` link: `/var/lib/concourse/releases/8.2.0`. */
  release: string;
  /** `/etc/concourse` */
  etc: string;
  /** `/etc/default` */
  defaults: string;
  /** `/run` */
  run: string;
  /** `/var/lib/concourse` */
  volume: string;
  /** This unit's own folder on the volume. */
  folder: string;
  /** On a file system that can carry overlays. */
  workDirectory: string;
  /** How it keeps volumes; Concourse chooses by the kernel's version otherwise. */
  volumeDriver?: VolumeDriver | undefined;
  /** What tasks see of this machine, beyond what Concourse gives them. */
  edits?: ContainerEdits | undefined;
  /** Held while the worker runs: in the unit's own folder on the volume. */
  lockFile: string;
  /** Counts how often the work directory was lost: web would look for the old one's volumes under the same name. */
  incarnation?: number | undefined;
  /** The model's UUID, for a worker of another application's web. */
  model?: string | undefined;
  /** This unit's own address, as `network-get` tells it. */
  address: string;
  /** `host:port` of each web unit's TSA. */
  tsaHosts: readonly string[];
  /** Without a host key Concourse checks none: there must be one. */
  tsaHostKeys: readonly string[];
  workerKeyPem: string;
  runtime?: WorkerRuntime | undefined;
  logLevel?: LogLevel | undefined;
  proxies?: { http?: string | undefined; https?: string | undefined; no?: string | undefined } | undefined;
  /** Mounted into resource containers; Debian's own place by default. */
  certificatesDirectory?: string | undefined;
  /** Further settings, as options have them. */
  extra?: Environment | undefined;
  /** The text of the operator's own file, where there is one. */
  operatorEnvironment?: string | undefined;
}

/** Unique for ever, and the same after a restart, as long as the work directory is: `concourse-ci-1`. Beside workers of other
 * models, where an application may have the same name: `concourse-ci-1-m0a1b2c3d`. No unit's number begins with a letter. */
export const workerName = (unit: string, incarnation = 0, model?: string): string =>
  unit.replace(/\//g, '-') +
  (model === undefined ? '' : `-m${model.slice(0, 8)}`) +
  (incarnation > 0 ? `-${incarnation}` : '');

/** All that the worker service consists of; nothing is written. */
export function workerService(settings: WorkerSettings): PlannedService {
  return planService({
    name: WORKER_SERVICE,
    unit: workerUnitFile(settings),
    version: settings.version,
    environment: workerEnvironment(settings),
    environmentPath: environmentPath(settings.etc),
    files: files(settings),
    operatorEnvironment: settings.operatorEnvironment,
  });
}

const environmentPath = (etc: string): string => `${etc}/worker.env`;
const keyPath = (etc: string): string => `${etc}/worker_key`;
const hostKeyPath = (etc: string): string => `${etc}/tsa_host_key.pub`;
/** The programs that come before the release's own, where tasks get something of this machine. */
export const runtimeDirectory = (etc: string): string => `${etc}/runtime`;
const launcherPath = (etc: string): string => `${runtimeDirectory(etc)}/launch`;
export const workerScriptPath = (etc: string): string => `${etc}/worker-service.sh`;

function files(settings: WorkerSettings): ServiceFile[] {
  return [
    { path: keyPath(settings.etc), content: settings.workerKeyPem, mode: 0o600 },
    { path: hostKeyPath(settings.etc), content: hostKeyFile(settings.tsaHostKeys), mode: 0o644 },
    {
      path: workerScriptPath(settings.etc),
      content: workerServiceScript(settings.workDirectory),
      mode: 0o644,
    },
    ...runtimeFiles(settings),
  ];
}

function runtimeFiles({ etc, edits = noEdits }: WorkerSettings): ServiceFile[] {
  if (!editsAnything(edits)) return [];
  const directory = runtimeDirectory(etc);
  return [
    { path: launcherPath(etc), content: containerdLauncher(directory), mode: 0o755 },
    { path: `${directory}/runc`, content: runcShim(directory, edits), mode: 0o755 },
  ];
}

/** Without the marks that `workerService` adds. */
export function workerEnvironment(settings: WorkerSettings): Environment {
  const bind = bindAddresses(settings.address);
  const { proxies = {} } = settings;
  return {
    CONCOURSE_NAME: workerName(settings.unit, settings.incarnation, settings.model),
    CONCOURSE_WORK_DIR: settings.workDirectory,
    ...(settings.volumeDriver && { CONCOURSE_BAGGAGECLAIM_DRIVER: settings.volumeDriver }),
    CONCOURSE_TSA_HOST: settings.tsaHosts.join(','),
    CONCOURSE_TSA_PUBLIC_KEY: hostKeyPath(settings.etc),
    CONCOURSE_TSA_WORKER_PRIVATE_KEY: keyPath(settings.etc),
    CONCOURSE_RUNTIME: settings.runtime ?? 'containerd',
    ...(editsAnything(settings.edits ?? noEdits) && {
      CONCOURSE_CONTAINERD_BIN: launcherPath(settings.etc),
    }),
    // Garden and baggageclaim are root without a password: never beyond this machine.
    CONCOURSE_BIND_IP: bind.private,
    CONCOURSE_BAGGAGECLAIM_BIND_IP: bind.private,
    CONCOURSE_BAGGAGECLAIM_DEBUG_BIND_IP: bind.private,
    CONCOURSE_DEBUG_BIND_IP: bind.private,
    CONCOURSE_HEALTHCHECK_BIND_IP: bind.private,
    CONCOURSE_HEALTHCHECK_BIND_PORT: String(HEALTH_PORT),
    CONCOURSE_RESOURCE_TYPES: `${settings.release}/resource-types`,
    CONCOURSE_CERTS_DIR: settings.certificatesDirectory ?? '/etc/ssl/certs',
    CONCOURSE_LOG_LEVEL: settings.logLevel ?? 'info',
    // iptables lives in /usr/sbin.
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    // Concourse reads the lower-case names, and hands them on to containers.
    ...(proxies.http && { http_proxy: proxies.http }),
    ...(proxies.https && { https_proxy: proxies.https }),
    ...(proxies.no && { no_proxy: proxies.no }),
    ...settings.extra,
  };
}

/** Settings in the operator's own file with which a worker would not start. */
export function operatorProblems(
  runtime: WorkerRuntime,
  operator: Environment,
  edits: ContainerEdits = noEdits,
): string[] {
  // With another containerd, tasks would go without what they are promised.
  const launcher = 'CONCOURSE_CONTAINERD_BIN';
  if (editsAnything(edits) && launcher in operator) return [launcher];
  const foreign = { containerd: 'CONCOURSE_GARDEN_', guardian: 'CONCOURSE_CONTAINERD_', houdini: undefined }[
    runtime
  ];
  if (foreign === undefined) return [];
  return Object.keys(operator)
    .filter((key) => key.startsWith(foreign))
    .sort();
}

export function workerUnitFile(
  settings: Pick<
    WorkerSettings,
    | 'unit'
    | 'version'
    | 'release'
    | 'etc'
    | 'defaults'
    | 'run'
    | 'volume'
    | 'folder'
    | 'workDirectory'
    | 'lockFile'
    | 'runtime'
  >,
): string {
  const { etc, defaults } = settings;
  const containerd = (settings.runtime ?? 'containerd') === 'containerd';
  const socket = `${settings.run}/containerd/containerd.sock`;
  const service: Setting[] = [
    ['Type', 'exec'],
    ['User', 'root'],
    ['EnvironmentFile', environmentPath(etc)],
    ['EnvironmentFile', `-${defaults}/concourse-worker`],
    // Even from the operator's file: with it set, every command panics.
    ['UnsetEnvironment', FORBIDDEN_VARIABLE],
    // Left by a killed worker, it would make each start fail within 0.13 s.
    ...(containerd
      ? ([['ExecStartPre', `-${commandLine('/bin/rm', '-f', socket, `${socket}.ttrpc`)}`]] as const)
      : []),
    // On a disk that is not mounted, say: containers must not begin on the machine's own, and are tried again.
    ['ExecStartPre', commandLine('/usr/bin/test', '-d', settings.workDirectory)],
    ['ExecStartPre', commandLine('/bin/mkdir', '-p', `${settings.workDirectory}/overlays/work`)],
    ['ExecStart', commandLine(`${settings.release}/bin/concourse`, 'worker')],
    ['ExecStartPost', holdCommand(settings.lockFile)],
    ['ExecStop', `-${commandLine('/bin/sh', workerScriptPath(etc), 'stop')}`],
    ['ExecStopPost', `-${commandLine('/bin/sh', workerScriptPath(etc), 'stopped')}`],
    // The shims of running builds live on: the worker that comes back takes them up again.
    ['KillMode', 'process'],
    ['KillSignal', 'SIGTERM'],
    ['SendSIGKILL', 'yes'],
    ['TimeoutStopSec', String(WORKER_STOP_SECONDS)],
    // Landed, retired and stopped all exit with 0, and must not start again by themselves.
    ['Restart', 'on-failure'],
    ['RestartSec', '5'],
    // A build that breaks out of its container is root: it must not reach what other units run. `-`: before the volume is
    // mounted there is nothing to protect, and the program is not there either.
    ['ReadOnlyPaths', word(`-${settings.volume}`)],
    ['ReadWritePaths', word(`-${settings.folder}`)],
    ['Slice', 'concourse.slice'],
    ['Delegate', 'yes'],
    // The load of builds must not meet the limits of the service, nor one build's OOM stop the worker.
    ['TasksMax', 'infinity'],
    ['MemoryMax', 'infinity'],
    ['LimitNOFILE', '1048576'],
    ['LimitNPROC', 'infinity'],
    ['LimitCORE', '0'],
    ['OOMPolicy', 'continue'],
    ['OOMScoreAdjust', '-900'],
  ];
  const rivals = containerd ? CONTAINERD_RIVALS : [];
  const before = ['network-online.target', 'local-fs.target', 'remote-fs.target', 'concourse-server.service'];
  return unitFile(settings.unit, {
    Unit: [
      ['Description', `Concourse worker ${settings.version}`],
      ['Documentation', 'https://concourse-ci.org/docs/'],
      ['Wants', 'network-online.target'],
      // After web, so that at a shutdown the worker stops first and can still tell web that it lands.
      ['After', [...before, ...rivals].join(' ')],
      ...(containerd ? ([['Conflicts', rivals.join(' ')]] as const) : []),
      ['RequiresMountsFor', `${word(settings.volume)} ${word(settings.workDirectory)}`],
      ['StartLimitIntervalSec', '0'],
    ],
    Service: service,
    Install: [['WantedBy', 'multi-user.target']],
  });
}
