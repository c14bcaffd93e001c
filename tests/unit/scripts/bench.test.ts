// What the benches compute, and an archive with a real one's mix. Times are nobody's business here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { list } from 'tar';
import { expect, test } from 'vitest';
import { makeArchive } from '../../../scripts/bench/install/archive.ts';
import { bytesOf, median, sideBySide } from '../../../scripts/bench/measure.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('the median is the middle one, or the mean of the middle two', () => {
  expect([median([3]), median([9, 1, 2]), median([4, 1, 2, 30])]).toEqual([3, 2, 3]);
  expect(() => median([])).toThrow('nothing');
});

test.each([
  ['900MB', 900e6],
  ['1GB', 1e9],
  ['20kB', 20e3],
  ['17', 17],
  ['1.5GB', undefined],
  ['MB', undefined],
])('%s is %s bytes', (text, bytes) => expect(bytesOf(text)).toBe(bytes));

test('ways take turns, tell their memory, and one that fails is named', async () => {
  const directory = await temporaryDirectory();
  const order = join(directory, 'order');
  const ways = ['a', 'b'].map((name) => ({
    name,
    script: `echo ${name} >> ${order}; echo '{"memoryBytes":${name === 'a' ? 7 : 9}}'`,
  }));
  const figures = await sideBySide(ways, 2, () => undefined);
  expect(readFileSync(order, 'utf8')).toBe('a\nb\na\nb\n');
  expect([...figures].map(([name, { ms, memoryBytes }]) => [name, ms.length, memoryBytes])).toEqual([
    ['a', 2, 7],
    ['b', 2, 9],
  ]);
  await expect(
    sideBySide([{ name: 'c', script: 'false | true; echo too late' }], 1, () => undefined),
  ).rejects.toThrow('exit 1 of:');
});

test('the archive is about as large as asked for, with programs and what does not compress', async () => {
  const archive = await makeArchive(await temporaryDirectory(), process.execPath, 6e6);
  expect(archive.sizeBytes).toBeGreaterThan(4e6);
  expect(archive.sizeBytes).toBeLessThan(8e6);
  expect(archive.contentBytes).toBeGreaterThan(1.2 * archive.sizeBytes);
  const entries: string[] = [];
  await list({ file: archive.path, onReadEntry: ({ path }) => void entries.push(path) });
  expect(entries).toEqual(
    expect.arrayContaining(['concourse/bin/concourse', 'concourse/resource-types/git/rootfs.tgz']),
  );
});
