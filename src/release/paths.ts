// Which names and links of an archive may be made below a release's folder: pure rules, so that they can be tested by property.

const topFolder = 'concourse';
/** Written by the charm itself beside the archive's files. */
export const manifestName = '.manifest.json';

export type PathRule = { path: string } | { refused: string };

/** An archive's entry name → the path below the release's folder ('' is that folder), or why it is refused. */
export function releasePath(name: string): PathRule {
  const below = insidePath(name);
  if ('refused' in below) return below;
  const [top, ...rest] = below.path.split('/');
  if (top !== topFolder) return { refused: `lies outside the archive's top folder ${topFolder}/` };
  const path = rest.join('/');
  return path === manifestName ? { refused: 'has a name that the charm keeps for itself' } : { path };
}

/** A relative path without `.` and empty components, or why it is not one that stays inside. */
export function insidePath(name: string): PathRule {
  if (name.startsWith('/')) return { refused: 'is an absolute path' };
  const unprintable = unprintableName(name);
  if (unprintable !== undefined) return { refused: unprintable };
  const components = name.split('/').filter((part) => part !== '' && part !== '.');
  if (components.includes('..')) return { refused: "contains '..'" };
  if (components.length === 0) return { refused: 'has no name' };
  if (name.length > 1024 || components.some((part) => Buffer.byteLength(part) > 255))
    return { refused: 'has too long a name' };
  return { path: components.join('/') };
}

/** Why a symbolic link at `path` (below the release's folder) may not point at `target`; undefined when it may.
 *
 * `..` is allowed at the start only: there it climbs real folders, of which the depth is known. After a name it would
 * climb from wherever that name leads, which may be another link, so that the sum of two harmless links leaves the release. */
export function linkRefusal(path: string, target: string): string | undefined {
  if (target === '') return 'is a link to nothing';
  if (target.startsWith('/')) return `is a link to the absolute path ${target}`;
  const unprintable = unprintableName(target);
  if (unprintable !== undefined) return `is a link whose target ${unprintable}`;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const names = parts.findIndex((part) => part !== '..');
  const climbs = names === -1 ? parts.length : names;
  if (parts.slice(climbs).includes('..'))
    return `is a link that climbs out of a folder by a detour (${target})`;
  const depth = path.split('/').length - 1;
  return climbs > depth ? `is a link out of the release (${target})` : undefined;
}

function unprintableName(name: string): string | undefined {
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return 'contains a control character';
    // What a decoder puts in place of bytes that are not UTF-8: two different names would become one.
    if (code === 0xfffd) return 'is not UTF-8';
  }
  return undefined;
}
