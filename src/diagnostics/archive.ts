// A few texts as one .tar.gz, made in memory: what diagnostics are handed over in.
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';

export interface Entry {
  /** Relative: `etc/web.env`. */
  path: string;
  content: string;
}

const blockBytes = 512;

export function tarGz(entries: readonly Entry[], madeAt: number): Buffer {
  const blocks = entries.flatMap(({ path, content }) => {
    const body = Buffer.from(content);
    const header = Buffer.alloc(blockBytes);
    const fields = {
      path,
      mode: 0o640,
      uid: 0,
      gid: 0,
      size: body.length,
      mtime: new Date(madeAt),
      type: 'File',
    };
    // A name that a plain header cannot hold would need an extended one before it: ours are short.
    if (new Header({ ...fields, type: 'File' }).encode(header))
      throw new RangeError(`too long for an archive: ${path}`);
    return [header, body, Buffer.alloc((blockBytes - (body.length % blockBytes)) % blockBytes)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]));
}
