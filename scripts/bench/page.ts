// What `--write` of a bench does: its finding goes into docs/reference/performance.json, and from there into the page, between
// marks, and into a plot beside it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonValue } from '../../src/json.ts';
import { machine } from './measure.ts';
import { type Plot, svgOf } from './plot.ts';
import { markdown, tellResult } from './table.ts';

/** What a bench found: also its line of JSON. */
export interface Finding {
  bench: 'install' | 'hook' | 'upgrade';
  machine: string;
  commit: string;
  /** What was measured how often, in words. */
  how: string;
  /** For people; the first row is the head. */
  table: readonly (readonly string[])[];
  plot: Plot;
  ratios: Readonly<Record<string, number>>;
  goals: Readonly<Record<string, boolean>>;
  /** The figures. */
  rows: readonly object[];
}

const root = join(import.meta.dirname, '../..');
const reference = join(root, 'docs/reference');

/** The page with the part `name` replaced. Throws where the page has no such part. */
export function replacedPart(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- made by npm run bench:${name} -->`, '<!-- end -->'];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the page has no part between ${begin} and ${end}`);
  return `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`;
}

export const plotName = (bench: string): string => `performance-${bench}.svg`;

/** A finding as its part of the page. */
export function partOf({ bench, machine, commit, how, table, plot, goals }: Finding): string {
  const list = Object.entries(goals).map(([goal, met]) => `* ${met ? 'met' : '**not met**'}: ${goal}`);
  const heading = `${machine}; commit ${commit}; ${how}.`;
  return [heading, '', `![${plot.title}](${plotName(bench)})`, '', markdown(table), '', ...list].join('\n');
}

export function writeFinding(finding: Finding): void {
  const dataPath = join(reference, 'performance.json');
  const before = existsSync(dataPath) ? jsonValue(readFileSync(dataPath, 'utf8')) : {};
  const { bench } = finding;
  const all = { ...(typeof before === 'object' ? before : {}), [bench]: finding };
  writeFileSync(dataPath, `${JSON.stringify(all, undefined, 1)}\n`);
  writeFileSync(join(reference, plotName(bench)), svgOf(finding.plot));
  const page = join(reference, 'performance.md');
  writeFileSync(page, replacedPart(readFileSync(page, 'utf8'), bench, partOf(finding)));
}

/** How a bench ends: the table and the goals for people, the page where it is to be written, one line of JSON last. */
export function tellFinding(
  { bench, how, table, plot, ratios, goals, rows }: Omit<Finding, 'machine' | 'commit'>,
  { write, json }: { write: boolean; json: boolean },
): void {
  const finding = { bench, machine: machine(), commit: commit(), how, table, plot, ratios, goals, rows };
  tellResult(table, goals);
  if (write) writeFinding(finding);
  if (json) console.log(JSON.stringify(finding));
}

/** Of the source that is measured; with a `+` when files differ from it. `unknown` outside of a clone. */
export function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', root, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    // What an earlier bench has just written is no source.
    const dirty = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/reference') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${dirty ? '+' : ''}`;
  } catch (error) {
    // No git, or no clone: git ends with a status, or there is none to start.
    if (error instanceof Error && ('status' in error || 'code' in error)) return 'unknown';
    throw error;
  }
}
