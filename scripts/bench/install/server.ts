// Arguments: file. Serves it over HTTP on a loopback port, which is its first line, until its input ends. A process of its own, so that what is
// measured shares no event loop with it.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';

const [file = ''] = process.argv.slice(2);
const size = statSync(file).size;
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-length': size, etag: '"1"' });
  createReadStream(file, { highWaterMark: 1 << 20 }).pipe(response);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
process.stdin.on('end', () => process.exit()).resume();
