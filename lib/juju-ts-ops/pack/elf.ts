// Reads and shortens ELF binaries, so that Node's is stripped to the same bytes on every machine, without binutils.

/** What is read of a 64-bit little-endian executable (elf(5)). */
interface Segment {
  type: number;
  offset: number;
  virtualAddress: number;
  fileSize: number;
}

const segmentTypes = { load: 1, dynamic: 2 } as const;
const dynamicTags = { end: 0, needed: 1, stringTable: 5 } as const;
const machines: Record<number, 'amd64' | 'arm64'> = { 62: 'amd64', 183: 'arm64' };

/** Bytes that are no ELF executable of a kind known here. */
export class ElfError extends Error {
  override name = 'ElfError';
}

export function architectureOf(binary: Buffer): 'amd64' | 'arm64' {
  checkHeader(binary);
  const architecture = machines[binary.readUInt16LE(18)];
  if (architecture === undefined) throw new ElfError(`an executable for machine ${binary.readUInt16LE(18)}`);
  return architecture;
}

/**
 * The binary without what is never loaded: symbols, debugging information, and the section table, which all lie behind
 * the last segment. Programs and the kernel go by segments alone, so it runs as before; debuggers lose names.
 */
export function strip(binary: Buffer): Buffer {
  const end = Math.max(...segments(binary).map(({ offset, fileSize }) => offset + fileSize));
  const stripped = Buffer.from(binary.subarray(0, end));
  stripped.writeBigUInt64LE(0n, 40); // e_shoff: no section table
  stripped.writeUInt16LE(0, 60); // e_shnum
  stripped.writeUInt16LE(0, 62); // e_shstrndx
  return stripped;
}

/** The shared libraries that the loader must find (DT_NEEDED), in order. */
export function neededLibraries(binary: Buffer): string[] {
  const all = segments(binary);
  const dynamic = all.find(({ type }) => type === segmentTypes.dynamic);
  if (dynamic === undefined) return [];
  const names: number[] = [];
  let table = 0;
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.fileSize; at += 16) {
    const tag = Number(binary.readBigInt64LE(at));
    const value = Number(binary.readBigUInt64LE(at + 8));
    if (tag === dynamicTags.end) break;
    if (tag === dynamicTags.needed) names.push(value);
    if (tag === dynamicTags.stringTable) table = fileOffset(all, value);
  }
  return names.map((name) => binary.toString('latin1', table + name, binary.indexOf(0, table + name)));
}

function checkHeader(binary: Buffer): void {
  // Magic, 64-bit, little-endian.
  const isKnown =
    binary.length > 64 && binary.readUInt32BE(0) === 0x7f454c46 && binary[4] === 2 && binary[5] === 1;
  if (!isKnown) throw new ElfError('not a 64-bit little-endian ELF executable');
}

function segments(binary: Buffer): Segment[] {
  checkHeader(binary);
  const table = Number(binary.readBigUInt64LE(32));
  const size = binary.readUInt16LE(54);
  const count = binary.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    return {
      type: binary.readUInt32LE(at),
      offset: Number(binary.readBigUInt64LE(at + 8)),
      virtualAddress: Number(binary.readBigUInt64LE(at + 16)),
      fileSize: Number(binary.readBigUInt64LE(at + 32)),
    };
  });
}

function fileOffset(all: readonly Segment[], address: number): number {
  const holder = all.find(
    ({ type, virtualAddress, fileSize }) =>
      type === segmentTypes.load && address >= virtualAddress && address < virtualAddress + fileSize,
  );
  if (holder === undefined) throw new ElfError(`no segment holds the address 0x${address.toString(16)}`);
  return holder.offset + address - holder.virtualAddress;
}
