import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MachineRoot } from '../src/root.ts';
import { temporaryFolder } from './temporary.ts';

const mountsOf = (root: MachineRoot) =>
  readFileSync(join(root.path, 'proc/self/mountinfo'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));

test('a mounted volume is one folder for all units, and each unit’s mountinfo lists it', () => {
  const folder = temporaryFolder();
  const volume = join(folder, 'volume');
  mkdirSync(volume);
  const [one, two] = ['a-0', 'a-1'].map((name) => new MachineRoot(join(folder, name)));
  for (const root of [one, two])
    root?.mount({ mountPath: '/srv/with space', directory: volume, readOnly: false });
  writeFileSync(join(folder, 'a-0/srv/with space/file'), 'shared');
  expect(readFileSync(join(folder, 'a-1/srv/with space/file'), 'utf8')).toBe('shared');
  const [disk, mounted] = one === undefined ? [] : mountsOf(one);
  expect(disk?.[4]).toBe('/');
  expect(mounted?.[4]).toBe('/srv/with\\040space');
  expect(mounted?.[5]).toMatch(/^rw/);
  expect(mounted?.indexOf('-')).toBeGreaterThan(5);
});

test('an unmounted path is an ordinary writable folder, with what lay under the mount', () => {
  const folder = temporaryFolder();
  const root = new MachineRoot(join(folder, 'a-0'));
  const at = join(root.path, 'srv/data');
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'under'), 'disk');
  root.mount({ mountPath: '/srv/data', directory: folder, readOnly: false });
  expect(existsSync(join(at, 'under'))).toBe(false);
  root.unmount();
  expect(readFileSync(join(at, 'under'), 'utf8')).toBe('disk');
  expect(mountsOf(root)).toHaveLength(1);
});

test('another volume takes the place of the first, and a read-only one says so', () => {
  const folder = temporaryFolder();
  const root = new MachineRoot(join(folder, 'a-0'));
  for (const name of ['one', 'two']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'name'), name);
  }
  root.mount({ mountPath: '/srv/data', directory: join(folder, 'one'), readOnly: false });
  root.mount({ mountPath: '/srv/data', directory: join(folder, 'two'), readOnly: true });
  expect(readFileSync(join(root.path, 'srv/data/name'), 'utf8')).toBe('two');
  expect(mountsOf(root)[1]?.[5]).toMatch(/^ro/);
});

test('each boot has an id of its own', () => {
  const root = new MachineRoot(join(temporaryFolder(), 'a-0'));
  const read = () => readFileSync(join(root.path, 'proc/sys/kernel/random/boot_id'), 'utf8');
  const first = read();
  root.boot();
  expect(read()).not.toBe(first);
});
