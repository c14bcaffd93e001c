// Every message that a user can see in `juju status`, on one screen. The next thing to do comes first, with the command
// to type; within 120 characters as long as names and reasons are short.
import type { Compatibility } from './concourse/compatibility.ts';
import type { Status } from './observed.ts';

/** Longer ones are cut in `juju status` anyway; what was cut is in the unit's log. */
const longest = 200;
const say = (status: Status['status'], message: string): Status => ({
  status,
  message: message.length > longest ? `${message.slice(0, longest - 1)}…` : message,
});
const blocked = (message: string): Status => say('blocked', message);
const waiting = (message: string): Status => say('waiting', message);
const maintenance = (message: string): Status => say('maintenance', message);
const active = (message: string): Status => say('active', message);

/** `2m`, `90s`: a span of time for people. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** A moment of today, UTC: `14:05:09Z`. A status that names it need not be written again as time passes. */
const clock = (at: number): string => `${new Date(at).toISOString().slice(11, 19)}Z`;

/** The first `count` names, and how many more there are. */
export function some(names: readonly string[], count = 3): string {
  const more = names.length - count;
  return more > 0 ? `${names.slice(0, count).join(', ')} and ${more} more` : names.join(', ');
}

const because = (complaint: string | undefined): string => (complaint === undefined ? '' : `: ${complaint}`);

