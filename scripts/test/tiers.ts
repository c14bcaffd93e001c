// Runs one tier of the tests, visibly, and counts what came of it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

export const tiers = ['types', 'lint', 'unit', 'cluster', 'lab'] as const;
export type Tier = (typeof tiers)[number];

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
  /** Why something counts as failed that no test has shown. */
  problems: string[];
}

/** The parts of vitest's JSON report that are counted. */
const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/** `filters`: paths that narrow vitest's tiers down; then a tier may have no test. */
export async function runTier(root: string, tier: Tier, filters: readonly string[]): Promise<Count> {
  switch (tier) {
    case 'types':
      return check(tier, await run(root, 'tsc', ['--noEmit']));
    case 'lint':
      return check(tier, await run(root, 'biome', ['check', '.']));
    case 'unit':
    case 'cluster':
    case 'lab':
      return await runVitest(root, tier, ['--project', tier], filters);
    default:
      return tier satisfies never;
  }
}

function check(tier: Tier, code: number): Count {
  const passed = code === 0;
  return {
    passed: passed ? 1 : 0,
    failed: passed ? 0 : 1,
    skipped: 0,
    problems: passed ? [] : [`${tier}: see above`],
  };
}

/** A tier with a configuration of vitest's of its own, which `npm test` does not run; prints what came of it, the sum last.
 * `words` narrow it down, as for vitest. Resolves to the exit code. */
export async function runOwnTier(root: string, tier: string, words: readonly string[]): Promise<number> {
  const { passed, failed, problems } = await runVitest(
    root,
    tier,
    ['--config', `tests/${tier}/vitest.config.ts`],
    words,
  );
  for (const problem of problems) console.log(`  ! ${problem}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

async function runVitest(
  root: string,
  tier: string,
  which: readonly string[],
  filters: readonly string[],
): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), 'test-report-'));
  const file = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const allowNone = filters.length > 0 ? ['--passWithNoTests'] : [];
    const code = await run(root, 'vitest', ['run', ...which, ...reporters, ...allowNone, ...filters]);
    return countReport(tier, readReport(file), code, filters.length > 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // No report, or half a one: vitest did not get to its end.
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

/** Adds up vitest's report. A file that could not be loaded, an error outside of a test, and a tier without any test are
 * failures too, which the report's own sums leave out. */
export function countReport(tier: string, content: unknown, code: number, mayBeEmpty: boolean): Count {
  const parsed = report.safeParse(content);
  if (!parsed.success) {
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      problems: [`${tier}: vitest ended with exit code ${code} and without a report`],
    };
  }
  const { numPassedTests: passed, numFailedTests, numPendingTests: skipped, testResults } = parsed.data;
  const problems = testResults
    .filter(
      ({ status, assertionResults }) =>
        status === 'failed' && assertionResults.every((each) => each.status !== 'failed'),
    )
    .map(({ name }) => `${tier}: ${name} failed as a whole`);
  if (passed + numFailedTests === 0 && problems.length === 0 && !mayBeEmpty)
    problems.push(`${tier}: no test ran`);
  const failed = numFailedTests + problems.length;
  if (failed > 0 || code === 0) return { passed, failed, skipped, problems };
  return {
    passed,
    failed: 1,
    skipped,
    problems: [`${tier}: vitest ended with exit code ${code} though no test failed`],
  };
}

/** Runs a program of the packages, on the Node that runs this, with its output to be seen: all of it on stdout, so that
 * nothing follows the sum. */
function run(root: string, program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const script = join(root, 'node_modules/.bin', program);
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 1, 1] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
