// Deliberate defects, each an exact piece of the charm's source replaced on its way in: a mutation whose place is gone fails loudly.
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { relative } from 'node:path';
import type { Bias } from './plan.ts';
import { type Mutation, mutations } from './mutations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export function mutationOf(name: string): Mutation {
  const found = mutations.find((each) => each.name === name);
  if (found === undefined)
    throw new Error(`no mutation ${name}; there are ${mutations.map((each) => each.name).join(', ')}`);
  return found;
}

export function biasOf(name: string): Bias {
  return mutationOf(name).bias;
}

/** Before the charm is loaded. */
export function mutate(name: string): void {
  const { edits } = mutationOf(name);
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      const file = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : '';
      const mine = edits.filter((each) => each.file === file);
      if (mine.length === 0) return loaded;
      const bytes = loaded.source instanceof Uint8Array ? loaded.source : String(loaded.source);
      const source = mine.reduce(
        (text, edit) => edited(name, text, edit),
        Buffer.from(bytes).toString('utf8'),
      );
      return { ...loaded, source };
    },
  });
}

function edited(name: string, source: string, { file, find, replace }: Mutation['edits'][number]): string {
  const places = source.split(find).length - 1;
  if (places !== 1)
    throw new Error(`mutation ${name}: ${file} has ${places} places that read ${JSON.stringify(find)}`);
  return source.replace(find, () => replace);
}
