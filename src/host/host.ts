// The machine as the charm sees it: every clock, file, process, service and connection is reached through these
// interfaces alone, so that tests can put a simulated machine in their place. Adapters: src/host/real/.

/** Time. Deciding never looks at it: `Observed` carries `now` as a value. */
export interface Clock {
  /** Wall clock, ms since the epoch. May jump. */
  now(): number;
  /** Monotonic, ms from an arbitrary start. Never jumps, and means nothing to another process. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that aborts first. The only way to wait. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Unpredictable bytes, and the keys made from them. */
export interface Random {
  bytes(count: number): Buffer;
  uuid(): string;
  /** An RSA key: PKCS#1 PEM (`BEGIN RSA PRIVATE KEY`), which every Concourse key option accepts, and its
   * `ssh-rsa AAAA…` line without a comment or newline. */
  rsaKey(): Promise<{ privatePem: string; publicSsh: string }>;
}

export type FileKind = 'file' | 'directory' | 'link' | 'other';

export interface FileStat {
  kind: FileKind;
  sizeBytes: number;
  /** Permission bits only (0o7777). */
  mode: number;
  uid: number;
  gid: number;
  device: number;
  inode: number;
  links: number;
  modifiedMs: number;
  /** Bytes that the file occupies on disk (512-byte blocks × 512). */
  allocatedBytes: number;
}

export interface Space {
  freeBytes: number;
  totalBytes: number;
  freeFiles: number;
  /** statfs magic as a name: 'ext4', 'xfs', 'btrfs', 'tmpfs', 'nfs', 'fuse', 'overlayfs', …, or its number in hex. */
  type: string;
}

/** One mounted file system, from /proc/self/mountinfo. */
export interface Mount {
  mountPoint: string;
  type: string;
  source: string;
  options: string[];
}

export interface FileWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** fsync: the bytes survive a power cut once this resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Files. Paths are absolute. Failures are Node's `ErrnoException` (`code` such as ENOENT, EROFS, ENOSPC), except that
 * what merely is not there is `undefined` where the signature says so. Symbolic links are never followed by `lstat`,
 * `remove` and `rename`. */
export interface Files {
  read(path: string): Promise<Buffer | undefined>;
  readText(path: string): Promise<string | undefined>;
  /** The file's bytes in large chunks (1 MiB). */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Creates or truncates, writes, optionally fsyncs. `exclusive`: EEXIST when the path is there. Mode is exact (no umask). */
  write(
    path: string,
    content: string | Uint8Array,
    options: { mode: number; sync?: boolean; exclusive?: boolean },
  ): Promise<void>;
  /** A new file to write in pieces; EEXIST when the path is there. Mode is exact. */
  create(path: string, mode: number): Promise<FileWriter>;
  makeDirectory(path: string, options: { mode: number; recursive?: boolean }): Promise<void>;
  list(path: string): Promise<string[] | undefined>;
  stat(path: string): Promise<FileStat | undefined>;
  lstat(path: string): Promise<FileStat | undefined>;
  readLink(path: string): Promise<string | undefined>;
  /** Replaces `to` in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Hard link; EEXIST when `to` is there. */
  link(existing: string, to: string): Promise<void>;
  symbolicLink(target: string, path: string): Promise<void>;
  changeMode(path: string, mode: number): Promise<void>;
  changeOwner(path: string, uid: number, gid: number): Promise<void>;
  /** Removes a file, a link or a whole tree; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** fsync of a directory, so that names made in it survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  space(path: string): Promise<Space>;
  mounts(): Promise<Mount[]>;
}

/** A kernel lock, freed by `release` or by the end of this process, however it ends. */
export interface FileLock {
  release(): Promise<void>;
}

export interface Locks {
  /** flock(2), exclusive, not waiting: undefined when another open file description holds it. Makes the file (0644). */
  tryLock(path: string): Promise<FileLock | undefined>;
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Commands {
  /** Runs a program without a shell. Never throws for a failing exit; a program that cannot be started or that outlives
   * `timeoutMs` is code 127 or 124 with the reason in stderr. Environment: `env` on top of a minimal PATH, HOME and LANG. */
  run(
    command: string,
    args: readonly string[],
    options: { timeoutMs: number; env?: Record<string, string>; stdin?: string; signal?: AbortSignal },
  ): Promise<CommandResult>;
}

/** A response whose body is consumed as a stream of chunks. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  /** Where redirects led to. */
  url: string;
  body: AsyncIterable<Uint8Array>;
  /** Lets the connection go without reading the rest. */
  discard(): Promise<void>;
}

export interface Proxies {
  http?: string;
  https?: string;
  no?: string;
}

export interface Http {
  /** For downloads (undici): follows redirects (10 at most), honours proxies, throws `HttpFailure` on a broken
   * connection, and on no byte for `stallMs`. Any status is a result. */
  open(
    url: string,
    options: { headers?: Record<string, string>; proxies?: Proxies; stallMs: number; signal?: AbortSignal },
  ): Promise<HttpResponse>;
  /** For health checks on this machine (node:http, no proxy): undefined when there is no answer within `timeoutMs`. */
  probe(
    url: string,
    timeoutMs: number,
    /** What is sent instead of a plain GET. */
    request?: {
      method: string;
      headers: Record<string, string>;
      body?: string;
      /** Of the answer; 1 MiB unless it says otherwise. Beyond it there is none. */
      mostBytes?: number;
      /** For another machine than this one: its certificate must be for that name, by an authority that this machine trusts. */
      checkCertificate?: boolean;
    },
  ): Promise<{ status: number; body: string } | undefined>;
}

/** A PostgreSQL server, and as whom to talk to it. */
export interface DatabaseLogin {
  user: string;
  password?: string;
  database: string;
  server: { host: string; port: number } | { socket: string; port?: number };
  sslMode: 'disable' | 'require' | 'verify-ca' | 'verify-full';
  /** The authority that the server's certificate must be of; without one those that Node knows. */
  ca?: { pem: string };
}

/** `values` stand for $1, $2, …: what is not ours never becomes SQL. Rejects with `DatabaseFailure`. */
export type Ask = (
  sql: string,
  values?: readonly string[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface Databases {
  /** Connects, lets `work` ask on that one connection, and disconnects, all within `withinMs`. Rejects with
   * `DatabaseFailure` where the server cannot be reached, refuses, or takes longer. */
  session<T>(login: DatabaseLogin, withinMs: number, work: (ask: Ask) => Promise<T>): Promise<T>;
}

export interface ServiceState {
  /** systemd's ActiveState. */
  active: 'active' | 'activating' | 'deactivating' | 'inactive' | 'failed' | 'reloading' | 'unknown';
  subState: string;
  enabled: boolean;
  /** Whether systemd knows a unit file by that name. */
  installed: boolean;
  /** 0 while nothing runs. */
  mainPid: number;
  restarts: number;
  /** Differs for each start of the service; '' while it never ran. */
  invocation: string;
  /** The environment that the running main process was started with; undefined while nothing runs. It tells which
   * release and which configuration really run, whatever the files say by now. */
  environment: Record<string, string> | undefined;
}

/** systemd. Names come with their suffix: `concourse-server.service`, `var-lib-concourse.mount`. */
export interface Services {
  show(names: readonly string[]): Promise<Record<string, ServiceState>>;
  /** Writes /etc/systemd/system/<name> when it differs, and reloads systemd then. True when it was written. */
  install(name: string, text: string): Promise<boolean>;
  /** Stops, disables and removes the unit file. Nothing happens when it is not there. */
  uninstall(name: string): Promise<void>;
  enable(name: string): Promise<void>;
  disable(name: string): Promise<void>;
  start(name: string): Promise<void>;
  restart(name: string): Promise<void>;
  /** Returns when the service has stopped; `timeoutMs` bounds the wait (the unit's own TimeoutStopSec bounds the stop). */
  stop(name: string, timeoutMs: number): Promise<void>;
  /** To the main process only. */
  signal(name: string, signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGTERM'): Promise<void>;
  /** The service's own log lines (oldest first) since that invocation began, only those that contain one of `containing`. */
  log(name: string, options: { invocation: string; containing: readonly string[] }): Promise<string[]>;
  /** Runs `command` once, `delayMs` from now, repeated every 5 s until it succeeds. Gone after a reboot. */
  armTimer(name: string, delayMs: number, command: readonly string[]): Promise<void>;
  timerArmed(name: string): Promise<boolean>;
  disarmTimer(name: string): Promise<void>;
}

/** Where things lie on this machine. `root` is '/' but in the lab, where each unit has a directory as its root. */
export interface Paths {
  root: string;
  /** /var/lib/concourse: the (shared) volume. */
  volume: string;
  /** /etc/concourse: environment files and private keys of this machine, 0711: web, which is not root, reads its own there. */
  etc: string;
  /** /var/lib/concourse-ci: what this unit remembers, on its own disk. */
  memory: string;
  /** /etc/systemd/system */
  systemd: string;
  /** /run: gone after a reboot. */
  run: string;
  /** Operators' own settings: /etc/default/concourse-web, /etc/default/concourse-worker. */
  defaults: string;
  /** /var/lib/concourse-worker: local work directories, where the volume cannot carry them. */
  localWork: string;
}

export interface Host {
  clock: Clock;
  random: Random;
  files: Files;
  locks: Locks;
  commands: Commands;
  http: Http;
  databases: Databases;
  services: Services;
  paths: Paths;
  architecture: 'amd64' | 'arm64';
  /** Differs after each boot: /proc/sys/kernel/random/boot_id. */
  bootId(): Promise<string>;
  processId: number;
}

/** A connection that broke, stalled or could not be made. `transient`: worth another try. */
export class HttpFailure extends Error {
  override name = 'HttpFailure';
  readonly url: string;
  readonly transient: boolean;
  constructor(url: string, reason: string, options: { transient: boolean; cause?: unknown }) {
    super(`${url}: ${reason}`, { cause: options.cause });
    this.url = url;
    this.transient = options.transient;
  }
}

/** PostgreSQL that could not be reached, or that refused. `code`: PostgreSQL's own, of five characters (42501: no privilege), or the
 * connection's (ECONNREFUSED). `transient`: worth another try. */
export class DatabaseFailure extends Error {
  override name = 'DatabaseFailure';
  readonly code: string;
  readonly transient: boolean;
  constructor(message: string, options: { code: string; transient: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.transient = options.transient;
  }
}
