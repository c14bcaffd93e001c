// The same small charm with juju-ts-ops and with Python's ops, on the same fake Juju: what a user sees of it is the same.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Lab } from 'juju-lab';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/motd');
/** `npm run bench:hook` installs ops there. */
const python = join(root, 'node_modules/.cache/bench/ops/bin/python');
const scratch = mkdtempSync(join(tmpdir(), 'motd-lab-'));

afterAll(() => rmSync(scratch, { recursive: true }));

describe.each([
  { framework: 'juju-ts-ops', folder: inTypeScript, skip: false },
  { framework: 'ops', folder: inPython, skip: !existsSync(python) },
])('with $framework', ({ framework, folder, skip }) => {
  test.skipIf(skip)('it is deployed, scaled, configured, asked and removed', async () => {
    const lab = new Lab({ directory: join(scratch, framework), charm: { directory: folder() } });
    const file = (unit: number) => join(scratch, framework, `units/motd-${unit}`, 'root/etc/motd.d/motd');
    try {
      lab.deploy('motd', { units: 2, config: { message: 'Hello', contact: 'ops@example.com' } });
      await lab.settle();
      expect(lab.juju.unitStatus('motd/0')).toMatchObject({ status: 'active', message: '' });
      expect(readFileSync(file(0), 'utf8')).toBe('Hello\nContact: ops@example.com\nThe others: 127.0.10.2\n');

      lab.configure('motd', { contact: 'me' });
      await lab.settle();
      const message = 'contact=me: takes an e-mail address';
      expect(lab.juju.unitStatus('motd/1')).toMatchObject({ status: 'blocked', message });

      const { results } = await lab.runAction('motd/1', 'show');
      expect(results).toMatchObject({ text: 'Hello\nThe others: 127.0.10.1\n' });

      lab.removeUnit('motd/1');
      await lab.settle();
      expect(existsSync(file(1))).toBe(false);
    } finally {
      await lab.close();
    }
  });
});

function inTypeScript(): string {
  return made('typescript', {
    dispatch: `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${example}/tests/lab-charm.ts'\n`,
    ...Object.fromEntries(
      ['metadata', 'config', 'actions'].map((name) => [`${name}.yaml`, text(`${name}.yaml`)]),
    ),
  });
}

/** As charmcraft parts its one file. */
function inPython(): string {
  const { config, actions, type: _, ...metadata } = parse(text('with-ops/charmcraft.yaml'));
  return made('python', {
    dispatch: `#!/bin/sh\nMOTD_ROOT=$JUJU_LAB_ROOT exec '${python}' ./src/charm.py\n`,
    'src/charm.py': text('with-ops/src/charm.py'),
    'metadata.yaml': stringify(metadata),
    'config.yaml': stringify(config),
    'actions.yaml': stringify(actions),
  });
}

const text = (path: string): string => readFileSync(join(example, path), 'utf8');

function made(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(scratch, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  chmodSync(join(folder, 'dispatch'), 0o755);
  return folder;
}
