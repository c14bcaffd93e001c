// Reads the .xz streams that the charm writes, by the format's description and not by the writer's code: whatever is not
// as described throws.
import { crc32 } from 'node:zlib';

/** The text in the base64 of a stream. */
export function contentOf(base64: string): string {
  return xzContent(Buffer.from(base64, 'base64')).toString();
}

export function xzContent(stream: Buffer): Buffer {
  const check = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`not the .xz stream that it should be: ${what}`);
  };
  const crc = (from: number, to: number) => crc32(stream.subarray(from, to));
  check(stream.length % 4 === 0, 'its length');
  check(stream.subarray(0, 6).equals(Buffer.from('fd377a585a00', 'hex')), 'magic');
  check(stream.readUInt32LE(8) === crc(6, 8), 'header CRC');
  const headerBytes = ((stream[12] ?? 0) + 1) * 4;
  check(stream.readUInt32LE(12 + headerBytes - 4) === crc(12, 12 + headerBytes - 4), 'block header CRC');
  check(stream[14] === 0x21 && stream[15] === 1, 'filter LZMA2');
  const parts: Buffer[] = [];
  let at = 12 + headerBytes;
  for (let control = stream[at]; control !== 0; control = stream[at]) {
    check(control === (parts.length === 0 ? 1 : 2), 'an uncompressed chunk');
    const size = stream.readUInt16BE(at + 1) + 1;
    parts.push(stream.subarray(at + 3, at + 3 + size));
    at += 3 + size;
  }
  const content = Buffer.concat(parts);
  const unpadded = at + 1 - 12 + 4;
  at = 12 + Math.ceil((at + 1 - 12) / 4) * 4;
  check(stream.readUInt32LE(at) === crc32(content), 'content CRC');
  at += 4;
  const index = at;
  check(stream[at] === 0 && stream[at + 1] === 1, 'one record');
  at += 2;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = stream[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  check(number() === unpadded && number() === content.length, 'sizes in the index');
  at = index + Math.ceil((at - index) / 4) * 4;
  check(stream.readUInt32LE(at) === crc(index, at), 'index CRC');
  at += 4;
  check(stream.readUInt32LE(at) === crc(at + 4, at + 10), 'footer CRC');
  check((stream.readUInt32LE(at + 4) + 1) * 4 === at - index, 'backward size');
  check(stream.subarray(at + 8, at + 10).equals(stream.subarray(6, 8)), 'flags');
  check(stream.subarray(at + 10).toString() === 'YZ', 'end');
  return content;
}
