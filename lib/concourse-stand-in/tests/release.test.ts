// The archive: Concourse's layout, the same bytes each time, and as large as asked for.
import { readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { list } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { makeStandInRelease } from '../src/index.ts';
import { sha256, Stage } from './programs.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const make = (directory: string, more: object = {}) =>
  makeStandInRelease({ version: '8.2.0', architecture: 'amd64', directory: stage.path(directory), ...more });

test('an archive has the layout of a Concourse release', async () => {
  const { path } = await make('a');
  const found = new Map<string, number>();
  await list({ file: path, onReadEntry: (entry) => found.set(entry.path, entry.mode ?? 0) });
  expect(path).toBe(stage.path('a/concourse-8.2.0-linux-amd64.tgz'));
  for (const program of [
    'concourse',
    'gdn',
    'containerd',
    'containerd-shim-runc-v2',
    'ctr',
    'runc',
    'init',
    'bridge',
  ]) {
    expect(found.get(`concourse/bin/${program}`), program).toBe(0o755);
  }
  for (const file of ['rootfs.tgz', 'resource_metadata.json']) {
    expect(found.get(`concourse/resource-types/git/${file}`), file).toBe(0o644);
  }
  expect([...found.keys()].filter((name) => /^concourse\/resource-types\/[^/]+\/$/.test(name))).toHaveLength(
    12,
  );
  expect(found.has('concourse/fly-assets/fly-linux-arm64.tgz')).toBe(true);
});

test('the same request gives the same bytes, and its digests are true', async () => {
  const [first, second] = [await make('a', { sizeBytes: 100_000 }), await make('b', { sizeBytes: 100_000 })];
  expect(second.sha256).toBe(first.sha256);
  expect(first.sha256).toBe(sha256(first.path));
  expect(first.sha1).toBe(createHash('sha1').update(readFileSync(first.path)).digest('hex'));
});

test.each([{ version: '8.2.1' }, { architecture: 'arm64' }, { behaviour: { web: 'exits' } }])(
  'another request gives other bytes: %j',
  async (change) => {
    expect((await make('b', change)).sha256).not.toBe((await make('a')).sha256);
  },
);

test('padding makes an archive as large as asked for, within 1 %', async () => {
  const sizeBytes = 20_000_000;
  const release = await make('a', { sizeBytes });
  expect(statSync(release.path).size).toBe(release.sizeBytes);
  expect(Math.abs(release.sizeBytes - sizeBytes) / sizeBytes).toBeLessThan(0.01);
});
