import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeZip } from 'juju-ts-ops/pack';
import { unzip } from './unzip.ts';

const file = (path: string, text: string, mode = 0o644) => ({ path, mode, content: Buffer.from(text) });

test('files come out as they went in, sorted, with Unix modes and one time', async () => {
  const entries = unzip(
    await writeZip([
      file('lib/ü.mjs', 'x'.repeat(5000)),
      file('dispatch', '#!/bin/sh\n', 0o755),
      file('empty', ''),
    ]),
  );
  expect(entries.map(({ path }) => path)).toEqual(['dispatch', 'empty', 'lib/ü.mjs']);
  expect(entries.map(({ mode }) => mode.toString(8))).toEqual(['100755', '100644', '100644']);
  expect(entries.map(({ madeBy }) => madeBy)).toEqual([3, 3, 3]);
  expect(entries.map(({ time }) => time)).toEqual([0x210000, 0x210000, 0x210000]);
  expect(entries.map(({ content }) => content.length)).toEqual([10, 0, 5000]);
});

test('the order in which files are given does not change the bytes', async () => {
  const files = fc.uniqueArray(fc.record({ path: fc.stringMatching(/^[a-z]{1,8}$/), text: fc.string() }), {
    selector: ({ path }) => path,
  });
  await fc.assert(
    fc.asyncProperty(files, async (list) => {
      const all = list.map(({ path, text }) => file(path, text));
      expect(await writeZip(all.toReversed())).toEqual(await writeZip(all));
    }),
    { numRuns: 30 },
  );
});
