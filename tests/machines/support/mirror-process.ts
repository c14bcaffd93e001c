// Runs on the switch of the machines: serves release archives over HTTPS with the tests' own certificate, and is a proxy
// besides. Arguments: address, certificate, key, archives… It is told and tells by messages.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createProxy } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { connect } from 'node:net';
import { basename } from 'node:path';
import type { Told, Tells } from './mirror.ts';

const [address = '', certificate = '', key = '', ...archives] = process.argv.slice(2);
const byName = new Map(archives.map((path) => [basename(path), readFileSync(path)]));
const tell = (message: Tells): void => void process.send?.(message);
let hold: { atByte: number } | undefined;

const options: ServerOptions = { cert: readFileSync(certificate), key: readFileSync(key) };
const server = createServer(options, (request, response) => {
  const name = basename(request.url ?? '');
  const archive = byName.get(name.replace(/\.sha256$/, ''));
  if (archive === undefined) {
    response.writeHead(404).end();
    return;
  }
  if (name.endsWith('.sha256')) {
    response.end(`${createHash('sha256').update(archive).digest('hex')}  ${name.slice(0, -7)}\n`);
    return;
  }
  response.writeHead(200, { 'content-length': archive.length, 'content-type': 'application/gzip' });
  response.on('finish', () => tell({ served: name }));
  if (hold === undefined) {
    response.end(archive);
    return;
  }
  // The rest never comes: whoever waits for it is to lose its power.
  response.write(archive.subarray(0, hold.atByte), () => tell({ held: name }));
});

const proxy = createProxy((_request, response) => response.writeHead(501).end());
proxy.on('connect', (request, client) => {
  tell({ proxied: request.url ?? '' });
  const [, port] = (request.url ?? '').split(':');
  // Whatever the name is: only the proxy needs to know where that lies.
  const upstream = connect(Number(port), address, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    upstream.pipe(client).pipe(upstream);
  });
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
});

process.on('message', (message: Told) => {
  hold = message.hold;
});
process.on('disconnect', () => process.exit());
server.listen(443, address, () => proxy.listen(3128, address, () => tell({ listening: true })));
