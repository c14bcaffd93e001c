// The tutorial "Your first charm in TypeScript" is the way from the template to examples/motd, and nothing else. Its tests are run
// by tests/lab/framework-package.test.ts, in a charm made from the packed template.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JujuSite, runJuju } from 'juju-lab';
import { charmFiles } from 'juju-ts-ops';
import { FakeJuju } from 'juju-ts-ops/testing';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { definition } from '../../../examples/motd/src/charm.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/tutorial/your-first-charm-in-typescript.md');
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
const example = read('examples/motd/src/charm.ts');

describe('what it adds', () => {
  test.each(blocks('ts'))('is in the example: %s', (block) => {
    expect(example).toContain(block);
  });

  test('is all that the example has beside the template and its imports', () => {
    const template = read('lib/juju-ts-ops/template/src/charm.ts').replaceAll('my-charm', 'motd');
    const told = new Set([template, ...blocks('ts')].flatMap((text) => text.split('\n')));
    expect(example.split('\n').filter((line) => !told.has(line) && !line.startsWith('import '))).toEqual([]);
  });
});

/** Whatever is typed at a shell: what carries it out. */
const carriedOut: Readonly<Record<string, string>> = {
  'npm run pack:ops -- ..': 'the script is packFramework, which the test of the package calls',
  'cd ..': 'moves',
  'cd motd': 'moves',
  'npm exec --yes --package ./juju-ts-ops-0.1.0.tgz -- juju-ts-ops create motd --package file:../juju-ts-ops-0.1.0.tgz':
    'the test of the package calls the same program, without the registry that npm exec asks for zod',
  'npm install': 'the test of the package',
  'npm test': 'the test of the package',
  'npm run files': 'the test of the package',
  'npm run pack': 'the test of the package',
};

test('each command is carried out by a test', () => {
  const unknown = commands.filter((line) => !line.startsWith('juju ') && carriedOut[line] === undefined);
  expect(unknown).toEqual([]);
  expect(Object.keys(carriedOut).filter((line) => !commands.includes(line))).toEqual([]);
});

test('Juju takes its commands', async () => {
  const juju = new FakeJuju({ seed: 1, clock: { now: () => 0 } });
  const site: JujuSite = {
    juju,
    operate: (command) => command(juju),
    deploy: (name, _charm, options) => juju.deploy(name, charmFiles(definition), options),
    refresh: () => {},
    runAction: async (unit, name, params) => ({ ...juju.runAction(unit, name, params), status: 'completed' }),
    exec: async () => ({ code: 0, stdout: '', stderr: '' }),
    readFile: read,
  };
  for (const line of commands.filter((one) => one.startsWith('juju '))) {
    const { code, stderr } = await runJuju(
      site,
      line
        .split(' ')
        .slice(1)
        .map((word) => word.replace('./motd_amd64.charm', 'motd')),
    );
    expect(code, `${line}: ${stderr}`).toBe(0);
  }
  expect(juju.units('motd')).toHaveLength(2);
});

describe('the comparison with ops', () => {
  const comparison = read('docs/explanation/juju-ts-ops-and-ops.md');
  const files = { ts: 'src/charm.ts', py: 'with-ops/src/charm.py', yaml: 'with-ops/charmcraft.yaml' };

  test.each(Object.entries(files))('its %s is what is in examples/motd/%s', (kind, path) => {
    const shown = [...comparison.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'gms'))];
    expect(shown.length).toBeGreaterThan(0);
    for (const [, block = ''] of shown) expect(read(`examples/motd/${path}`)).toContain(block);
  });

  test('both declare the same', () => {
    const { config, actions, peers } = parse(read('examples/motd/with-ops/charmcraft.yaml'));
    const own = charmFiles(definition);
    expect({ config, actions, peers }).toEqual({
      config: own.config,
      actions: own.actions,
      peers: own.metadata['peers'],
    });
  });
});
