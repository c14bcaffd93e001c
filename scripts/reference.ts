// `npm run reference`: writes what the charm's definition knows into the reference pages. A test holds them current.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { charmFiles } from 'juju-ts-ops';
import { definition } from '../src/definition.ts';
import { blocksOf, filledIn } from './reference/blocks.ts';

const folder = join(import.meta.dirname, '../docs/reference');
const blocks = blocksOf(charmFiles(definition));
for (const name of ['options.md', 'actions.md']) {
  const path = join(folder, name);
  const page = readFileSync(path, 'utf8');
  const next = filledIn(page, blocks);
  if (next !== page) writeFileSync(path, next);
  console.log(`docs/reference/${name}: ${next === page ? 'is current' : 'written'}`);
}
