// A charm's folder as Juju handles it: the YAML files read, and the files put in place for a unit, at install and again
// at each refresh.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { CharmFiles } from 'juju-ts-ops/testing';
import { parse } from 'yaml';
import { codeOf, LabError } from './errors.ts';

export interface UnpackedCharm {
  directory: string;
  files: CharmFiles;
}

export function readCharm(directory: string): UnpackedCharm {
  const absolute = resolve(directory);
  return { directory: absolute, files: readCharmFiles(absolute) };
}

export function readCharmFiles(directory: string): CharmFiles {
  const metadata = readYaml(join(directory, 'metadata.yaml'));
  if (metadata === undefined) {
    throw new LabError(`${directory} is not an unpacked charm: it has no metadata.yaml`);
  }
  const config = readYaml(join(directory, 'config.yaml'));
  const actions = readYaml(join(directory, 'actions.yaml'));
  return { metadata, ...(config && { config }), ...(actions && { actions }) };
}

function readYaml(path: string): Record<string, unknown> | undefined {
  if (!existsSync(path)) return undefined;
  const content: unknown = parse(readFileSync(path, 'utf8'));
  if (!isRecord(content)) throw new LabError(`${path} must hold a YAML map`);
  return content;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Files of this size and more are shared with the charm's folder by a hard link; smaller ones are copied, so that
 * neither a charm that writes to its own folder nor a build that rewrites its output touches the other side. */
const linkFromBytes = 1 << 20;

/** Puts the charm's files in place, as Juju's manifest deployer does: a file or folder of the revision before that the
 * new one lacks vanishes, new files replace old ones under a new inode (what runs keeps running), and what the charm
 * made itself stays, unless it lies in a folder that vanishes. */
export function unpackCharm(from: string, to: string): void {
  const manifest = `${to}.manifest`;
  const wanted = listTree(from);
  const before = existsSync(manifest) ? readFileSync(manifest, 'utf8').split('\n').filter(Boolean) : [];
  const kept = new Set(wanted);
  mkdirSync(to, { recursive: true });
  for (const path of before) {
    if (!kept.has(path)) rmSync(join(to, path), { recursive: true, force: true });
  }
  for (const path of wanted) put(join(from, path), join(to, path));
  writeFileSync(manifest, wanted.map((path) => `${path}\n`).join(''));
}

/** All paths below, folders before what they hold. */
function listTree(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

function put(from: string, to: string): void {
  const stat = lstatSync(from);
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (stat.isDirectory()) {
    if (there !== undefined && !there.isDirectory()) rmSync(to);
    mkdirSync(to, { recursive: true });
    return;
  }
  if (there !== undefined) rmSync(to, { recursive: true });
  mkdirSync(dirname(to), { recursive: true });
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (stat.size < linkFromBytes || !linked(from, to)) copy(from, to, stat.mode);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    // EXDEV: another file system. EPERM: one without hard links. EMLINK: too many of them.
    if (['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

function copy(from: string, to: string, mode: number): void {
  copyFileSync(from, to);
  chmodSync(to, mode & 0o7777);
}
