// Cuts the bytes of a tar archive into entries, strictly: what the parser would only warn about is refused here.
import { Parser, type ReadEntry } from 'tar';
import { ArchiveRefused } from './failures.ts';

/** What an archive consists of, in its order: an entry's head, its bytes, and its end. */
export type TarPart = { kind: 'entry'; entry: TarEntry } | { kind: 'bytes'; bytes: Buffer } | { kind: 'end' };

export interface TarEntry {
  name: string;
  /** As the tar format names it: File, Directory, SymbolicLink, Link, CharacterDevice, FIFO, … */
  type: string;
  mode: number;
  sizeBytes: number;
  linkTarget: string;
}

/** A parser that is pushed decompressed bytes and gives back the parts that they complete, so that nothing is read ahead
 * of the writing. The bytes of a part are views of the chunk: it must not be reused by its owner. */
export class TarParts {
  #parts: TarPart[] = [];
  #ended = false;
  #started = false;
  // The sniffing of brotli and zstd is off; that of gzip cannot be turned off, so `push` refuses its first byte.
  readonly #parser = new Parser({ brotli: false, zstd: false, maxMetaEntrySize: 64 * 1024 });

  constructor() {
    this.#parser.on('entry', (entry: ReadEntry) => this.#open(entry));
    this.#parser.on('ignoredEntry', (entry: ReadEntry) => {
      throw new ArchiveRefused(
        entry.path,
        entry.meta ? 'has an oversized header' : `is of the unsupported type ${entry.type}`,
      );
    });
    this.#parser.on('warn', (code: string, message: string) => {
      throw new ArchiveRefused('tar', `is malformed: ${message} (${code})`);
    });
    this.#parser.on('eof', () => {
      this.#ended = true;
    });
  }

  /** Throws ArchiveRefused. Bytes after the archive's end marker (padding) are dropped. */
  push(chunk: Buffer): TarPart[] {
    if (!this.#started && chunk.length > 0) {
      this.#started = true;
      if (chunk[0] === 0x1f) throw new ArchiveRefused('tar', 'is compressed twice');
    }
    if (!this.#ended) this.#parser.write(chunk);
    return this.#take();
  }

  /** After the last chunk. Throws ArchiveRefused when the end marker is missing: the archive was cut. */
  finish(): void {
    if (!this.#ended) throw new ArchiveRefused('tar', 'ends before its end marker: it was cut off');
  }

  #open(entry: ReadEntry): void {
    this.#parts.push({
      kind: 'entry',
      entry: {
        name: entry.path,
        type: entry.type,
        mode: entry.mode ?? 0,
        sizeBytes: entry.size,
        linkTarget: entry.linkpath ?? '',
      },
    });
    entry.on('end', () => this.#parts.push({ kind: 'end' }));
    entry.on('data', (bytes: Buffer) => this.#parts.push({ kind: 'bytes', bytes }));
  }

  #take(): TarPart[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }
}
