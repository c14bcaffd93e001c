// What an archive may make below a release's folder, made entry by entry: the rules, the writing, the hashing, the syncing.
import { createHash, type Hash } from 'node:crypto';
import type { Files, FileWriter } from '../host/host.ts';
import { elfHeadBytes, programArchitecture } from './elf.ts';
import type { TarEntry } from './entries.ts';
import { ArchiveRefused, ReleaseError } from './failures.ts';
import { byPath, type ManifestFile } from './manifest.ts';
import { linkRefusal, releasePath } from './paths.ts';
import type { Architecture } from './version.ts';

export interface UnpackLimits {
  /** Files, links and folders. */
  entries: number;
  /** Decompressed bytes. */
  bytes: number;
  /** Decompressed bytes for each compressed one, judged once `ratioFromBytes` have come out. */
  ratio: number;
  ratioFromBytes: number;
}

/** Far above any release (1.5 GB, about 100 files, ratio below 2), far below what would hurt. */
export const unpackLimits: UnpackLimits = { entries: 200_000, bytes: 60e9, ratio: 200, ratioFromBytes: 10e6 };

/** Files that may still be on their way to the disk while the next ones are unpacked. */
const syncsAtOnce = 4;
/** How much of a large file is written before the disk is told to begin with it. */
const syncEveryBytes = 16 * 1024 * 1024;

/** A file whose bytes are arriving. Without a writer it is a repetition, which is compared with the first. */
interface OpenFile {
  path: string;
  mode: number;
  size: number;
  hash: Hash;
  head: Buffer;
  writer: FileWriter | undefined;
  /** The last piece, on its way; resolves with what became of it. */
  writing: Promise<{ error: unknown } | undefined> | undefined;
  /** Written since the disk was last told to begin with it; and that it has. */
  unsynced: number;
  syncing: Promise<void> | undefined;
}

/** What has been made below the release's folder so far, and the rules of what may still be. */
export class ReleaseTree {
  readonly #made = new Map<string, ManifestFile | { kind: 'directory' }>([['', { kind: 'directory' }]]);
  readonly #syncing = new Set<Promise<void>>();
  #syncFailure: { error: unknown } | undefined;
  #open: OpenFile | undefined;
  #entries = 0;
  readonly #files: Files;
  readonly #directory: string;
  readonly #limits: UnpackLimits;
  readonly #architecture: Architecture;

  constructor(files: Files, directory: string, limits: UnpackLimits, architecture: Architecture) {
    this.#files = files;
    this.#directory = directory;
    this.#limits = limits;
    this.#architecture = architecture;
  }

  async begin(entry: TarEntry): Promise<void> {
    const rule = releasePath(entry.name);
    if ('refused' in rule) throw new ArchiveRefused(printable(entry.name), rule.refused);
    this.#entries += 1;
    if (this.#entries > this.#limits.entries)
      throw new ArchiveRefused(rule.path, `is one of more than ${this.#limits.entries} entries`);
    const { path } = rule;
    switch (entry.type) {
      case 'Directory':
        return this.#makeDirectory(path);
      case 'File':
      case 'OldFile':
      case 'ContiguousFile':
        return this.#beginFile(path, entry.mode);
      case 'SymbolicLink':
        return this.#makeLink(path, entry.linkTarget);
      case 'Link':
        return this.#makeHardLink(path, entry.linkTarget);
      default:
        throw new ArchiveRefused(path, `is a ${entry.type}, which no release contains`);
    }
  }

  async write(bytes: Buffer): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await this.#written(open);
    // While the bytes are on their way, they are hashed, and the next are unpacked.
    open.writing = open.writer?.write(bytes).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    open.hash.update(bytes);
    open.size += bytes.length;
    if (open.head.length < elfHeadBytes)
      open.head = Buffer.concat([open.head, bytes.subarray(0, elfHeadBytes)]);
    this.#beginSync(open, bytes.length);
  }

  async end(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    await this.#written(open);
    this.#open = undefined;
    const { path, mode, size, writer } = open;
    const file: ManifestFile = { kind: 'file', path, mode, size, sha256: open.hash.digest('hex') };
    if (writer !== undefined) await this.#syncLater(writer, open.syncing);
    this.#record(path, file);
    if (path === 'bin/concourse') this.#assertRunsHere(open);
  }

