// Every deliberate defect still has its place in the charm's source, and every invariant has one. That each is caught:
// npm run simulate -- --mutations.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutations } from '../simulation/mutations.ts';

const root = join(import.meta.dirname, '../..');

test.each(mutations)('the defect $name can be made: $why', ({ edits }) => {
  for (const { file, find } of edits) {
    const places = readFileSync(join(root, file), 'utf8').split(find).length - 1;
    expect({ file, find, places }).toEqual({ file, find, places: 1 });
  }
});

test('every invariant has a defect that breaks it', () => {
  const broken = new Set(mutations.flatMap(({ breaks }) => breaks));
  expect([...broken].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});
