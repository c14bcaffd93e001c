// What charmcraft says of the packed charm, and what it makes itself of the same project.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { writeZip } from 'juju-ts-ops/pack';
import { unzip, type ZipEntry } from '../unit/pack/unzip.ts';
import { analyse, pack } from './support/charmcraft.ts';
import { architecture, archive, project, run } from './support/folders.ts';

describe('charmcraft analyse', () => {
  test.each(['amd64', 'arm64'])('finds nothing to mend in the charm for %s', async (of) => {
    const found = await analyse(archive(of));
    const results = Object.fromEntries(found.map(({ name, result }) => [name, result]));
    // What it checks of every charm; the others are about Python.
    expect(results).toMatchObject({
      metadata: 'ok',
      'juju-config': 'ok',
      'juju-actions': 'ok',
      'naming-conventions': 'ok',
      entrypoint: 'ok',
    });
    const others = found.filter(({ result }) => !['ok', 'nonapplicable', 'unknown'].includes(result));
    expect(others).toEqual([]);
    // Unknown is what it says of a charm that is not Python: an attribute, not a fault.
    const unknown = found.filter(({ result }) => result === 'unknown');
    expect(unknown.map(({ name, check_type }) => `${check_type} ${name}`).sort()).toEqual([
      'attribute framework',
      'attribute language',
    ]);
  });

  test('would see a dispatch that does not end in an executable file', async () => {
    const spoiled = join(run(), 'spoiled_amd64.charm');
    const files = unzip(readFileSync(archive())).filter(({ path }) => !/^(bin|lib)\//.test(path));
    writeFileSync(spoiled, await writeZip(files));
    const found = await analyse(spoiled);
    expect(found.find(({ name }) => name === 'entrypoint')?.result).toBe('error');
  });
});

describe('charmcraft pack', () => {
  test('makes the same charm as npm run pack, but for the manifest, which it writes itself', async () => {
    const ours = byPath(readFileSync(archive()));
    const theirs = byPath(readFileSync(await pack(project(), architecture)));
    expect([...theirs.keys()].sort()).toEqual([...ours.keys()].sort());
    for (const [path, { mode, content }] of ours) {
      expect(`${path} ${theirs.get(path)?.mode.toString(8)}`).toBe(`${path} ${mode.toString(8)}`);
      if (path !== 'manifest.yaml') expect(theirs.get(path)?.content.equals(content), path).toBe(true);
    }
    const manifest = (of: Map<string, ZipEntry>): unknown =>
      parse(of.get('manifest.yaml')?.content.toString('utf8') ?? '');
    // Theirs tells of the packing: when, by which charmcraft, and what its attributes are. And it has one base, the one it was
    // packed on, because charmcraft does not know that nothing in the charm depends on the base's own Python or libraries.
    expect(manifest(theirs)).toEqual({
      'charmcraft-version': expect.any(String),
      'charmcraft-started-at': expect.any(String),
      bases: [{ name: 'ubuntu', channel: '24.04', architectures: [architecture] }],
      analysis: {
        attributes: [
          { name: 'language', result: 'unknown' },
          { name: 'framework', result: 'unknown' },
        ],
      },
    });
    expect(manifest(ours)).toEqual({
      bases: ['22.04', '24.04'].map((channel) => ({
        name: 'ubuntu',
        channel,
        architectures: [architecture],
      })),
    });
  });

  test('is told in charmcraft.yaml to build either architecture on either', () => {
    const { platforms } = parse(readFileSync(join(project(), 'charmcraft.yaml'), 'utf8'));
    expect(platforms).toEqual({
      amd64: { 'build-on': ['amd64', 'arm64'], 'build-for': ['amd64'] },
      arm64: { 'build-on': ['amd64', 'arm64'], 'build-for': ['arm64'] },
    });
  });
});

const byPath = (zip: Buffer): Map<string, ZipEntry> =>
  new Map(unzip(zip).map((entry) => [entry.path, entry]));
