// `npm run reference`: writes what the charm's definition knows into the reference pages, and begins a section for what has none.
// A test holds them current.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { charmFiles } from 'juju-ts-ops';
import { definition } from '../src/definition.ts';
import { apiPage } from './reference/api.ts';
import { blocksOf, filledIn, sectionsOf, withSections } from './reference/blocks.ts';

const folder = join(import.meta.dirname, '../docs/reference');
const files = charmFiles(definition);
const blocks = blocksOf(files);
for (const [name, sections] of Object.entries(sectionsOf(files)))
  write(name, (page) => filledIn(withSections(page, sections), blocks));
write('juju-ts-ops.md', apiPage);

function write(name: string, make: (page: string) => string): void {
  const path = join(folder, name);
  const page = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const next = make(page);
  if (next !== page) writeFileSync(path, next);
  console.log(`docs/reference/${name}: ${next === page ? 'is current' : 'written'}`);
}
