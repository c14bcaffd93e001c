// Concourse's version numbers, their order, and the one version that this charm pins: pure, so that deciding may use it.
import { z } from 'zod';
import pins from './pins.json' with { type: 'json' };

export const architectureSchema = z.enum(['amd64', 'arm64']);
export type Architecture = z.infer<typeof architectureSchema>;

/** A SHA-256 in hex: lower case, without a prefix, whatever was typed. */
export const sha256Schema = z
  .string()
  .trim()
  .transform((text) => text.toLowerCase().replace(/^sha256:/, ''))
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 is 64 hex digits, as `sha256sum` prints them'));

const number = '(0|[1-9]\\d{0,8})';
const identifier = '(?:0|[1-9]\\d{0,8}|\\d*[A-Za-z-][0-9A-Za-z-]*)';
const pattern = new RegExp(`^${number}\\.${number}\\.${number}(?:-(${identifier}(?:\\.${identifier})*))?$`);

export interface ParsedVersion {
  major: number;
  minor: number;
  patch: number;
  /** The identifiers after the hyphen, `8.2.0-rc.1` → `['rc', 1]`; empty for a final release. */
  preRelease: (string | number)[];
}

/** undefined when `text` is not a version: three numbers, and `-rc.1` or the like after them at most. Concourse's releases
 * carry no build metadata (`+…`), and their tags a `v` that is not part of the version. */
export function parseVersion(text: string): ParsedVersion | undefined {
  const match = text.length <= 64 ? pattern.exec(text) : null;
  if (match === null) return undefined;
  const [, major, minor, patch, pre] = match;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    preRelease:
      pre === undefined ? [] : pre.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
  };
}

/** Order by semver's rule, for `sort`: negative when `a` is the older one. RangeError when either is not a version: that
 * is a bug, since versions pass `versionSchema` where they enter. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (left === undefined || right === undefined) {
    throw new RangeError(`cannot order '${a}' and '${b}': both must be versions such as 8.2.0`);
  }
  return (
    left.major - right.major ||
    left.minor - right.minor ||
    left.patch - right.patch ||
    comparePreRelease(left.preRelease, right.preRelease)
  );
}

function comparePreRelease(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  // A final release comes after all of its release candidates.
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    if (typeof left === 'number') return typeof right === 'number' ? left - right : -1;
    if (typeof right === 'number') return 1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

/** What the `version` option, the goal and the markers accept. */
export const versionSchema = z.string().superRefine((text, context) => {
  if (parseVersion(text) !== undefined) return;
  const bare = text.trim().replace(/^v/i, '');
  const hint = parseVersion(bare) === undefined ? 'three numbers, such as 8.2.5' : `write it as ${bare}`;
  context.addIssue({ code: 'custom', message: `a Concourse version: ${hint}` });
});

/** The release that this revision of the charm was made for. A digest is null as long as nobody has seen that archive. */
export interface Pin {
  version: string;
  sha256: Record<Architecture, string | null>;
  /** Where and when the digests were read, for people. */
  seen: string;
}

export const pinSchema = z.strictObject({
  version: versionSchema,
  sha256: z.strictObject({ amd64: sha256Schema.nullable(), arm64: sha256Schema.nullable() }),
  seen: z.string(),
});

/** The content of pins.json. It throws when that file is malformed, which the tests rule out for a packed charm. */
export function pinnedRelease(): Pin {
  return pinSchema.parse(pins);
}
