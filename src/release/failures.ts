// Everything that can go wrong on the way to a staged release, as data; and, apart from it, what each says to people.
import type { Architecture } from './version.ts';

export type ReleaseFailure =
  | { code: 'bad-mirror'; url: string; reason: string }
  | { code: 'bad-sha256-option'; value: string }
  | { code: 'not-found'; url: string; version: string }
  | { code: 'forbidden'; url: string; status: number }
  | { code: 'rate-limited'; url: string; status: number }
  | { code: 'server-error'; url: string; status: number }
  | { code: 'unreachable'; url: string; reason: string }
  | { code: 'truncated'; url: string; receivedBytes: number; expectedBytes: number }
  | { code: 'changed-under-way'; url: string }
  | { code: 'no-digest'; version: string; url: string; reason: string }
  | { code: 'resource-without-digest'; version: string; sha256: string }
  | {
      code: 'wrong-digest';
      source: string;
      algorithm: 'sha256' | 'sha1';
      expected: string;
      found: string;
      from: DigestOrigin;
    }
  | { code: 'archive-refused'; entry: string; reason: string }
  | { code: 'archive-damaged'; source: string; reason: string }
  | { code: 'wrong-architecture'; found: string; wanted: Architecture }
  | { code: 'wrong-version'; found: string; wanted: string }
  | { code: 'no-space'; path: string; neededBytes: number | undefined; freeBytes: number | undefined }
  | { code: 'no-free-files'; path: string; freeFiles: number; neededFiles: number }
  | { code: 'read-only'; path: string }
  | { code: 'not-executable'; path: string; reason: string }
  | { code: 'volume-broken'; path: string; errorCode: string };

/** Who vouches for an archive: the operator, the charm's pin (or the goal), the release API, a file beside the archive. */
export type DigestOrigin = 'option' | 'pin' | 'api' | 'sha256-file' | 'sha1-file';

export interface FailureText {
  /** What went wrong with what, in at most 120 characters. */
  message: string;
  /** What the operator can type or do next. */
  next: string;
  /** Whether trying again later, with nothing changed, may help. */
  transient: boolean;
}

/** Carries a failure through streams; `stageRelease` turns it back into a value. */
export class ReleaseError extends Error {
  override name = 'ReleaseError';
  readonly failure: ReleaseFailure;
  constructor(failure: ReleaseFailure, cause?: unknown) {
    super(describeFailure(failure, 'concourse-ci').message, { cause });
    this.failure = failure;
  }
}

/** An archive that is well-formed and must not be unpacked. */
export class ArchiveRefused extends ReleaseError {
  override name = 'ArchiveRefused';
  constructor(entry: string, reason: string) {
    super({ code: 'archive-refused', entry, reason });
  }
}

/** The failure in words. `application` is the Juju application's name, for the commands. */
export function describeFailure(failure: ReleaseFailure, application: string): FailureText {
  const text = words(failure, `juju config ${application}`, application);
  return { ...text, message: shorten(text.message, 120) };
}

