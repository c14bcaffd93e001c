// Unpacks a release in one pass over its bytes: hashed as they come, decompressed, cut into entries, written and synced,
// each file hashed on its way. Memory stays at some tens of MB whatever the archive's size.
import { createHash, type Hash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip, type ZlibOptions } from 'node:zlib';
import type { Files } from '../host/host.ts';
import { TarParts } from './entries.ts';
import { ArchiveRefused, ReleaseError } from './failures.ts';
import type { ManifestFile } from './manifest.ts';
import { ReleaseTree, type UnpackLimits, unpackLimits } from './tree.ts';
import type { Architecture } from './version.ts';

export interface Unpacked {
  /** `sha1` only when it was asked for. */
  archive: { sha256: string; sha1?: string; bytes: number };
  /** Sorted by path. */
  files: ManifestFile[];
}

/** Decompressed bytes arrive in pieces of this size: each costs a trip to zlib's thread, so large ones are faster. */
const chunkBytes = 2 * 1024 * 1024;
/** So much may wait to be written while more is decompressed. */
const aheadBytes = 6 * 1024 * 1024;
/** A Transform's option that zlib passes on, and that its types do not name. */
const gunzipOptions: ZlibOptions & { readableHighWaterMark: number } = {
  chunkSize: chunkBytes,
  readableHighWaterMark: aheadBytes,
};
/** Network chunks (16–64 KiB) are gathered to this much before they go to zlib. */
const gatherBytes = 1024 * 1024;

/** Everything of the archive's top folder comes below `directory`, which must be there and empty; the program must be there,
 * executable and for this machine. All is on disk when it resolves. Throws ReleaseError (`archive-refused`,
 * `archive-damaged`, `wrong-architecture`), whatever `chunks` throws, and ErrnoException of the volume. */
export async function unpackRelease(
  files: Files,
  directory: string,
  chunks: AsyncIterable<Uint8Array>,
  options: {
    source: string;
    architecture: Architecture;
    sha1?: boolean;
    signal: AbortSignal;
    limits?: UnpackLimits;
  },
): Promise<Unpacked> {
  const limits = options.limits ?? unpackLimits;
  const taken: Taken = {
    sha256: createHash('sha256'),
    sha1: options.sha1 === true ? createHash('sha1') : undefined,
    bytes: 0,
  };
  const tree = new ReleaseTree(files, directory, limits, options.architecture);
  const parts = new TarParts();
  let expanded = 0;
  const gunzip = createGunzip(gunzipOptions);
  // Its failure also ends the reading below, with the same error. The reading is not a step of the pipeline, because the
  // pipeline would not wait for a write under way when it is aborted, and the folder is removed then.
  const fed = pipeline(gathered(chunks, taken), gunzip, { signal: options.signal }).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      expanded += chunk.length;
      if (
        expanded > limits.bytes ||
        (expanded > limits.ratioFromBytes && expanded > limits.ratio * taken.bytes)
      ) {
        throw new ArchiveRefused(
          'tar',
          `expands to over ${limits.ratio} times its size, or ${limits.bytes / 1e9} GB`,
        );
      }
      for (const part of parts.push(chunk)) {
        if (part.kind === 'entry') await tree.begin(part.entry);
        else if (part.kind === 'bytes') await tree.write(part.bytes);
        else await tree.end();
      }
    }
    const broken = await fed;
    if (broken !== undefined) throw broken.error;
    parts.finish();
    const unpacked = await tree.finish();
    const sha1 = taken.sha1 === undefined ? {} : { sha1: taken.sha1.digest('hex') };
    const archive = { sha256: taken.sha256.digest('hex'), ...sha1, bytes: taken.bytes };
    return { archive, files: unpacked };
  } catch (error) {
    // zlib's codes: Z_DATA_ERROR (incorrect header check), Z_BUF_ERROR (unexpected end of file), …
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw new ReleaseError(
        { code: 'archive-damaged', source: options.source, reason: `gzip: ${error.message}` },
        error,
      );
    }
    throw error;
  } finally {
    await tree.close();
  }
}

/** What has been taken in of the archive. */
interface Taken {
  sha256: Hash;
  sha1: Hash | undefined;
  bytes: number;
}

async function* gathered(chunks: AsyncIterable<Uint8Array>, taken: Taken): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < gatherBytes) continue;
    yield release();
  }
  if (size > 0) yield release();

  function release(): Buffer {
    const block = Buffer.concat(waiting, size);
    taken.sha256.update(block);
    taken.sha1?.update(block);
    taken.bytes += size;
    waiting = [];
    size = 0;
    return block;
  }
}
