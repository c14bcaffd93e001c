// The volume as it is found: one look, a handful of system calls, and never an exception for what an operator can cause.
import path from 'node:path';
import { z } from 'zod';
import { hasCode, unless } from '../host/errors.ts';
import type { Files, Host, Mount } from '../host/host.ts';
import { compareVersions } from '../release/version.ts';
import { silence } from './answering.ts';
import { parseJson } from '../json.ts';
import { type Holder, parseHolder } from './holder.ts';
import { claimIdentity, type VolumeIdentity, VolumeIdentity as identitySchema } from './identity.ts';
import { isVersion, type Layout, layoutOf, names, unitOfFolder, versionOfBinTarget } from './layout.ts';

export interface VolumeMount {
  /** Whether a file system is mounted at the volume's very path. */
  isMount: boolean;
  /** '' when nothing is known. */
  type: string;
  source: string;
  options: string[];
}

/** `.download_in_progress`. */
export const DownloadProgress = z.object({
  version: z.string(),
  unit: z.string(),
  /** RFC 3339. */
  started: z.string(),
  bytes: z.int().nonnegative(),
  /** Undefined while the server has not told the length. */
  total: z.int().positive().optional(),
});
export type DownloadProgress = z.infer<typeof DownloadProgress>;

export interface VolumeContent {
  id: VolumeIdentity | undefined;
  /** What `bin` points at, when it is a link of ours to a release that is there. */
  installed: string | undefined;
  /** The text of `.installed_version`. */
  marker: string | undefined;
  /** The release that was installed before this one. */
  previous: string | undefined;
  /** Versions in `releases/` that carry a manifest, oldest first. Whether they are whole is for the verifier to say. */
  releases: string[];
  /** Names in the volume's top directory that stand where ours must be: a real `bin/`, an archive unpacked by hand. */
  foreign: string[];
  /** Folders in `.staging`: somebody installs, or was killed while it did. */
  staging: string[];
  download: DownloadProgress | undefined;
  /** Who the lock file names; whether it still holds the lock is for `examineLock` to say. */
  holder: Holder | undefined;
}

/** `problems` are sentences for people. `unusable`: not a directory, mounted noexec, or not readable: no release can
 * run from it. `readOnly` alone is no obstacle for a worker, whose own folder may be mounted apart. */
export type VolumeFacts =
  | { state: 'absent' | 'unusable'; mount: VolumeMount; problems: string[] }
  | ({ state: 'present'; mount: VolumeMount; readOnly: boolean; problems: string[] } & VolumeContent);

export interface Volume {
  layout: Layout;
  observe(): Promise<VolumeFacts>;
  /** Units that have a folder below `worker/`. Not part of what every hook looks at: it grows with their number. */
  workers(): Promise<string[]>;
  /** Gives the volume its identity, once and for all; the identity that stands, which may be another's. */
  claimIdentity(wanted: { uuid: string; modelUuid: string; application: string }): Promise<VolumeIdentity>;
}

export function openVolume(host: Host): Volume {
  const layout = layoutOf(host.paths.volume);
  return {
    layout,
    observe: () => observe(host, layout),
    workers: async () =>
      (await listOf(host.files, layout.workers)).flatMap((folder) => unitOfFolder(folder) ?? []),
    claimIdentity: (wanted) => claimIdentity(host, layout, wanted),
  };
}

async function observe(host: Host, layout: Layout): Promise<VolumeFacts> {
  const { files } = host;
  const mount = mountOf(layout.root, await files.mounts());
  const silent = await silence(host, layout.root, mount);
  if (silent !== undefined) return unusable(mount, silent);
  try {
    const found = await files.stat(layout.root);
    if (found === undefined) return { state: 'absent', mount, problems: [`${layout.root} does not exist`] };
    if (found.kind !== 'directory') return unusable(mount, `${layout.root} is not a directory`);
    if (mount.options.includes('noexec')) {
      return unusable(
        mount,
        `${layout.root} is mounted noexec: remount it with exec, so that Concourse can run from it`,
      );
    }
    const readOnly = mount.options.includes('ro');
    const { content, problems } = await contentOf(files, layout);
    if (readOnly) problems.unshift(`${layout.root} is mounted read-only`);
    return { state: 'present', mount, readOnly, problems, ...content };
  } catch (error) {
    // A file server that is gone, a permission taken away: the operator's, not ours.
    if (
      hasCode(
        error,
        'EACCES',
        'EPERM',
        'EIO',
        'ENOTCONN',
        'ESTALE',
        'EHOSTDOWN',
        'ETIMEDOUT',
        'ENOTDIR',
        'ELOOP',
      )
    ) {
      return unusable(mount, `${layout.root} cannot be read: ${error.message}`);
    }
    throw error;
  }
}