  /** Everything is on disk when this resolves. */
  async finish(): Promise<ManifestFile[]> {
    await Promise.all(this.#syncing);
    this.#assertSynced();
    const program = this.#made.get('bin/concourse');
    if (program?.kind !== 'file') throw new ArchiveRefused('bin/concourse', 'is missing');
    const directories = [...this.#made].filter(([, made]) => made.kind === 'directory').map(([path]) => path);
    // The deepest first: when a folder's name is on disk, so is what it holds.
    for (const path of directories.toSorted().reverse())
      await this.#files.syncDirectory(this.#absolute(path));
    return [...this.#made.values()].filter((made) => made.kind !== 'directory').toSorted(byPath);
  }

  /** Leaves no file open, whatever happened. */
  async close(): Promise<void> {
    const { writer, writing, syncing } = this.#open ?? {};
    this.#open = undefined;
    await Promise.all([...this.#syncing, writing, syncing]);
    await writer?.close();
  }

  async #beginFile(path: string, mode: number): Promise<void> {
    if (path === '') throw new ArchiveRefused('concourse', 'is a file, not a folder');
    await this.#makeParents(path);
    // Neither set-user-id bits nor write permission for everybody: services run from these files.
    const kept = mode & 0o775;
    const known = this.#made.get(path);
    if (known !== undefined && known.kind !== 'file')
      throw new ArchiveRefused(path, 'is there twice, differently');
    const writer = known === undefined ? await this.#files.create(this.#absolute(path), kept) : undefined;
    const [hash, head] = [createHash('sha256'), Buffer.alloc(0)];
    this.#open = {
      path,
      mode: kept,
      size: 0,
      hash,
      head,
      writer,
      writing: undefined,
      unsynced: 0,
      syncing: undefined,
    };
  }

  async #makeLink(path: string, target: string): Promise<void> {
    const refusal = path === '' ? 'is a link, not a folder' : linkRefusal(path, target);
    if (refusal !== undefined) throw new ArchiveRefused(path, refusal);
    await this.#makeParents(path);
    if (this.#record(path, { kind: 'link', path, target }))
      await this.#files.symbolicLink(target, this.#absolute(path));
  }

  async #makeHardLink(path: string, name: string): Promise<void> {
    const rule = releasePath(name);
    const first = 'path' in rule ? this.#made.get(rule.path) : undefined;
    if (first?.kind !== 'file')
      throw new ArchiveRefused(
        path,
        `is a hard link to ${printable(name)}, which was not unpacked before it`,
      );
    await this.#makeParents(path);
    if (this.#record(path, { ...first, path }))
      await this.#files.link(this.#absolute(first.path), this.#absolute(path));
  }

  /** Folders come as they are needed, 0755 whatever the archive says, and only below real folders: never through a link. */
  async #makeDirectory(path: string): Promise<void> {
    const known = this.#made.get(path);
    if (known?.kind === 'directory') return;
    if (known !== undefined) throw new ArchiveRefused(path, 'is there twice, once as a folder');
    await this.#makeParents(path);
    this.#made.set(path, { kind: 'directory' });
    await this.#files.makeDirectory(this.#absolute(path), { mode: 0o755 });
  }

  async #makeParents(path: string): Promise<void> {
    const slash = path.lastIndexOf('/');
    if (slash > 0) await this.#makeDirectory(path.slice(0, slash));
    if (this.#made.size > this.#limits.entries)
      throw new ArchiveRefused(path, `needs more than ${this.#limits.entries} folders`);
  }

  /** True when `path` is new; a repetition that says the same is let pass. */
  #record(path: string, made: ManifestFile): boolean {
    const known = this.#made.get(path);
    if (known === undefined) {
      this.#made.set(path, made);
      return true;
    }
    const same =
      known.kind === 'file'
        ? made.kind === 'file' && made.mode === known.mode && made.sha256 === known.sha256
        : known.kind === 'link' && made.kind === 'link' && made.target === known.target;
    if (!same) throw new ArchiveRefused(path, 'is there twice, differently');
    return false;
  }

  #assertRunsHere(open: OpenFile): void {
    const found = programArchitecture(open.head);
    if (found !== undefined && found !== this.#architecture) {
      throw new ReleaseError({ code: 'wrong-architecture', found, wanted: this.#architecture });
    }
    if ((open.mode & 0o111) === 0) throw new ArchiveRefused(open.path, 'is not executable');
  }

  async #written({ writing }: OpenFile): Promise<void> {
    const failure = await writing;
    if (failure !== undefined) throw failure.error;
  }

  /** A large file is on its way to the disk before its last byte is unpacked: otherwise the disk would idle until then. */
  #beginSync(open: OpenFile, bytes: number): void {
    open.unsynced += bytes;
    if (open.writer === undefined || open.syncing !== undefined || open.unsynced < syncEveryBytes) return;
    open.unsynced = 0;
    const syncing = open.writer.sync().then(
      () => undefined,
      (error: unknown) => {
        this.#syncFailure ??= { error };
      },
    );
    open.syncing = syncing.finally(() => {
      open.syncing = undefined;
    });
  }

  /** The sync of a file overlaps with the unpacking of the next ones. */
  async #syncLater(writer: FileWriter, begun: Promise<void> | undefined): Promise<void> {
    while (this.#syncing.size >= syncsAtOnce) await Promise.race(this.#syncing);
    const synced = Promise.resolve(begun)
      .then(() => writer.sync())
      .finally(() => writer.close())
      .then(
        () => undefined,
        (error: unknown) => {
          this.#syncFailure ??= { error };
        },
      )
      .finally(() => this.#syncing.delete(synced));
    this.#syncing.add(synced);
    this.#assertSynced();
  }

  #assertSynced(): void {
    if (this.#syncFailure !== undefined) throw this.#syncFailure.error;
  }

  #absolute(path: string): string {
    return path === '' ? this.#directory : `${this.#directory}/${path}`;
  }
}

function printable(name: string): string {
  return name.length <= 60 ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, 60))}…`;
}
