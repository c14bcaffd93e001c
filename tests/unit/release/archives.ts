// Archives made entry by entry, so that tests can say exactly what an attacker, or a broken tool, would put into them.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

export interface Entry {
  path: string;
  type?:
    | 'File'
    | 'Directory'
    | 'SymbolicLink'
    | 'Link'
    | 'CharacterDevice'
    | 'BlockDevice'
    | 'FIFO'
    | 'ContiguousFile';
  mode?: number;
  content?: string | Buffer;
  linkpath?: string;
  /** The raw type byte, for what the tar package would not write. */
  typeByte?: string;
}

/** The smallest thing that counts as a release. */
export function releaseEntries(version = '8.2.0'): Entry[] {
  return [
    { path: 'concourse/', type: 'Directory', mode: 0o755 },
    { path: 'concourse/bin/', type: 'Directory', mode: 0o755 },
    { path: 'concourse/bin/concourse', mode: 0o755, content: `#!/bin/sh\necho ${version}\n` },
    { path: 'concourse/bin/gdn', mode: 0o755, content: 'gdn' },
    { path: 'concourse/bin/runc', type: 'SymbolicLink', linkpath: 'gdn' },
    { path: 'concourse/resource-types/git/rootfs.tgz', mode: 0o644, content: Buffer.alloc(70_000, 'rootfs') },
    { path: 'concourse/resource-types/git/resource_metadata.json', mode: 0o644, content: '{"type":"git"}' },
    { path: 'concourse/fly-assets/fly-linux-amd64.tgz', mode: 0o644, content: 'fly' },
  ];
}

export function tarball(entries: readonly Entry[], options: { endMarker?: boolean } = {}): Buffer {
  const blocks = entries.flatMap((entry) => [header(entry), body(entry)]);
  return Buffer.concat([...blocks, Buffer.alloc(options.endMarker === false ? 0 : 1024)]);
}

export function archive(entries: readonly Entry[] = releaseEntries()): Buffer {
  return gzipSync(tarball(entries), { level: 1 });
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** 20 bytes of an ELF header for `machine` (0x3e: x86-64, 0xb7: AArch64). */
export function elf(machine: number): Buffer {
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(machine, 18);
  return head;
}

function header(entry: Entry): Buffer {
  const block = Buffer.alloc(512);
  new Header({
    path: entry.path,
    type: entry.type ?? 'File',
    mode: entry.mode ?? 0o644,
    size: Buffer.byteLength(entry.content ?? ''),
    ...(entry.linkpath === undefined ? {} : { linkpath: entry.linkpath }),
    mtime: new Date(1_700_000_000_000),
  }).encode(block, 0);
  if (entry.typeByte !== undefined) block.write(entry.typeByte, 156, 'latin1');
  return checksummed(block);
}

/** The sum of all bytes, the sum's own eight counting as spaces. */
export function checksummed(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function body(entry: Entry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
