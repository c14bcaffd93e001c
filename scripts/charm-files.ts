// Writes metadata.yaml, config.yaml and actions.yaml from the charm's definition: change src/definition.ts, then run
// `npm run charm-files`. A test holds them equal.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { charmFiles } from 'juju-ts-ops';
import { stringify } from 'yaml';
import { definition } from '../src/definition.ts';

const root = join(import.meta.dirname, '..');
for (const [name, content] of Object.entries(charmFiles(definition))) {
  const header = '# Written by `npm run charm-files` from src/definition.ts: change that, not this.\n';
  writeFileSync(join(root, `${name}.yaml`), header + stringify(content, { lineWidth: 120 }));
  console.log(`${name}.yaml`);
}
