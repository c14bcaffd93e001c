// Makes a release whole and verified in a staging folder: digest, space, download, unpack, check, manifest, sync.
import type { Host } from '../host/host.ts';
import type { ExpectedDigest, ReleasePlan } from './source.ts';
import type { ReleaseFailure } from './failures.ts';
import type { Manifest } from './manifest.ts';

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

export type StageRelease = (
  machine: StageMachine,
  area: StagingArea,
  plan: ReleasePlan,
  options: StageOptions,
) => Promise<StageResult>;
