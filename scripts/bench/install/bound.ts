// Arguments: URL. What no installation on this machine can be faster than: the same bytes fetched, gunzipped and hashed by zlib in this Node,
// and nothing written.
import { createHash } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const [url = ''] = process.argv.slice(2);
const hash = createHash('sha256');
const gunzip = createGunzip({ chunkSize: 4 * 1024 * 1024 });
const response = await new Promise<IncomingMessage>((resolve, reject) => {
  get(url, resolve).once('error', reject);
});
let expanded = 0;
await pipeline(
  response,
  async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let waiting: Buffer[] = [];
    let size = 0;
    for await (const chunk of chunks) {
      waiting.push(chunk);
      size += chunk.length;
      if (size < 1 << 20) continue;
      const block = Buffer.concat(waiting, size);
      hash.update(block);
      yield block;
      [waiting, size] = [[], 0];
    }
    const rest = Buffer.concat(waiting, size);
    hash.update(rest);
    yield rest;
  },
  gunzip.on('data', (chunk: Buffer) => {
    expanded += chunk.length;
  }),
);
console.log(
  JSON.stringify({
    expanded,
    digest: hash.digest('hex'),
    memoryBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
