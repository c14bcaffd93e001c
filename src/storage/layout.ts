// Where everything lies on the volume: names alone, checked, so that nothing from a databag or a disk leads outside it.
import path from 'node:path';
import { parseVersion } from '../release/version.ts';

/** What the charm itself puts into the volume's top directory. */
export const names = {
  bin: 'bin',
  releases: 'releases',
  staging: '.staging',
  marker: '.installed_version',
  previous: '.previous_version',
  progress: '.download_in_progress',
  lock: '.install.lock',
  lease: '.install.lease',
  identity: '.volume-id',
  worker: 'worker',
  manifest: '.manifest.json',
  /** In a worker's own folder: locked for as long as its service runs. */
  held: '.held',
} as const;

/** Paths of one volume. Functions throw on a version or a unit that is not one: that is a bug of the caller, who parses. */
export interface Layout {
  root: string;
  bin: string;
  releases: string;
  staging: string;
  marker: string;
  previous: string;
  progress: string;
  lock: string;
  lease: string;
  identity: string;
  workers: string;
  release(version: string): string;
  manifest(version: string): string;
  workerFolder(unit: string): string;
}

export function layoutOf(root: string): Layout {
  const at = (...parts: string[]) => path.join(root, ...parts);
  return {
    root,
    bin: at(names.bin),
    releases: at(names.releases),
    staging: at(names.staging),
    marker: at(names.marker),
    previous: at(names.previous),
    progress: at(names.progress),
    lock: at(names.lock),
    lease: at(names.lease),
    identity: at(names.identity),
    workers: at(names.worker),
    release: (version) => at(names.releases, checkedVersion(version)),
    manifest: (version) => at(names.releases, checkedVersion(version), names.manifest),
    workerFolder: (unit) => at(names.worker, folderOfUnit(unit)),
  };
}

/** Whether `text` may name a release's directory: a version, and nothing that a path could turn into something else. */
export function isVersion(text: string): boolean {
  return parseVersion(text) !== undefined;
}

export function checkedVersion(version: string): string {
  if (!isVersion(version)) throw new Error(`not a version: ${JSON.stringify(version)}`);
  return version;
}

/** Juju's own rule for unit names: `concourse-ci/0`. */
export function isUnit(text: string): boolean {
  return text.length <= 120 && /^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*\/(0|[1-9]\d*)$/.test(text);
}

/** `concourse-ci/0` → `concourse-ci-0`. */
export function folderOfUnit(unit: string): string {
  if (!isUnit(unit)) throw new Error(`not a unit: ${JSON.stringify(unit)}`);
  return unit.replace('/', '-');
}

/** `concourse-ci-0` → `concourse-ci/0`; undefined for a folder that is not a unit's. */
export function unitOfFolder(folder: string): string | undefined {
  const [, application = '', number = ''] = /^([^/]+)-(\d+)$/.exec(folder) ?? [];
  const unit = `${application}/${number}`;
  return isUnit(unit) ? unit : undefined;
}

/** What `bin` points at, relative to the volume, so that it holds wherever the volume is mounted. */
export function binTarget(version: string): string {
  return `${names.releases}/${checkedVersion(version)}/bin`;
}

/** The version that a `bin` link's target names; undefined for any other target. */
export function versionOfBinTarget(target: string): string | undefined {
  const version = /^releases\/([^/]+)\/bin$/.exec(target)?.[1];
  return version !== undefined && isVersion(version) ? version : undefined;
}

/** A holder's own folder: `.staging/8.2.0-concourse-ci-0-3f9a1c77`. `what` is a version or a word. */
export function stagingName(what: string, unit: string, token: string): string {
  if (!/^[0-9A-Za-z][0-9A-Za-z.+_-]*$/.test(what))
    throw new Error(`not a staging folder's name: ${JSON.stringify(what)}`);
  return `${what}-${folderOfUnit(unit)}-${token}`;
}
