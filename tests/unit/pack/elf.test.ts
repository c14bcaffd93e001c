import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { architectureOf, checkNode, ElfError, neededLibraries, strip } from 'juju-ts-ops/pack';
import { checkIntegrity } from '../../../scripts/pack/node-binary.ts';

const folder = mkdtempSync(join(tmpdir(), 'elf-'));
afterAll(() => rmSync(folder, { recursive: true }));
const node = readFileSync(process.execPath);
const here = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** A small executable: two segments, a dynamic section that needs `libraries`, and a tail that is never loaded. */
function executable(machine: number, libraries: readonly string[]): Buffer {
  const names = Buffer.from(`\0${libraries.map((name) => `${name}\0`).join('')}`);
  const [dynamicAt, tableAt, base] = [64 + 2 * 56, 512, 0x400000];
  const bytes = Buffer.alloc(tableAt + names.length + 100, 0xee);
  bytes.fill(0, 0, tableAt);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeBigUInt64LE(BigInt(bytes.length - 64), 40);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(2, 56);
  bytes.writeUInt16LE(1, 60);
  const segment = (index: number, type: number, offset: number, size: number) => {
    const at = 64 + index * 56;
    bytes.writeUInt32LE(type, at);
    bytes.writeBigUInt64LE(BigInt(offset), at + 8);
    bytes.writeBigUInt64LE(BigInt(base + offset), at + 16);
    bytes.writeBigUInt64LE(BigInt(size), at + 32);
  };
  segment(0, 1, 0, tableAt + names.length);
  segment(1, 2, dynamicAt, (libraries.length + 2) * 16);
  const needed = libraries.map((_, index) => [
    1,
    1 + libraries.slice(0, index).join('-').length + (index > 0 ? 1 : 0),
  ]);
  const entries = [...needed, [5, base + tableAt], [0, 0]];
  entries.forEach(([tag = 0, value = 0], index) => {
    bytes.writeBigUInt64LE(BigInt(tag), dynamicAt + index * 16);
    bytes.writeBigUInt64LE(BigInt(value), dynamicAt + index * 16 + 8);
  });
  names.copy(bytes, tableAt);
  return bytes;
}

describe('stripping', () => {
  test('takes away what lies behind the last segment, and the section table', () => {
    const whole = executable(62, ['libc.so.6']);
    const stripped = strip(whole);
    expect(stripped.length).toBe(whole.length - 100);
    expect(stripped.readBigUInt64LE(40)).toBe(0n);
    expect(stripped.readUInt16LE(60)).toBe(0);
    expect(strip(stripped)).toEqual(stripped);
  });

  test('the Node that this runs on is smaller, and runs, when it is stripped', () => {
    const stripped = strip(node);
    const path = join(folder, 'node');
    writeFileSync(path, stripped, { mode: 0o755 });
    const script =
      'console.log(process.version, require("node:crypto").createHash("sha256").update("").digest("hex").slice(0, 4))';
    expect(execFileSync(path, ['-e', script], { encoding: 'utf8' })).toBe(`${process.version} e3b0\n`);
    expect(stripped.length).toBeLessThanOrEqual(node.length);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a script', Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`)],
  ])('%s is refused', (_, bytes) => {
    expect(() => strip(bytes)).toThrow(ElfError);
  });
});

describe('what a binary needs', () => {
  test('is read from it, for both architectures', () => {
    expect(neededLibraries(executable(62, ['libc.so.6', 'libm.so.6']))).toEqual(['libc.so.6', 'libm.so.6']);
    expect(architectureOf(executable(62, []))).toBe('amd64');
    expect(architectureOf(executable(183, []))).toBe('arm64');
    expect(neededLibraries(node)).toContain('libc.so.6');
  });

  test('libatomic, which fresh units lack, stops the packing; so does the other architecture', () => {
    expect(() => checkNode(executable(62, ['libatomic.so.1', 'libc.so.6']), 'amd64')).toThrow(
      'needs libatomic.so.1',
    );
    expect(() => checkNode(executable(62, ['libc.so.6']), 'arm64')).toThrow(
      'for amd64 where one for arm64 was wanted',
    );
    expect(() => checkNode(node, here)).not.toThrow();
  });

  test('an archive that is not what the lock file pins is refused', () => {
    const integrity =
      'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==';
    expect(() => checkIntegrity(Buffer.alloc(0), integrity, 'node')).not.toThrow();
    expect(() => checkIntegrity(Buffer.from('x'), integrity, 'node')).toThrow('node: its sha512 is');
  });
});