function words(failure: ReleaseFailure, config: string, application: string): FailureText {
  const retry = `it is tried again by itself; now: juju run ${application}/leader upgrade`;
  switch (failure.code) {
    case 'bad-mirror':
      return {
        message: `release-mirror ${shorten(failure.url, 50)} is not usable: ${failure.reason}`,
        next: `${config} release-mirror=https://HOST/FOLDER`,
        transient: false,
      };
    case 'bad-sha256-option':
      return {
        message: `release-sha256 is not a SHA-256 of 64 hex digits: '${shorten(failure.value, 40)}'`,
        next: `${config} release-sha256=… (as sha256sum prints it)`,
        transient: false,
      };
    case 'not-found':
      return {
        message: `Concourse ${failure.version} is not at ${place(failure.url)} (404)`,
        next: `check the version and the mirror: ${config} version=… release-mirror=…`,
        transient: false,
      };
    case 'forbidden':
      return {
        message: `${place(failure.url)} refuses access (${failure.status})`,
        next: `check the mirror's access rules: ${config} release-mirror=https://USER:PASSWORD@HOST/FOLDER`,
        transient: false,
      };
    case 'rate-limited':
      return {
        message: `${place(failure.url)} asks to come back later (${failure.status})`,
        next: retry,
        transient: true,
      };
    case 'server-error':
      return { message: `${place(failure.url)} fails (${failure.status})`, next: retry, transient: true };
    case 'unreachable':
      return {
        message: `cannot download from ${place(failure.url)}: ${failure.reason}`,
        next: `check the network and juju model-config juju-https-proxy, or ${config} release-mirror=…; ${retry}`,
        transient: true,
      };
    case 'truncated':
      return {
        message: `${place(failure.url)} breaks off after ${size(failure.receivedBytes)} of ${size(failure.expectedBytes)}`,
        next: retry,
        transient: true,
      };
    case 'changed-under-way':
      return {
        message: `${place(failure.url)} changed while it was being downloaded`,
        next: retry,
        transient: true,
      };
    case 'no-digest':
      return {
        message: `no digest of Concourse ${failure.version} can be had: ${failure.reason}`,
        next: `${config} release-sha256=SHA256 (of ${baseName(failure.url)})`,
        transient: false,
      };
    case 'resource-without-digest':
      return {
        message: `nothing vouches for the resource concourse-release as Concourse ${failure.version}`,
        next: `if it is what you attached: ${config} release-sha256=${failure.sha256}`,
        transient: false,
      };
    case 'wrong-digest':
      return {
        message: `${failure.source} has ${failure.algorithm} ${failure.found.slice(0, 12)}…, not ${failure.expected.slice(0, 12)}… (${origins[failure.from]})`,
        next:
          failure.from === 'option'
            ? `correct it, or trust the charm's own: ${config} --reset release-sha256`
            : `if ${failure.source} is a mirror or a resource, replace the file there; else do not use it`,
        transient: false,
      };
    case 'archive-refused':
      return {
        message: `the archive is refused: ${shorten(failure.entry, 50)} ${failure.reason}`,
        next: `it is not a Concourse release: check the resource or ${config} release-mirror`,
        transient: false,
      };
    case 'archive-damaged':
      return {
        message: `${failure.source} is damaged: ${failure.reason}`,
        next: `replace the file where it comes from; then juju run ${application}/leader upgrade`,
        transient: false,
      };
    case 'wrong-architecture':
      return {
        message: `the archive holds Concourse for ${failure.found}, but this machine is ${failure.wanted}`,
        next: `attach or mirror the linux-${failure.wanted} archive`,
        transient: false,
      };
    case 'wrong-version':
      return {
        message: `the archive holds Concourse ${failure.found}, not ${failure.wanted}`,
        next: `attach the archive of ${failure.wanted}, or ${config} version=${failure.found}`,
        transient: false,
      };
    case 'no-space':
      return {
        message:
          failure.neededBytes === undefined || failure.freeBytes === undefined
            ? `no space left on ${failure.path}`
            : `${size(failure.neededBytes - failure.freeBytes)} more needed on ${failure.path} (${size(failure.freeBytes)} free)`,
        next: `juju run ${application}/leader prune, or a bigger volume`,
        transient: true,
      };
    case 'no-free-files':
      return {
        message: `${failure.path} has room for ${failure.freeFiles} more files only, ${failure.neededFiles} are needed`,
        next: `juju run ${application}/leader prune, or a volume with more inodes`,
        transient: true,
      };
    case 'read-only':
      return {
        message: `${failure.path} is read-only`,
        next: 'mount the volume read-write on this unit',
        transient: true,
      };
    case 'not-executable':
      return {
        message: `programs on ${failure.path} cannot be run: ${failure.reason}`,
        next: 'mount the volume without noexec on every unit',
        transient: true,
      };
    case 'volume-broken':
      return {
        message: `writing to ${failure.path} fails with ${failure.errorCode}`,
        next: 'check the volume and its mount (dmesg, df); the installed release keeps running',
        transient: true,
      };
    default:
      throw new Error(`no words for ${JSON.stringify(failure satisfies never)}`);
  }
}

const origins: Record<DigestOrigin, string> = {
  option: 'option release-sha256',
  pin: "the charm's pin",
  api: 'the release API',
  'sha256-file': 'the .sha256 file beside it',
  'sha1-file': 'the .sha1 file beside it',
};

/** Host and file name, without credentials, folders and query: what a person needs in 120 characters. */
function place(url: string): string {
  return URL.canParse(url) ? `${new URL(url).host}/…/${baseName(url)}` : shorten(url, 50);
}

function baseName(url: string): string {
  return (
    url
      .replace(/[?#].*$/, '')
      .split('/')
      .at(-1) ?? url
  );
}

/** `1.53 GB`: decimal units, as df -H and disk vendors count. */
function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e6 ? `${Math.ceil(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
