// What `--write` of a bench does: its part of docs/reference/performance.md, between marks, is replaced.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdown } from './table.ts';

const root = join(import.meta.dirname, '../..');
const path = join(root, 'docs/reference/performance.md');

/** The page with the part `name` replaced. Throws where the page has no such part. */
export function replacedPart(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- made by npm run bench:${name} -->`, '<!-- end -->'];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the page has no part between ${begin} and ${end}`);
  return `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`;
}

export function writeResult(
  name: string,
  heading: string,
  rows: readonly (readonly string[])[],
  goals: Readonly<Record<string, boolean>>,
): void {
  const list = Object.entries(goals).map(([goal, met]) => `* ${met ? 'met' : '**not met**'}: ${goal}`);
  const text = [heading, '', markdown(rows), '', ...list].join('\n');
  writeFileSync(path, replacedPart(readFileSync(path, 'utf8'), name, text));
}

/** Of the source that is measured; with a `+` when files differ from it. `unknown` outside of a clone. */
export function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', root, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${dirty ? '+' : ''}`;
  } catch (error) {
    // No git, or no clone: git ends with a status, or there is none to start.
    if (error instanceof Error && ('status' in error || 'code' in error)) return 'unknown';
    throw error;
  }
}