function unusable(mount: VolumeMount, problem: string): VolumeFacts {
  return { state: 'unusable', mount, problems: [problem] };
}

/** The mount that `directory` lies on: the longest mount point that it is below of; of several at one point, the last. */
export function mountOf(directory: string, mounts: readonly Mount[]): VolumeMount {
  const below = (point: string) => point === '/' || directory === point || directory.startsWith(`${point}/`);
  const found = mounts
    .filter(({ mountPoint }) => below(mountPoint))
    .reduce<Mount | undefined>(
      (best, mount) =>
        best === undefined || mount.mountPoint.length >= best.mountPoint.length ? mount : best,
      undefined,
    );
  if (found === undefined) return { isMount: false, type: '', source: '', options: [] };
  return {
    isMount: found.mountPoint === directory,
    type: found.type,
    source: found.source,
    options: found.options,
  };
}

async function contentOf(
  files: Files,
  layout: Layout,
): Promise<{ content: VolumeContent; problems: string[] }> {
  const problems: string[] = [];
  const top = new Set(await files.list(layout.root));
  const has = (name: string) => top.has(name);
  const text = async (name: string, file: string) => (has(name) ? await files.readText(file) : undefined);
  const [id, marker, previous, download, lockText, releases, staging, bin] = await Promise.all([
    // Asked even when it was not listed: it is the one name that other units wait for.
    files.readText(layout.identity),
    text(names.marker, layout.marker),
    text(names.previous, layout.previous),
    text(names.progress, layout.progress),
    text(names.lock, layout.lock),
    has(names.releases) ? releasesOf(files, layout) : [],
    has(names.staging) ? listOf(files, layout.staging) : [],
    has(names.bin) ? binOf(files, layout) : noBin,
  ]);
  const identity = parseJson(identitySchema, id);
  if (id !== undefined && identity === undefined)
    problems.push(`${layout.identity} is not one that this charm wrote`);
  if (bin.problem !== undefined) problems.push(bin.problem);
  const foreign = [
    ...(bin.foreign ? [names.bin] : []),
    ...(releases === undefined ? [names.releases] : []),
    ...archiveNames.filter(has),
  ];
  if (foreign.length > 0) problems.push(`${layout.root} holds another layout: ${foreign.join(', ')}`);
  const content: VolumeContent = {
    id: identity,
    installed: bin.installed,
    marker: versionText(marker),
    previous: versionText(previous),
    releases: releases ?? [],
    foreign,
    staging,
    download: parseJson(DownloadProgress, download),
    holder: parseHolder(lockText),
  };
  return { content, problems };
}

const noBin: Bin = { foreign: false };

/** What lies beside `bin/` in the upstream archive: seen at the top, somebody unpacked one there. */
const archiveNames = ['resource-types', 'fly-assets'];

interface Bin {
  installed?: string;
  foreign: boolean;
  problem?: string;
}

async function binOf(files: Files, layout: Layout): Promise<Bin> {
  const target = await files.readLink(layout.bin);
  if (target === undefined) return { foreign: (await files.lstat(layout.bin)) !== undefined };
  const installed = versionOfBinTarget(target);
  if (installed === undefined) return { foreign: true };
  const found = await files.stat(path.join(layout.release(installed), 'bin'));
  if (found?.kind === 'directory') return { installed, foreign: false };
  return { foreign: false, problem: `${layout.bin} points at ${target}, which is not there` };
}

/** Undefined when `releases` is not a directory. */
async function releasesOf(files: Files, layout: Layout): Promise<string[] | undefined> {
  const found = await unless(files.list(layout.releases), 'ENOTDIR');
  if (found === undefined) return undefined;
  const whole = await Promise.all(
    found
      .filter(isVersion)
      .map(async (version) =>
        (await files.lstat(layout.manifest(version)))?.kind === 'file' ? [version] : [],
      ),
  );
  return whole.flat().sort(compareVersions);
}

async function listOf(files: Files, directory: string): Promise<string[]> {
  return ((await unless(files.list(directory), 'ENOTDIR')) ?? []).sort();
}

function versionText(text: string | undefined): string | undefined {
  const version = text?.trim();
  return version !== undefined && isVersion(version) ? version : undefined;
}
