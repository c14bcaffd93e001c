// Makes a release whole and verified in a staging folder: digest, space, download, unpack, check, manifest, sync.
import { createHash } from 'node:crypto';
import type { Host } from '../host/host.ts';
import { findDigest } from './digests.ts';
import { type Download, openDownload, throttled } from './download.ts';
import { describeFailure, ReleaseError, type ReleaseFailure } from './failures.ts';
import { type Manifest, manifestText, releaseDigest } from './manifest.ts';
import { manifestName } from './paths.ts';
import { archiveName, type ExpectedDigest, type ReleasePlan, withoutCredentials } from './source.ts';
import { spaceFailure } from './space.ts';
import type { Unpacked } from './unpack.ts';
import { parseVersion } from './version.ts';

export interface DownloadProgress {
  version: string;
  /** Archive bytes taken in so far. */
  bytes: number;
  /** The archive's size, where the server tells it. */
  total?: number;
}

/** What a stager may use of the install lock that it holds. */
export interface StagingArea {
  /** The holder's own folder below `.staging/`, there already, on the volume that the release goes to. */
  directory: string;
  /** Aborted when the lock is lost. */
  signal: AbortSignal;
  /** Rejects when the lock is lost. */
  assertHeld(): Promise<void>;
  progress(p: DownloadProgress): Promise<void>;
}

/** The part of the machine that staging needs. */
export type StageMachine = Pick<Host, 'clock' | 'random' | 'files' | 'http' | 'commands'>;

export type LogRelease = (level: 'info' | 'warning', text: string) => void;

export type StageResult =
  | {
      ok: true;
      /** `<area.directory>/<version>`: what the caller renames into `releases/`. */
      directory: string;
      manifest: Manifest;
      /** The release's digest (`releaseDigest`), for the databag. */
      digest: string;
      verifiedBy: ExpectedDigest;
    }
  | { ok: false; failure: ReleaseFailure };

export interface StageOptions {
  /** After `area.progress`, at most every 2 s, and once at the end. */
  onProgress?(progress: DownloadProgress): void | Promise<void>;
  log: LogRelease;
}

const programTimeoutMs = 10_000;

/** Stages the plan's release into `<area.directory>/<version>`. A failure is a value, and leaves nothing of it behind; a
 * lost lock is thrown (the signal's reason, or what `assertHeld` rejects with). The caller renames the folder. */
export async function stageRelease(
  machine: StageMachine,
  area: StagingArea,
  plan: ReleasePlan,
  options: StageOptions,
): Promise<StageResult> {
  const directory = `${area.directory}/${plan.version}`;
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await stageOnce(machine, area, plan, directory, options);
    } catch (error) {
      await removeLeftover(machine, directory, options);
      area.signal.throwIfAborted();
      const failure = asFailure(error, area.directory);
      if (failure === undefined) {
        // The folder may have been swept away by a new holder of the lock: then that is the reason to give.
        await area.assertHeld();
        throw error;
      }
      if (failure.code !== 'changed-under-way' || restarts > 0) return { ok: false, failure };
      options.log('warning', `${describeFailure(failure, 'concourse-ci').message}: starting over`);
    }
  }
}

async function stageOnce(
  machine: StageMachine,
  area: StagingArea,
  plan: ReleasePlan,
  directory: string,
  options: StageOptions,
): Promise<StageResult> {
  const { files } = machine;
  await area.assertHeld();
  const expected = await expectedDigest(machine, plan, area.signal, options.log);
  const archive = await openArchive(machine, area, plan, options);
  let unpacked: Unpacked;
  try {
    if (archive.totalBytes !== undefined) {
      const failure = await spaceFailure(files, area.directory, archive.totalBytes);
      if (failure !== undefined) throw new ReleaseError(failure);
    }
    await files.makeDirectory(directory, { mode: 0o755 });
    // Loaded here, because it brings the tar package, which most hooks do without.
    const { unpackRelease } = await import('./unpack.ts');
    unpacked = await unpackRelease(files, directory, archive.chunks, {
      source: archive.name,
      architecture: plan.architecture,
      sha1: expected.algorithm === 'sha1',
      signal: area.signal,
    });
  } finally {
    await archive.discard();
  }
  const { algorithm, hex, from } = expected;
  const { bytes: _, ...hashes } = unpacked.archive;
  const found = hashes[algorithm] ?? '';
  if (found !== hex) {
    throw new ReleaseError({
      code: 'wrong-digest',
      source: archive.name,
      algorithm,
      from,
      expected: hex,
      found,
    });
  }
  await assertProgram(machine, directory, plan, area.signal);
  const manifest: Manifest = {
    format: 1,
    version: plan.version,
    architecture: plan.architecture,
    archive: { ...hashes, verifiedBy: from },
    files: unpacked.files,
  };
  await files.write(`${directory}/${manifestName}`, manifestText(manifest), { mode: 0o644, sync: true });
  await files.syncDirectory(directory);
  await files.syncDirectory(area.directory);
  await area.assertHeld();
  return { ok: true, directory, manifest, digest: releaseDigest(manifest), verifiedBy: expected };
}

