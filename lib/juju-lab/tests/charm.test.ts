import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readCharmFiles, unpackCharm } from '../src/charm.ts';
import { temporaryFolder } from './temporary.ts';

function write(folder: string, files: Record<string, string>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

test('a refresh puts new files in place, takes vanished ones away and leaves what the charm made', () => {
  const folder = temporaryFolder();
  const to = join(folder, 'unit/charm');
  mkdirSync(dirname(to));
  const first = write(join(folder, 'one'), {
    dispatch: 'v1',
    'lib/gone': 'x',
    'lib/kept': 'v1',
    'old/file': 'x',
  });
  unpackCharm(first, to);
  write(to, { 'lib/made': 'mine', 'old/made': 'mine', 'top-made': 'mine' });
  const second = write(join(folder, 'two'), { dispatch: 'v2', 'lib/kept': 'v2', 'new/file': 'y' });
  symlinkSync('dispatch', join(second, 'link'));
  unpackCharm(second, to);
  expect(readFileSync(join(to, 'dispatch'), 'utf8')).toBe('v2');
  expect(readFileSync(join(to, 'link'), 'utf8')).toBe('v2');
  expect(readFileSync(join(to, 'lib/kept'), 'utf8')).toBe('v2');
  expect(readFileSync(join(to, 'new/file'), 'utf8')).toBe('y');
  expect(['lib/made', 'top-made'].map((path) => existsSync(join(to, path)))).toEqual([true, true]);
  expect(['lib/gone', 'old'].map((path) => existsSync(join(to, path)))).toEqual([false, false]);
});

test('a file that is open while it is replaced keeps its content', () => {
  const folder = temporaryFolder();
  const from = write(join(folder, 'charm'), { dispatch: 'v1' });
  const to = join(folder, 'unit');
  unpackCharm(from, to);
  const open = openSync(join(to, 'dispatch'), 'r');
  write(from, { dispatch: 'v2' });
  unpackCharm(from, to);
  expect(readFileSync(open, 'utf8')).toBe('v1');
  closeSync(open);
  expect(readFileSync(join(to, 'dispatch'), 'utf8')).toBe('v2');
});

test('a large file is shared by a hard link, a small one is the unit’s own', () => {
  const folder = temporaryFolder();
  const from = write(join(folder, 'charm'), { large: 'x'.repeat(1 << 20), small: 'x' });
  const to = join(folder, 'unit');
  unpackCharm(from, to);
  expect(statSync(join(to, 'large')).ino).toBe(statSync(join(from, 'large')).ino);
  writeFileSync(join(to, 'small'), 'changed');
  expect(readFileSync(join(from, 'small'), 'utf8')).toBe('x');
  rmSync(from, { recursive: true });
  expect(statSync(join(to, 'large')).size).toBe(1 << 20);
});

test('a folder that is no charm is refused by name', () => {
  const folder = temporaryFolder();
  expect(() => readCharmFiles(folder)).toThrow(`${folder} is not an unpacked charm: it has no metadata.yaml`);
});
