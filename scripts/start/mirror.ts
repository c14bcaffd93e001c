// A mirror of release archives on this machine, as a site would run one; it counts what is fetched from it.
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';

export interface Mirror {
  url: string;
  /** Archives that were asked for, in order. */
  readonly downloads: readonly { archive: string; bytes: number }[];
  close(): Promise<void>;
}

/** Serves each archive under its own name, and its SHA-256 as `<name>.sha256`. */
export async function serveMirror(archives: readonly string[]): Promise<Mirror> {
  const byName = new Map(archives.map((path) => [basename(path), path]));
  const digests = new Map<string, string>();
  const downloads: { archive: string; bytes: number }[] = [];
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '');
    const path = byName.get(name.replace(/\.sha256$/, ''));
    if (path === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (name.endsWith('.sha256')) {
      response.end(`${digests.get(path)}  ${basename(path)}\n`);
      return;
    }
    const bytes = statSync(path).size;
    response.writeHead(200, { 'content-length': bytes, 'content-type': 'application/gzip' });
    // Counted when it is asked for: whoever has received it all must find it counted.
    downloads.push({ archive: name, bytes });
    pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), response, () => undefined);
  });
  for (const path of archives) digests.set(path, await sha256(path));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    downloads,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}
