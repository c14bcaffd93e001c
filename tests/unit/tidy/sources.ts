// The project's own files, and what they import, as the tidy tests look at them.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

/** Folders that hold what was made or fetched, not written. */
const notOurs = new Set([
  'node_modules',
  '.git',
  'dist',
  'build',
  'coverage',
  'parts',
  'stage',
  'prime',
  'overlay',
  '.lab',
]);

export interface Source {
  /** From the root, with `/` between. */
  path: string;
  text: string;
  lines: string[];
}

/** All files whose path, from the root, matches. */
export function sources(wanted: RegExp): Source[] {
  return paths(root)
    .map((path) => relative(root, path))
    .filter((path) => wanted.test(path))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, lines: text.replace(/\n$/, '').split('\n') };
    });
}

function paths(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return paths(path);
    return entry.isFile() ? [path] : [];
  });
}

export interface Import {
  /** `zod`, `node:fs`, or, for a file of ours, its path from the root. */
  target: string;
  /** Erased by the compiler: reaches nothing when the program runs. */
  typeOnly: boolean;
}

const statement =
  /^\s*(import|export)(\s+type)?\b([^'"`;()]*?)\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)(\.[A-Z])?/g;

/** Static and dynamic imports and re-exports of a TypeScript file. */
export function importsOf({ path, text }: Source): Import[] {
  const at = (name: string) => (name.startsWith('.') ? normalize(join(dirname(path), name)) : name);
  const statics = [...text.matchAll(statement)].map(([, , type, names = '', from, bare]) => ({
    target: at(from ?? bare ?? ''),
    typeOnly: type !== undefined || onlyTypes(names),
  }));
  // `import('x').Y` is a type.
  const dynamics = [...text.matchAll(dynamic)].map(([, from = '', type]) => ({
    target: at(from),
    typeOnly: type !== undefined,
  }));
  return [...statics, ...dynamics];
}

/** `{ type A, type B }` */
function onlyTypes(names: string): boolean {
  const inside = /^\s*\{([^}]*)\}\s*$/s.exec(names)?.[1] ?? '';
  const each = inside.split(',').filter((name) => name.trim() !== '');
  return each.length > 0 && each.every((name) => /^\s*type\s/.test(name));
}

/** The text without comments, strings and regular expressions' likes: what is left is code and its names. */
export function codeOf(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g,
    ' ',
  );
}
