// Talks to the lab that `npm start -- --keep` keeps up: `npm run lab -- status`, `… action UNIT NAME`, and so on.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askLab, LabError } from 'juju-lab';

const labDirectory = join(dirname(dirname(fileURLToPath(import.meta.url))), '.lab/units');
try {
  const answer = await askLab(labDirectory, process.argv.slice(2));
  process.stdout.write(answer.stdout);
  process.stderr.write(answer.stderr);
  process.exitCode = answer.code;
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(`${error.message}; start one with: npm start -- --keep`);
  process.exitCode = 1;
}
