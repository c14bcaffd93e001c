import { chmod, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Manifest,
  manifestSchema,
  manifestText,
  releaseDigest,
  verifyRelease,
} from '../../../src/release/manifest.ts';
import { unpackRelease } from '../../../src/release/unpack.ts';
import { archive } from './archives.ts';
import { inChunks, temporaryDirectory, testMachine } from './machine.ts';

const { files } = testMachine();

async function stagedRelease(): Promise<{ directory: string; manifest: Manifest }> {
  const directory = await temporaryDirectory();
  const unpacked = await unpackRelease(files, directory, inChunks(archive()), {
    source: 'archive',
    architecture: 'amd64',
    signal: new AbortController().signal,
  });
  const manifest: Manifest = {
    format: 1,
    version: '8.2.0',
    architecture: 'amd64',
    archive: { sha256: unpacked.archive.sha256, verifiedBy: 'pin' },
    files: unpacked.files,
  };
  await writeFile(join(directory, '.manifest.json'), manifestText(manifest));
  return { directory, manifest };
}

const sizes = { architecture: 'amd64', depth: 'sizes' } as const;

describe('a release', () => {
  test('that is whole verifies, with the digest of its manifest', async () => {
    const { directory, manifest } = await stagedRelease();
    const digest = releaseDigest(manifest);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    for (const depth of ['sizes', 'contents'] as const) {
      expect(
        await verifyRelease(files, directory, { ...sizes, depth, expectedDigest: digest, version: '8.2.0' }),
      ).toEqual({ ok: true, digest, manifest });
    }
  });

  const damages: [string, string, (directory: string) => Promise<unknown>][] = [
    ['a file is missing', 'bin/gdn is missing', (at) => rm(join(at, 'bin/gdn'))],
    [
      'a file is shorter',
      'bytes instead of 70000',
      (at) => truncate(join(at, 'resource-types/git/rootfs.tgz'), 5),
    ],
    ['a mode differs', 'mode 644 instead of 755', (at) => chmod(join(at, 'bin/concourse'), 0o644)],
    [
      'a file is a link',
      'is a link, not a file',
      async (at) => {
        await rm(join(at, 'bin/gdn'));
        await symlink('concourse', join(at, 'bin/gdn'));
      },
    ],
    [
      'a link leads elsewhere',
      'not a link to gdn',
      async (at) => {
        await rm(join(at, 'bin/runc'));
        await symlink('/etc', join(at, 'bin/runc'));
      },
    ],
    [
      'a folder is gone',
      'fly-assets/fly-linux-amd64.tgz is missing',
      (at) => rm(join(at, 'fly-assets'), { recursive: true }),
    ],
    ['the manifest is gone', '.manifest.json is missing', (at) => rm(join(at, '.manifest.json'))],
    [
      'the manifest is cut',
      '.manifest.json is missing or unreadable',
      (at) => truncate(join(at, '.manifest.json'), 99),
    ],
    [
      'the manifest is foreign',
      '.manifest.json is missing or unreadable',
      (at) => writeFile(join(at, '.manifest.json'), '{"format":2}'),
    ],
  ];

  test.each(damages)('does not verify when %s', async (_what, problem, damage) => {
    const { directory } = await stagedRelease();
    await damage(directory);
    expect(await verifyRelease(files, directory, sizes)).toEqual({
      ok: false,
      problems: [expect.stringContaining(problem)],
    });
  });

  test('with other contents of the same size is found out by the deep check only', async () => {
    const { directory } = await stagedRelease();
    await writeFile(join(directory, 'bin/gdn'), 'GDN');
    expect(await verifyRelease(files, directory, sizes)).toMatchObject({ ok: true });
    expect(await verifyRelease(files, directory, { ...sizes, depth: 'contents' })).toEqual({
      ok: false,
      problems: [expect.stringContaining('bin/gdn has other contents')],
    });
  });

  test('of another architecture, version or digest is not the wanted one', async () => {
    const { directory } = await stagedRelease();
    expect(await verifyRelease(files, directory, { ...sizes, architecture: 'arm64' })).toMatchObject({
      ok: false,
    });
    expect(await verifyRelease(files, directory, { ...sizes, version: '8.2.1' })).toMatchObject({
      ok: false,
    });
    expect(await verifyRelease(files, directory, { ...sizes, expectedDigest: 'sha256:00' })).toMatchObject({
      ok: false,
    });
  });

  test('with very many problems tells twenty', async () => {
    const { directory, manifest } = await stagedRelease();
    const missing = Array.from({ length: 500 }, (_, index) => ({
      kind: 'file' as const,
      path: `f${index}`,
      mode: 0o644,
      size: 1,
      sha256: 'ab'.repeat(32),
    }));
    await writeFile(join(directory, '.manifest.json'), manifestText({ ...manifest, files: missing }));
    const verified = await verifyRelease(files, directory, sizes);
    expect(verified.ok ? [] : verified.problems).toHaveLength(20);
  });
});

describe('the digest of a release', () => {
  const one = { kind: 'file', path: 'bin/concourse', mode: 0o755, size: 3, sha256: 'ab'.repeat(32) } as const;
  const two = { kind: 'link', path: 'bin/runc', target: 'gdn' } as const;
  const digest = releaseDigest({ architecture: 'amd64', files: [one, two] });

  test('does not depend on the order of the files', () => {
    expect(releaseDigest({ architecture: 'amd64', files: [two, one] })).toBe(digest);
  });

  test('depends on everything that is said of a file, and on the architecture', () => {
    const others: Pick<Manifest, 'architecture' | 'files'>[] = [
      { architecture: 'arm64', files: [one, two] },
      { architecture: 'amd64', files: [{ ...one, mode: 0o775 }, two] },
      { architecture: 'amd64', files: [{ ...one, size: 4 }, two] },
      { architecture: 'amd64', files: [{ ...one, sha256: 'ac'.repeat(32) }, two] },
      { architecture: 'amd64', files: [{ ...one, path: 'bin/gdn' }, two] },
      { architecture: 'amd64', files: [one, { ...two, target: 'concourse' }] },
      { architecture: 'amd64', files: [one] },
    ];
    const digests = others.map((other) => releaseDigest(other));
    expect(new Set([digest, ...digests]).size).toBe(others.length + 1);
  });
});

test('a manifest cannot name a path outside its release', () => {
  const file = { kind: 'file', path: '../../etc/shadow', mode: 0o644, size: 1, sha256: 'ab'.repeat(32) };
  const manifest = {
    format: 1,
    version: '8.2.0',
    architecture: 'amd64',
    archive: { sha256: 'ab'.repeat(32), verifiedBy: 'pin' },
  };
  expect(manifestSchema.safeParse({ ...manifest, files: [] }).success).toBe(true);
  expect(manifestSchema.safeParse({ ...manifest, files: [file] }).success).toBe(false);
  expect(
    manifestSchema.safeParse({ ...manifest, files: [{ kind: 'link', path: 'l', target: '/etc' }] }).success,
  ).toBe(false);
});
