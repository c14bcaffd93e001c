// `npm test`: types, lint and all tiers of tests; its last line is the sum, `N passed, N failed`.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Count, runTier, type Tier, tiers } from './test/tiers.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { wanted, filters } = readArguments(process.argv.slice(2));
const counts: [Tier, Count][] = [];
for (const tier of wanted) {
  console.log(`\n── ${tier} ${'─'.repeat(72 - tier.length)}`);
  const begun = performance.now();
  const count = await runTier(root, tier, filters);
  counts.push([tier, count]);
  console.log(`${describe(count)} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

console.log('\n── summary ──');
for (const [tier, count] of counts) {
  console.log(`${tier.padEnd(8)} ${describe(count)}`);
  for (const problem of count.problems) console.log(`  ! ${problem}`);
}
const sum = (key: 'passed' | 'failed') => counts.reduce((total, [, count]) => total + count[key], 0);
process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);

function describe({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? ` (${skipped} skipped)` : ''}`;
}

/** `--only types,unit` chooses tiers; other words are paths that vitest's tiers are narrowed down to. */
function readArguments(argv: string[]): { wanted: Tier[]; filters: string[] } {
  const { values, positionals } = parseArgs({
    args: argv,
    options: { only: { type: 'string' } },
    allowPositionals: true,
  });
  const names = values.only?.split(',') ?? [...tiers];
  const unknown = names.find((name) => !tiers.some((tier) => tier === name));
  if (unknown !== undefined) {
    console.error(`no tier is called ${unknown}; there are: ${tiers.join(', ')}`);
    process.exit(2);
  }
  return { wanted: tiers.filter((tier) => names.includes(tier)), filters: positionals };
}
