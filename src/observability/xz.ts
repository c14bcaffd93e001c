// Text as monitoring charms take dashboards: an .xz stream in base64. Node has no LZMA, so the stream stores its content
// instead of compressing it, which every reader of .xz must take (The .xz File Format 1.2.1; LZMA2's uncompressed chunks).
import { crc32 } from 'node:zlib';

const chunkBytes = 0x10000;

/** An .xz stream whose content is stored as it is. The same bytes for the same content. */
export function xzStored(content: Buffer): Buffer {
  const packed = lzma2(content);
  // One block: the header, the chunks, filled up to a multiple of four, and a CRC32 of the content.
  const header = blockHeader();
  const block = Buffer.concat([header, packed, padding(packed.length), word32(crc32(content))]);
  const unpadded = header.length + packed.length + 4;
  const index = indexOf(unpadded, content.length);
  return Buffer.concat([streamHeader(), block, index, streamFooter(index.length)]);
}

export const xzBase64 = (text: string): string => xzStored(Buffer.from(text)).toString('base64');

/** The check is CRC32. */
const streamFlags = Buffer.from([0x00, 0x01]);

const streamHeader = (): Buffer =>
  Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), streamFlags, word32(crc32(streamFlags))]);

function streamFooter(indexBytes: number): Buffer {
  const fields = Buffer.concat([word32(indexBytes / 4 - 1), streamFlags]);
  return Buffer.concat([word32(crc32(fields)), fields, Buffer.from('YZ')]);
}

/** Twelve bytes: one filter, LZMA2 (0x21), with its dictionary of 64 KiB (property 8), no sizes. */
function blockHeader(): Buffer {
  const fields = Buffer.from([12 / 4 - 1, 0x00, 0x21, 0x01, 8, 0x00, 0x00, 0x00]);
  return Buffer.concat([fields, word32(crc32(fields))]);
}

function lzma2(content: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < content.length; at += chunkBytes) {
    const chunk = content.subarray(at, at + chunkBytes);
    // 1: the first, which begins the dictionary; 2: a further one. The size is big-endian, less one.
    const size = chunk.length - 1;
    chunks.push(Buffer.from([at === 0 ? 1 : 2, size >> 8, size & 0xff]), chunk);
  }
  return Buffer.concat([...chunks, Buffer.from([0])]);
}

function indexOf(unpadded: number, uncompressed: number): Buffer {
  const fields = Buffer.concat([Buffer.from([0x00, 0x01]), number(unpadded), number(uncompressed)]);
  const padded = Buffer.concat([fields, padding(fields.length)]);
  return Buffer.concat([padded, word32(crc32(padded))]);
}

/** Seven bits a byte, the lowest first. */
function number(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

function word32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
