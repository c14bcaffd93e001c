// The lab from a terminal: `npm run lab -- up` starts an empty one; the rest is asked of the one that runs, which `npm start
// -- --keep` keeps up as well: `npm run lab -- status`, `… kill UNIT`, `… juju FOLDER WORD…`, and so on. `… timeline` says where the last upgrade is drawn.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askLab, LabError } from 'juju-lab';
import { tellTimeline } from './lab/timeline.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.env['CONCOURSE_LAB'] ?? join(root, '.lab');
const words = process.argv.slice(2);
try {
  if (words[0] === 'up') await (await import('./lab/up.ts')).up(folder);
  else if (words[0] === 'timeline') tellTimeline(folder);
  else await ask();
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(`${error.message}; start one with: npm run lab -- up`);
  process.exitCode = 1;
}

async function ask(): Promise<void> {
  const answer = await askLab(join(folder, 'units'), words);
  process.stdout.write(answer.stdout);
  process.stderr.write(answer.stderr);
  process.exitCode = answer.code;
}
