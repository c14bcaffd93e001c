// The YAML files that Juju reads, written from the definition in src/charm.ts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { charmFiles, type Definition } from '../src/index.ts';

/** Throws when, with `check`, any is not current. */
export async function files(check: boolean): Promise<void> {
  const stale = (await wanted()).filter(
    ({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text,
  );
  const names = stale.map(({ path }) => path).join(', ');
  if (check && stale.length > 0) throw new Error(`not current: ${names}. Run: npm run files`);
  for (const { path, text } of stale) writeFileSync(path, text);
  console.log(
    stale.length === 0 ? 'metadata.yaml, config.yaml and actions.yaml are current' : `written: ${names}`,
  );
}

async function wanted(): Promise<{ path: string; text: string }[]> {
  const { stringify } = await import('yaml');
  const header = '# Written by `npm run files` from src/charm.ts: change that, not this.\n';
  return Object.entries(charmFiles(await definitionHere())).map(([name, content]) => ({
    path: `${name}.yaml`,
    text: header + stringify(content, { lineWidth: 120 }),
  }));
}

/** Of the charm in the current folder. */
export async function definitionHere(): Promise<{ readonly declared: Definition }> {
  const exported: { definition?: { readonly declared: Definition } } = await import(
    pathToFileURL(resolve('src/charm.ts')).href
  );
  if (exported.definition?.declared === undefined)
    throw new Error('src/charm.ts exports no `definition`: export const definition = defineCharm({ … })');
  return exported.definition;
}
