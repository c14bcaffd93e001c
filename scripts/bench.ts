// `npm run bench`: all benches one after another, each for itself; what they find goes into docs/reference/performance.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { jsonValue } from '../src/json.ts';

const usage = `usage: npm run bench -- [--quick]
  --quick   each bench once and small, and nothing is written: whether it works, not what it finds`;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const benches = {
  install: ['--size', '232MB,900MB', '--rounds', '5'],
  hook: [],
  upgrade: ['--sizes', '10MB,1GB', '--workers', '2,20'],
};
let failed = 0;
const found: Record<string, unknown> = {};
for (const [name, full] of Object.entries(benches)) {
  const args = values.quick ? ['--quick'] : [...full, '--write'];
  console.log(`==== bench:${name} ${args.join(' ')}`);
  const line = await lastLineOf(join(import.meta.dirname, `bench-${name}.ts`), [...args, '--json']);
  const finding = jsonValue(line);
  if (typeof finding === 'object' && finding !== null) found[name] = Reflect.get(finding, 'ratios');
  else failed += 1;
}
console.log(JSON.stringify({ bench: 'all', ratios: found }));
console.log(`${Object.keys(found).length} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Of a script that ended well; empty otherwise. All that it says is passed on. */
async function lastLineOf(script: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  process.stdout.write(said);
  return code === 0 ? (said.trim().split('\n').at(-1) ?? '') : '';
}
