// Release archives in the place of Concourse's own, where those cannot be had or would be too large: same names, same layout,
// and a `concourse` that behaves alike at the command line. README.md says what it does and what it does not.
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { create } from 'tar';

import type { Behaviour } from './program/build.ts';

export { helpText } from './program/help.ts';
export type { Behaviour };

export interface StandInRequest {
  /** `8.2.0` */
  version: string;
  architecture: 'amd64' | 'arm64';
  /** Where the archive is put; made if it is not there. */
  directory: string;
  /** The Node executable (24 or newer) that the programs start with: on a machine without it they cannot run. */
  node?: string;
  /** Padding up to about so many bytes, which compress no better than the real ones. */
  sizeBytes?: number;
  /** Faults, baked in. */
  behaviour?: Behaviour;
}

export interface StandInRelease {
  /** The archive: `<directory>/concourse-<version>-linux-<architecture>.tgz`. */
  path: string;
  sha256: string;
  sha1: string;
  sizeBytes: number;
}

const RESOURCE_TYPES =
  'bosh-io-release bosh-io-stemcell docker-image git github-release hg mock pool registry-image s3 semver time'.split(
    ' ',
  );
const CNI_PLUGINS =
  'bandwidth bridge dhcp dummy firewall host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap tuning vlan vrf';
const OTHER_PROGRAMS = `containerd ctr gdn init runc ${CNI_PLUGINS}`.split(' ');
const FLY_PLATFORMS = ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'];
const MADE = new Date('2026-01-01T00:00:00Z');

/** Equal requests give equal bytes. */
export async function makeStandInRelease(request: StandInRequest): Promise<StandInRelease> {
  await mkdir(request.directory, { recursive: true });
  const stage = await mkdtemp(join(request.directory, '.stand-in-'));
  try {
    const files = await fill(stage, request);
    const path = join(request.directory, `concourse-${request.version}-linux-${request.architecture}.tgz`);
    await create(
      // Padding does not compress, so nobody waits for the attempt; the real root file systems do not either.
      {
        file: path,
        cwd: stage,
        gzip: { level: request.sizeBytes ? 0 : 9 },
        portable: true,
        mtime: MADE,
        noDirRecurse: true,
      },
      withDirectories(files),
    );
    return { path, ...(await digests(path)), sizeBytes: (await stat(path)).size };
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Writes the release's files below `stage`; their paths, from `concourse/` on. */
async function fill(stage: string, request: StandInRequest): Promise<string[]> {
  const { version, architecture } = request;
  const program = await bundle(request);
  const files: string[] = [];
  const put = async (path: string, content: string, mode: number): Promise<void> => {
    files.push(`concourse/${path}`);
    await mkdir(dirname(join(stage, 'concourse', path)), { recursive: true });
    await writeFile(join(stage, 'concourse', path), content, { mode });
  };
  for (const name of ['concourse', 'containerd-shim-runc-v2']) await put(`bin/${name}`, program, 0o755);
  for (const name of OTHER_PROGRAMS) {
    await put(
      `bin/${name}`,
      `#!/bin/sh\n# stands in for ${name} ${version} ${architecture}\nexit 0\n`,
      0o755,
    );
  }
  for (const type of RESOURCE_TYPES) {
    const metadata = {
      type,
      version: '1.0.0',
      privileged: type === 'docker-image',
      unique_version_history: false,
    };
    await put(`resource-types/${type}/resource_metadata.json`, `${JSON.stringify(metadata)}\n`, 0o644);
    await put(`resource-types/${type}/rootfs.tgz`, `${type} ${version} ${architecture}\n`, 0o644);
    const bytes = Math.ceil((request.sizeBytes ?? 0) / RESOURCE_TYPES.length);
    const path = join(stage, 'concourse/resource-types', type, 'rootfs.tgz');
    if (bytes > 0) await pad(path, bytes, `${version} ${architecture} ${type}`);
  }
  for (const platform of FLY_PLATFORMS)
    await put(`fly-assets/fly-${platform}.tgz`, `fly ${version}\n`, 0o644);
  await put('fly-assets/fly-windows-amd64.zip', `fly ${version}\n`, 0o644);
  return files.sort();
}

/** One file that needs nothing but Node: a shell line that starts Node on the file itself, and the program. */
async function bundle({ version, behaviour = {}, node = process.execPath }: StandInRequest): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('program/main.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    define: { STAND_IN: JSON.stringify({ version, behaviour }) },
    // Whatever lies around where it is built must not change the bytes.
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    tsconfigRaw: {},
  });
  const quoted = `'${node.replaceAll("'", `'\\''`)}'`;
  return `#!/bin/sh\n":" //; exec ${quoted} "$0" "$@"\n${outputFiles[0]?.text ?? ''}`;
}

/** Bytes that look random and are the same each time: a key stream. */
async function pad(path: string, bytes: number, seed: string): Promise<void> {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(1 << 20);
  await using file: FileHandle = await open(path, 'w', 0o644);
  for (let left = bytes; left > 0; left -= zeros.length) {
    await file.write(stream.update(zeros.subarray(0, Math.min(left, zeros.length))));
  }
}

/** Each directory once, before what lies in it. */
function withDirectories(files: readonly string[]): string[] {
  const paths = new Set<string>();
  for (const file of files) {
    for (let at = file.indexOf('/'); at > 0; at = file.indexOf('/', at + 1)) paths.add(file.slice(0, at));
    paths.add(file);
  }
  return [...paths].sort();
}

async function digests(path: string): Promise<{ sha256: string; sha1: string }> {
  const sha256 = createHash('sha256');
  const sha1 = createHash('sha1');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    sha256.update(chunk as Buffer);
    sha1.update(chunk as Buffer);
  }
  return { sha256: sha256.digest('hex'), sha1: sha1.digest('hex') };
}
