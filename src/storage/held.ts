// What the holder of the install lock may do to the shared part of the volume. Each change is one rename that starts or
// ends in the holder's own staging folder, with the lease looked at just before: frozen after that look and overtaken, it
// fails with ENOENT, since the next holder has taken that folder away.
import path from 'node:path';
import { hasCode } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { VolumeFailure, volumeCodes } from './failures.ts';
import type { Holder } from './holder.ts';
import { binTarget, checkedVersion, type Layout, names, stagingName, versionOfBinTarget } from './layout.ts';
import type { Lease } from './lease.ts';
import { foreignFolder, foreignPath } from './sweep.ts';
import { type DownloadProgress, openVolume } from './volume.ts';

/** Where a release is made, and what its maker needs of the lock. */
export interface StagingArea {
  /** `.staging/<version>-<unit>-<token>`, there and empty. */
  directory: string;
  signal: AbortSignal;
  assertHeld(): Promise<void>;
  /** Replaces `.download_in_progress`. */
  progress(progress: { version: string; bytes: number; total?: number }): Promise<void>;
}

export interface Held {
  /** Aborts when the lock is lost (reason: `LeaseLost`), or when the caller's own signal does. */
  signal: AbortSignal;
  holder: Holder;
  /** Random, in the own staging folder and in the lease's record. */
  fencingToken: string;
  /** Throws `LeaseLost` unless both still carry the token. */
  assertHeld(): Promise<void>;
  staging(version: string): Promise<StagingArea>;
  /** Puts a finished directory, which lies in this holder's staging and is synced, into `releases/`. What stood there
   * under that version is moved aside first: only a broken one may be. */
  releaseVersion(version: string, stagedDirectory: string): Promise<void>;
  /** Points `bin` at a release, and remembers the one before. Nothing happens when it does already. */
  switchTo(version: string): Promise<void>;
  /** `.installed_version`. */
  writeMarker(version: string): Promise<void>;
  /** Moves what stands where ours must be to `.foreign-<date>-<token>/`; that path, or undefined when nothing does. */
  moveForeignAside(): Promise<string | undefined>;
  /** Throws for the installed release. */
  removeRelease(version: string): Promise<void>;
  /** The folder of a unit that is gone for good. */
  removeWorkerFolder(unit: string): Promise<void>;
  /** Undefined: the download is over. */
  progress(progress: DownloadProgress | undefined): Promise<void>;
}

export interface Holding {
  host: Host;
  layout: Layout;
  lease: Lease;
  self: Holder;
  signal: AbortSignal;
}

const directoryMode = 0o755;
const fileMode = 0o644;

export function holdVolume({ host, layout, lease, self, signal }: Holding): Held {
  const { files } = host;
  let used = 0;
  const ownPath = (name: string) => {
    used += 1;
    return path.join(lease.folder, `${used}-${name}`);
  };
  const assertHeld = async () => {
    signal.throwIfAborted();
    await lease.assertHeld();
  };
  const fenced = async (what: string, act: () => Promise<void>) => {
    await assertHeld();
    try {
      await act();
    } catch (error) {
      // Overtaken between the look and the act: say that, and not that a file is missing.
      if (hasCode(error, 'ENOENT', 'ESTALE')) await lease.assertHeld();
      if (hasCode(error, ...volumeCodes)) {
        throw new VolumeFailure(`cannot write ${what}`, error.code ?? '', { cause: error });
      }
      throw error;
    }
  };
  const change = (from: string, to: string) => fenced(to, () => files.rename(from, to));
  const makeOwn = (directory: string) =>
    fenced(directory, () => files.makeDirectory(directory, { mode: directoryMode }));
  const makeShared = async (directory: string) => {
    if ((await files.lstat(directory)) !== undefined) return;
    const fresh = ownPath(path.basename(directory));
    await makeOwn(fresh);
    await change(fresh, directory);
    await files.syncDirectory(layout.root);
  };
  const replace = async (file: string, text: string, durable: boolean) => {
    const fresh = ownPath(path.basename(file));
    await fenced(file, () => files.write(fresh, text, { mode: fileMode, sync: durable }));
    await change(fresh, file);
    if (durable) await files.syncDirectory(path.dirname(file));
  };
  const takeAway = async (file: string) => {
    if ((await files.lstat(file)) === undefined) return;
    const aside = ownPath(path.basename(file));
    await change(file, aside);
    await files.remove(aside);
  };
  const installedNow = async () => versionOfBinTarget((await files.readLink(layout.bin)) ?? '');
  const progress = async (state: DownloadProgress | undefined) =>
    state === undefined
      ? takeAway(layout.progress)
      : replace(layout.progress, `${JSON.stringify(state)}\n`, false);

  return {
    signal,
    holder: self,
    fencingToken: self.token,
    assertHeld,
    progress,
    staging: async (version) => {
      const directory = path.join(
        layout.staging,
        stagingName(checkedVersion(version), self.unit, self.token),
      );
      await makeOwn(directory);
      const started = new Date(host.clock.now()).toISOString();
      return {
        directory,
        signal,
        assertHeld,
        progress: (state) => progress({ ...state, unit: self.unit, started }),
      };
    },
    releaseVersion: async (version, stagedDirectory) => {
      const release = layout.release(version);
      const own = path.relative(layout.staging, stagedDirectory).split(path.sep)[0] ?? '';
      if (own.startsWith('..') || !own.endsWith(`-${self.token}`)) {
        throw new Error(`${stagedDirectory} is not in the staging folder of the unit that holds the lock`);
      }
      if ((await files.lstat(path.join(stagedDirectory, names.manifest)))?.kind !== 'file') {
        // Swept away by whoever has the lock now, perhaps.
        await assertHeld();
        throw new Error(`${stagedDirectory} has no ${names.manifest}: it is not a finished release`);
      }
      await makeShared(layout.releases);
      if ((await files.lstat(release)) !== undefined) await change(release, ownPath(version));
      await change(stagedDirectory, release);
      await files.syncDirectory(layout.releases);
    },
    switchTo: async (version) => {
      const target = binTarget(version);
      if ((await files.readLink(layout.bin)) === target) return;
      if ((await files.lstat(layout.manifest(version))) === undefined) {
        await assertHeld();
        throw new Error(
          `${layout.release(version)} is not a finished release: there is no ${names.manifest} in it`,
        );
      }
      const previous = await installedNow();
      if (previous !== undefined) await replace(layout.previous, `${previous}\n`, true);
      const fresh = ownPath(names.bin);
      await fenced(layout.bin, () => files.symbolicLink(target, fresh));
      await change(fresh, layout.bin);
      await files.syncDirectory(layout.root);
    },
    writeMarker: async (version) => replace(layout.marker, `${checkedVersion(version)}\n`, true),
    moveForeignAside: async () => {
      const facts = await openVolume(host).observe();
      if (facts.state !== 'present' || facts.foreign.length === 0) return undefined;
      const collected = path.join(lease.folder, foreignFolder);
      await files.makeDirectory(collected, { mode: directoryMode, recursive: true });
      for (const name of facts.foreign)
        await change(path.join(layout.root, name), path.join(collected, name));
      const kept = foreignPath(host, layout, self);
      await change(collected, kept);
      await files.syncDirectory(layout.root);
      return kept;
    },
    removeRelease: async (version) => {
      if ((await installedNow()) === version)
        throw new Error(`${version} is the installed release: it stays`);
      await takeAway(layout.release(version));
    },
    removeWorkerFolder: async (unit) => takeAway(layout.workerFolder(unit)),
  };
}
