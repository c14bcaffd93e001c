// What a staged release consists of, written beside it once, so that any unit can tell later whether it is whole and the same.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Files, FileStat } from '../host/host.ts';
import { jsonValue } from '../json.ts';
import { insidePath, linkRefusal, manifestName } from './paths.ts';
import { type Architecture, architectureSchema, sha256Schema, versionSchema } from './version.ts';

const pathSchema = z.string().refine((path) => {
  const rule = insidePath(path);
  return 'path' in rule && rule.path === path;
}, 'must be a plain path below the release');

const fileSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    path: pathSchema,
    /** Permission bits, decimal in JSON. */
    mode: z.int().min(0).max(0o777),
    /** Bytes. */
    size: z.int().min(0),
    sha256: sha256Schema,
  }),
  z
    .object({ kind: z.literal('link'), path: pathSchema, target: z.string() })
    .refine((link) => linkRefusal(link.path, link.target) === undefined, 'must point into the release'),
]);

export const manifestSchema = z.object({
  format: z.literal(1),
  version: versionSchema,
  architecture: architectureSchema,
  archive: z.object({
    sha256: sha256Schema,
    sha1: z.string().optional(),
    /** Who vouched for the archive when it was staged. */
    verifiedBy: z.enum(['option', 'pin', 'api', 'sha256-file', 'sha1-file']),
  }),
  files: z.array(fileSchema),
});

/** `.manifest.json`. Files and links are sorted by path; folders are implied by them. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = z.infer<typeof fileSchema>;

export type Verification =
  | { ok: true; digest: string; manifest: Manifest }
  | { ok: false; problems: string[] };

const maxProblems = 20;

/** Order by code unit: the same on every machine, whatever its locale. */
export function byPath(a: ManifestFile, b: ManifestFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** `sha256:<hex>` over the architecture and every file's kind, mode, size, sha256 and path: equal when two volumes hold the
 * same release, however it came there. No path contains a newline (`insidePath`), so the text is unambiguous. */
export function releaseDigest(manifest: Pick<Manifest, 'architecture' | 'files'>): string {
  const hash = createHash('sha256').update(`concourse release 1\n${manifest.architecture}\n`);
  for (const file of manifest.files.toSorted(byPath)) {
    hash.update(
      file.kind === 'file'
        ? `file ${file.mode.toString(8)} ${file.size} ${file.sha256} ${file.path}\n`
        : `link ${file.path}\n  to ${file.target}\n`,
    );
  }
  return `sha256:${hash.digest('hex')}`;
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}

/** The manifest of the release in `directory`: undefined when there is none, or none that this charm can read. */
export async function readManifest(files: Files, directory: string): Promise<Manifest | undefined> {
  const text = await files.readText(`${directory}/${manifestName}`);
  if (text === undefined) return undefined;
  const parsed = manifestSchema.safeParse(jsonValue(text));
  return parsed.success ? parsed.data : undefined;
}

/** Whether the release in `directory` is whole, of our architecture, and the expected one. `sizes` looks at kinds, sizes
 * and modes, so that a start costs the same whatever the size; `contents` hashes every byte. At most 20 problems are told. */
export async function verifyRelease(
  files: Files,
  directory: string,
  wanted: {
    expectedDigest?: string;
    version?: string;
    architecture: Architecture;
    depth: 'sizes' | 'contents';
    signal?: AbortSignal;
  },
): Promise<Verification> {
  const manifest = await readManifest(files, directory);
  if (manifest === undefined) return { ok: false, problems: [`${manifestName} is missing or unreadable`] };
  const problems: string[] = [];
  const digest = releaseDigest(manifest);
  if (wanted.expectedDigest !== undefined && wanted.expectedDigest !== digest) {
    problems.push(`the release has digest ${digest}, but ${wanted.expectedDigest} is expected`);
  }
  if (wanted.version !== undefined && wanted.version !== manifest.version) {
    problems.push(`the release is ${manifest.version}, but ${wanted.version} is expected`);
  }
  if (manifest.architecture !== wanted.architecture) {
    problems.push(`the release is for ${manifest.architecture}, but this machine is ${wanted.architecture}`);
  }
  for (const file of manifest.files) {
    if (problems.length >= maxProblems) break;
    wanted.signal?.throwIfAborted();
    const problem = await fileProblem(files, `${directory}/${file.path}`, file, wanted.depth);
    if (problem !== undefined) problems.push(`${file.path} ${problem}`);
  }
  return problems.length === 0 ? { ok: true, digest, manifest } : { ok: false, problems };
}

async function fileProblem(files: Files, path: string, file: ManifestFile, depth: 'sizes' | 'contents') {
  const stat = await files.lstat(path);
  if (stat === undefined) return 'is missing';
  if (file.kind === 'link') {
    return stat.kind === 'link' && (await files.readLink(path)) === file.target
      ? undefined
      : `is not a link to ${file.target}`;
  }
  const outside = statProblem(stat, file);
  if (outside !== undefined || depth === 'sizes') return outside;
  const hash = createHash('sha256');
  for await (const chunk of files.stream(path)) hash.update(chunk);
  return hash.digest('hex') === file.sha256 ? undefined : 'has other contents than when it was staged';
}

function statProblem(stat: FileStat, file: { mode: number; size: number }): string | undefined {
  if (stat.kind !== 'file') return `is a ${stat.kind}, not a file`;
  if (stat.sizeBytes !== file.size) return `has ${stat.sizeBytes} bytes instead of ${file.size}`;
  if (stat.mode !== file.mode) return `has mode ${stat.mode.toString(8)} instead of ${file.mode.toString(8)}`;
  return undefined;
}
