// Deliberate defects, each an exact piece of the charm's source replaced on its way in: a mutation whose place is gone fails loudly.
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { relative } from 'node:path';
import type { FaultKind } from './plan.ts';
import { type Mutation, mutations } from './mutations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export function mutationOf(name: string): Mutation {
  const found = mutations.find((each) => each.name === name);
  if (found === undefined)
    throw new Error(`no mutation ${name}; there are ${mutations.map((each) => each.name).join(', ')}`);
  return found;
}

export function biasOf(name: string): Partial<Record<FaultKind, number>> {
  return mutationOf(name).bias;
}

/** Before the charm is loaded. */
export function mutate(name: string): void {
  const { file, find, replace } = mutationOf(name);
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (!url.startsWith('file:') || relative(root, fileURLToPath(url)) !== file) return loaded;
      const source = Buffer.from(
        loaded.source instanceof Uint8Array ? loaded.source : String(loaded.source),
      ).toString('utf8');
      const places = source.split(find).length - 1;
      if (places !== 1)
        throw new Error(`mutation ${name}: ${file} has ${places} places that read ${JSON.stringify(find)}`);
      return { ...loaded, source: source.replace(find, () => replace) };
    },
  });
}