export const statuses = {
  // Options
  option: (app: string, option: string, value: string, accepted: string) =>
    blocked(`juju config ${app} ${option}=…: '${value}' is not ${accepted}`),
  /** The value is not shown: it may hold what was meant to be secret. */
  extra: (app: string, option: string, problem: string) =>
    blocked(`juju config ${app} ${option}=…: ${problem}`),

  // The volume
  volumeUnusable: (problem: string) => blocked(`volume: ${problem}`),
  volumeNotMounted: (path: string) =>
    blocked(`mount the shared volume at ${path}: shared-storage=required, and nothing is mounted there`),
  volumeForeign: (app: string, owner: string) =>
    blocked(`volume belongs to ${owner}: mount ours, or juju run ${app}/leader accept-volume`),
  volumeLeft: (app: string, web: string) =>
    blocked(`juju run ${app}/leader accept-volume, or mount web's: ${web} installs on another volume now`),
  volumeLost: (unit: string, path: string) =>
    blocked(`${path} is not the volume of before: mount it again, or juju run ${unit} accept-volume`),
  volumeNotShared: (path: string) =>
    blocked(
      `mount the shared volume at ${path}: this one is not the application's (shared-storage=required)`,
    ),
  volumeOtherArchitecture: (architecture: string) =>
    blocked(`mount another volume: the release on this one is not for ${architecture}`),
  volumeDetaching: (unit: string, storage: string) =>
    blocked(
      `juju attach-storage ${unit} ${storage}: the volume is being detached, and nothing runs without it`,
    ),
  filesystemUnknownYet: (remote: string) => waiting(`for ${remote} to say which file system to mount`),
  filesystemUnfit: (problem: string) => blocked(`relation filesystem: ${problem}`),
  filesystemGone: (app: string) =>
    blocked(`juju integrate ${app}:filesystem …: the relation has ended, and its volume goes with it`),
  mountProgramMissing: (app: string, debian: string, program: string) =>
    blocked(`juju exec --application ${app} -- apt-get install -y ${debian}: ${program} is missing`),
  mountInTheWay: (unit: string, path: string) =>
    blocked(`juju remove-unit ${unit}, and add one: ${path} holds a volume already, not that of filesystem`),
  mountConflict: (app: string, path: string) =>
    blocked(`umount ${path}, or juju remove-relation ${app}:filesystem …: something else is mounted there`),
  mounting: (what: string) => maintenance(`mounting ${what}`),
  volumeUnknownYet: () => waiting('for the leader to name the volume'),
  noGoalYet: () => waiting('for the leader to say which version to run'),

  // Installing
  installing: (version: string) => maintenance(`installing Concourse ${version}`),
  downloading: (version: string, percent: number | undefined) =>
    maintenance(`downloading Concourse ${version}${percent === undefined ? '' : `: ${percent} %`}`),
  stageFailed: (reason: string, retryMs: number) => blocked(`${reason}; next try in ${span(retryMs)}`),
  effectFailed: (reason: string) => blocked(reason),
  lockBusy: (reason: string) => waiting(reason),
  tooOld: (app: string, target: string, installed: string) =>
    blocked(
      `juju run ${app}/leader rollback version=${target}: ${target} is older than the installed ${installed}`,
    ),
  tooOldAndGone: (app: string, target: string, installed: string) =>
    blocked(
      `juju config ${app} version=${installed}: ${target} is older than that, and not on the volume to roll back to`,
    ),
  newerProtocol: (unit: string, theirs: number) =>
    waiting(`refresh this unit: ${unit} speaks protocol ${theirs}, newer than ours; no upgrade begins`),

  // Upgrading, as the installer sees it
  awaiting: (version: string, missing: readonly string[], deadline: number) =>
    maintenance(`upgrade to ${version}: waiting until ${clock(deadline)} for ${some(missing)} to stop`),
  stagingElsewhere: (version: string, units: readonly string[], deadline: number) =>
    maintenance(`upgrade to ${version}: waiting until ${clock(deadline)} for ${some(units)} to fetch it`),
  rolling: (version: string, turn: readonly string[], waiting: number) =>
    maintenance(`workers go to ${version}: now ${some(turn)}; ${waiting} to follow`),
  rollingHeld: (app: string, version: string, moved: number, waiting: number) =>
    active(`juju run ${app}/leader resume moves ${waiting} more workers to ${version}: ${moved} run it`),
  goalChanged: (version: string) => maintenance(`the goal is Concourse ${version} now`),
  unmet: (units: readonly string[]) => waiting(`for Juju to introduce ${some(units)} to this unit`),
  switching: (version: string) => maintenance(`upgrade to ${version}: switching`),
  held: (app: string, version: string) =>
    active(`juju run ${app}/leader resume starts the upgrade to ${version}: upgrades are held`),
  backupFirst: (app: string, command: string, version: string) =>
    blocked(
      `back up the database, then juju run ${app}/leader ${command} backup-done=true: ${version} migrates it`,
    ),
  unchanged: (app: string, version: string, reason: string) =>
    blocked(`juju run ${app}/leader upgrade tries again: upgrade to ${version} failed: ${reason}`),
  notRolledBack: (app: string, version: string, reason: string) =>
    blocked(
      `juju run ${app}/leader rollback version=${version} tries again, upgrade gives it up: rollback to ${version} failed: ${reason}`,
    ),

  // The web unit
  postgresMissing: (app: string) =>
    blocked(`juju integrate ${app}:postgresql …, or juju config ${app} postgres-uri=…: web has no database`),
  databaseAwaited: (remote: string) => waiting(`for ${remote} to make a database`),
  databaseUngranted: (remote: string) => waiting(`for ${remote} to let this unit read its secrets`),
  databaseUnfit: (remote: string, problem: string) => blocked(`relation postgresql: ${remote}: ${problem}`),
  twoDatabases: (app: string) =>
    blocked(
      `juju config ${app} --reset postgres-uri, or juju remove-relation ${app}:postgresql …: web uses postgres-uri`,
    ),
  databaseSilent: (version: string) =>
    waiting(`for PostgreSQL: web ${version} answers, but its database does not`),
  databaseUnreadable: (unit: string, complaint: string | undefined) =>
    blocked(
      `juju ssh ${unit} journalctl -u concourse-server: web cannot read its database${because(complaint)}`,
    ),
  localUsers: (problem: string) => blocked(`secret of local-users: ${problem}`),
  tlsCertificate: (problem: string) => blocked(`secret of tls-certificate: ${problem}`),
  tlsPort: (app: string, port: number) =>
    blocked(`juju config ${app} tls-port=…: web-port is ${port} as well, and web serves HTTP beside HTTPS`),
  httpsWanted: (app: string, url: string) =>
    blocked(`juju config ${app} external-url=https://…: with a certificate Concourse takes no ${url}`),
  certificateAwaited: (remote: string) =>
    waiting(`for ${remote} to sign web's certificate (relation certificates)`),
  certificateUnfit: (problem: string) => blocked(`relation certificates: ${problem}`),
  vaultSilent: (remote: string) => waiting(`for ${remote} to give web its credentials (relation vault-kv)`),
  ingressUnfit: (problem: string) => blocked(`relation ingress: ${problem}`),
  certificateExpires: ({ status, message }: Status, day: string, past: boolean) =>
    past
      ? blocked(`secret of tls-certificate: the certificate expired on ${day}; ${message}`)
      : say(status, `${message}; the certificate expires on ${day}`),
  extraSecret: (problem: string) => blocked(`secret of extra-web-secrets: ${problem}`),
  secretUnreadable: (app: string, uri: string, reason: string) =>
    blocked(`juju grant-secret ${uri} ${app}: ${reason}`),
  postgresMalformed: (reason: string) => blocked(`secret of postgres-uri: ${reason}`),
  webSecretMissing: () => waiting('for the leader to make the keys of web'),
  webStarting: (version: string) => maintenance(`web ${version} is starting`),
  webSilent: (unit: string, version: string, complaint: string | undefined) =>
    blocked(
      `juju ssh ${unit} journalctl -u concourse-server; juju run ${unit.split('/')[0]}/leader rollback: web ${version} does not answer${because(complaint)}`,
    ),
  webWrongVersion: (answers: string, version: string) =>
    waiting(`web answers as ${answers}, not yet as ${version}`),
  flockDoubted: ({ status, message }: Status) =>
    say(status, `${message}; flock does not exclude on this volume (see docs/reference/volumes.md)`),
  noWorkers: (app: string) => active(`no worker yet: juju add-unit ${app}`),
  noWorkersElsewhere: (app: string) => active(`no worker yet: juju integrate WORKERS:flight ${app}:tsa`),
  web: (version: string, url: string, workers: number) =>
    active(`web ${version} at ${url}, ${workers} worker${workers === 1 ? '' : 's'}`),
  webInTurn: (before: string, version: string) =>
    waiting(`for web on ${before} to answer with ${version}: then this one follows`),

  // A worker
  installerSilent: (installer: string) => waiting(`for ${installer} to install Concourse`),
  webAbsent: (installer: string) =>
    waiting(`for web on ${installer}: it has not said where workers register`),
  workerAlone: (app: string) =>
    blocked(`juju integrate ${app}:flight WEB:tsa: mode=worker, and these workers have no web`),
  flightSilent: (web: string) =>
    waiting(`for ${web} to say where workers register, and which version it runs`),
  flightUnused: (app: string) =>
    blocked(
      `juju config ${app} mode=worker, or juju remove-relation ${app}:flight …: these units have a web of their own`,
    ),
  tsaWithoutWeb: (app: string) =>
    blocked(`juju remove-relation ${app}:tsa …: mode=worker, and others' workers find no web here`),
  webDecides: (app: string, web: string, version: string, option: string) =>
    blocked(`juju config ${app} --reset version: it says ${option}, but ${web} decides, and runs ${version}`),
  behindWeb: (version: string, web: string, reason: string, builds: Compatibility) =>
    builds === 'builds'
      ? waiting(`worker ${version} goes on with web ${web}: ${reason}`)
      : blocked(
          `web ${web} ${builds === 'unknown' ? 'may give' : 'gives'} no builds to worker ${version}: ${reason}`,
        ),
  workerInTurn: (version: string, next: string) =>
    active(`worker ${version}; goes to ${next} when it is its turn`),
  keyNotAuthorized: (installer: string) => waiting(`for ${installer} to authorise this worker's key`),
  landing: (version: string, until: number) =>
    waiting(`for builds to end before the upgrade to ${version}, until ${clock(until)} at most`),
  stopped: (version: string, deadline: number) =>
    waiting(`stopped for the upgrade to ${version}, until ${clock(deadline)} at most`),
  parking: () => waiting('for builds to end: the worker lands, and takes no new ones'),
  parked: (unit: string, how: string) =>
    blocked(`juju run ${unit} restart-services brings the worker back: it has ${how}`),
  gaveUp: (installer: string, version: string) =>
    active(`worker ${version}; did not wait longer for the upgrade by ${installer}`),
  gaveUpBroken: (reason: string) =>
    blocked(`stopped for an upgrade that did not come, and cannot start again: ${reason}`),
  fence: (volume: string, published: string) =>
    waiting(`for the switch to end: the volume has ${volume}, the installer says ${published}`),
  registering: (version: string, complaint: string | undefined) =>
    waiting(
      `worker ${version} is registering${complaint === undefined ? '' : `: ${complaint.slice(0, 90)}`}`,
    ),
  worker: (version: string, own: boolean, gpus?: string) =>
    active(
      `worker ${version}${gpus === undefined ? '' : ` (GPU: ${gpus})`}${own ? ', on a volume of its own' : ''}`,
    ),
  rival: (unit: string, service: string) =>
    blocked(
      `juju ssh ${unit} sudo systemctl disable --now ${service}: a worker's containerd needs its socket`,
    ),
  driverUnfit: (app: string, driver: string, problem: string) =>
    blocked(driver === 'auto' ? problem : `juju config ${app} volume-driver=auto, or ${problem}`),
  folderMissing: (unit: string, path: string) =>
    blocked(`juju exec --unit ${unit} -- mkdir ${path}: folder-mounts names it, and it is missing`),
  folderUnfit: (app: string, unit: string, path: string, link: boolean) =>
    blocked(
      `juju config ${app} folder-mounts=…: on ${unit} ${path} is ${link ? 'a symbolic link' : 'no directory'}`,
    ),
  gpuProgram: (unit: string, command: string, what: string, code: number) =>
    blocked(
      `juju exec --unit ${unit} -- ${command}: ${what} ${code === 127 ? 'is missing' : `ends with ${code}`} (docs/how-to/gpu.md)`,
    ),
  gpuUnfit: (app: string, unit: string, runtime: string, problem: string) =>
    blocked(
      `juju config ${app} gpu-device-ids=…, or compute-runtime=none: ${unit} for ${runtime}: ${problem}`,
    ),
  gpuShut: (unit: string, node: string) =>
    blocked(`let all users of ${unit} read and write ${node}: builds are nobody there (docs/how-to/gpu.md)`),
  operatorFile: (keys: readonly string[]) =>
    blocked(`remove from /etc/default/concourse-worker: ${some(keys)}; the worker would not start with it`),
  secondWorker: (other: string) =>
    blocked(`remove this unit or ${other}: two workers cannot share a machine`),
  secondWebHere: (other: string) =>
    blocked(`remove this unit or ${other}: two web units cannot share a machine`),
  leaving: () => maintenance('leaving'),
} as const;
