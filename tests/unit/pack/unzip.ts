// Reads a zip archive from its central directory, as the tests of packing need it: strict, and independent of the writer.
import { crc32, inflateRawSync } from 'node:zlib';

export interface ZipEntry {
  path: string;
  /** Of the "version made by" field: 3 is Unix. */
  madeBy: number;
  mode: number;
  /** DOS date and time. */
  time: number;
  content: Buffer;
}

export function unzip(archive: Buffer): ZipEntry[] {
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const entries: ZipEntry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < archive.readUInt16LE(end + 10); index += 1) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error(`no central header at ${at}`);
    const nameLength = archive.readUInt16LE(at + 28);
    const path = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    const body = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    if (archive.toString('utf8', local + 30, local + 30 + nameLength) !== path)
      throw new Error(`${path}: headers differ`);
    const content = inflateRawSync(archive.subarray(body, body + archive.readUInt32LE(at + 20)));
    if (content.length !== archive.readUInt32LE(at + 24)) throw new Error(`${path}: wrong size`);
    if (crc32(content) !== archive.readUInt32LE(at + 16)) throw new Error(`${path}: wrong checksum`);
    const attributes = archive.readUInt32LE(at + 38);
    entries.push({
      path,
      madeBy: archive.readUInt8(at + 5),
      mode: attributes >>> 16,
      time: archive.readUInt32LE(at + 12),
      content,
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}