/** A resource that nobody vouches for is hashed only, so that the operator can be told what to type to vouch for it. */
async function expectedDigest(
  machine: StageMachine,
  plan: ReleasePlan,
  signal: AbortSignal,
  log: LogRelease,
) {
  if (plan.archive.kind === 'url' || plan.digest !== undefined)
    return findDigest(machine, plan, { signal, log });
  const hash = createHash('sha256');
  for await (const chunk of machine.files.stream(plan.archive.path)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  throw new ReleaseError({
    code: 'resource-without-digest',
    version: plan.version,
    sha256: hash.digest('hex'),
  });
}

interface OpenArchive extends Download {
  /** For people. */
  name: string;
}

async function openArchive(
  machine: StageMachine,
  area: StagingArea,
  plan: ReleasePlan,
  options: StageOptions,
): Promise<OpenArchive> {
  const onProgress = async (bytes: number, total: number | undefined) => {
    const progress = { version: plan.version, bytes, ...(total === undefined ? {} : { total }) };
    await area.progress(progress);
    await options.onProgress?.(progress);
  };
  const { archive, version, proxies } = plan;
  if (archive.kind === 'resource') {
    const totalBytes = (await machine.files.stat(archive.path))?.sizeBytes;
    const chunks = counted(machine, archive.path, totalBytes, onProgress);
    return { name: 'the resource', totalBytes, chunks, discard: async () => undefined };
  }
  const { url } = archive;
  options.log('info', `downloading ${withoutCredentials(url)}`);
  const request = { url, version, proxies, signal: area.signal, onProgress, log: options.log };
  return { name: archiveName(version, plan.architecture), ...(await openDownload(machine, request)) };
}

async function* counted(
  machine: StageMachine,
  path: string,
  total: number | undefined,
  onProgress: (bytes: number, total: number | undefined) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const report = throttled(machine.clock, onProgress);
  let bytes = 0;
  for await (const chunk of machine.files.stream(path)) {
    bytes += chunk.length;
    yield chunk;
    await report(bytes, total);
  }
  await onProgress(bytes, total);
}

/** The verified program says its version: what was attached under a wrong name, or lies on a volume that is mounted
 * `noexec`, is found out before any worker stops for it. A program that answers something else is left to the health checks. */
async function assertProgram(
  machine: StageMachine,
  directory: string,
  plan: ReleasePlan,
  signal: AbortSignal,
) {
  const path = `${directory}/bin/concourse`;
  const answer = await machine.commands.run(path, ['--version'], { timeoutMs: programTimeoutMs, signal });
  signal.throwIfAborted();
  if (answer.code !== 0 && /EACCES|permission denied/i.test(answer.stderr)) {
    throw new ReleaseError({ code: 'not-executable', path: directory, reason: 'permission denied' });
  }
  const found = answer.code === 0 ? answer.stdout.trim() : '';
  if (parseVersion(found) !== undefined && found !== plan.version) {
    throw new ReleaseError({ code: 'wrong-version', found, wanted: plan.version });
  }
}

async function removeLeftover(
  machine: StageMachine,
  directory: string,
  options: StageOptions,
): Promise<void> {
  try {
    await machine.files.remove(directory);
  } catch (error) {
    // The failure that led here matters more; whoever holds the lock next sweeps the staging folders.
    if (errorCode(error) === undefined) throw error;
    options.log(
      'warning',
      `cannot remove ${directory} (${errorCode(error)}): the next holder of the install lock sweeps it`,
    );
  }
}

/** undefined: not something that an operator can mend, but a bug or a broken tool. */
function asFailure(error: unknown, path: string): ReleaseFailure | undefined {
  if (error instanceof ReleaseError) return error.failure;
  const code = errorCode(error);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return { code: 'no-space', path, neededBytes: undefined, freeBytes: undefined };
    case 'EROFS':
      return { code: 'read-only', path };
    case 'EIO':
    case 'ESTALE':
    case 'EACCES':
    case 'EPERM':
    case 'EFBIG':
    case 'ENOTCONN':
    case 'ETIMEDOUT':
      return { code: 'volume-broken', path, errorCode: code };
    default:
      return undefined;
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
