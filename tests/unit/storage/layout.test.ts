// Names from elsewhere never lead out of the volume.
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  binTarget,
  folderOfUnit,
  isVersion,
  layoutOf,
  unitOfFolder,
  versionOfBinTarget,
} from '../../../src/storage/layout.ts';
import { whatToPrune, workerFoldersToPrune } from '../../../src/storage/prune.ts';

const layout = layoutOf('/var/lib/concourse');
const hostile = [
  '..',
  '.',
  '',
  '/',
  '../8.2.0',
  '8.2.0/..',
  '8.2.0/../../x',
  '8.2.0\0',
  ' 8.2.0',
  '8.2.0\n',
  '.staging',
  '%2e%2e',
];

it.each(hostile)('%j is neither a version nor a unit', (name) => {
  expect(isVersion(name)).toBe(false);
  expect(() => layout.release(name)).toThrow('not a version');
  expect(() => binTarget(name)).toThrow('not a version');
  expect(() => layout.workerFolder(name)).toThrow('not a unit');
  expect(versionOfBinTarget(`releases/${name}/bin`)).toBeUndefined();
});

it('whatever is taken as a version or a unit names one directory right below its parent', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('.', '/', '-', '8', 'a', '0') })),
      (text) => {
        if (isVersion(text)) expect(path.dirname(layout.release(text))).toBe(layout.releases);
        const unit = unitOfFolder(text);
        if (unit !== undefined) {
          expect(folderOfUnit(unit)).toBe(text);
          expect(path.dirname(layout.workerFolder(unit))).toBe(layout.workers);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

it('a unit and its folder name each other', () => {
  expect(folderOfUnit('concourse-ci/10')).toBe('concourse-ci-10');
  expect(unitOfFolder('concourse-ci-10')).toBe('concourse-ci/10');
  expect(unitOfFolder('lost+found')).toBeUndefined();
  expect(unitOfFolder('concourse-ci')).toBeUndefined();
});

const volume = { releases: ['8.0.0', '8.9.0', '8.1.0', '8.10.0'], installed: '8.10.0', previous: '8.1.0' };
const none: ReadonlySet<string> = new Set();

it('what is installed, the one before, what runs and what is wanted stay', () => {
  expect(whatToPrune({ ...volume, running: none, wanted: none })).toEqual(['8.0.0', '8.9.0']);
  expect(whatToPrune({ ...volume, running: new Set(['8.0.0']), wanted: new Set(['8.9.0']) })).toEqual([]);
});

it('the newest other release counts as the one before where that is not known', () => {
  for (const previous of [undefined, '8.10.0', '7.0.0']) {
    expect(whatToPrune({ ...volume, previous, running: none, wanted: none })).toEqual(['8.0.0', '8.1.0']);
  }
});

it('nothing goes while nothing is installed', () => {
  expect(whatToPrune({ ...volume, installed: undefined, running: none, wanted: none })).toEqual([]);
});

it('the folders of units that are gone go', () => {
  expect(workerFoldersToPrune(['concourse-ci/0', 'concourse-ci/1'], new Set(['concourse-ci/1']))).toEqual([
    'concourse-ci/0',
  ]);
});
