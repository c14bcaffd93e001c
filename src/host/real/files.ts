// Files as the kernel has them: exact modes whatever the umask, and fsync where it was asked for.
import { createReadStream } from 'node:fs';
import * as promises from 'node:fs/promises';
import path from 'node:path';
import { hasCode, unless } from '../errors.ts';
import type { FileKind, FileStat, Files, FileWriter, Mount } from '../host.ts';
import { named, naming } from './codes.ts';
import { parseMounts, typeOfMagic } from './mounts.ts';

const fs = naming(promises);

const streamChunkBytes = 1024 * 1024;
/** A reader on GlusterFS meets ESTALE while another client replaces the file by rename; the next try finds the new one. */
const staleTries = 3;
/** What the lab writes below a unit's own root to play a machine. */
const systemFiles = new Set([
  '/proc/sys/kernel/random/boot_id',
  '/proc/sys/kernel/hostname',
  '/proc/filesystems',
  '/etc/os-release',
]);

/** Where a unit has a directory as its root, mount points lie below it, as all of its paths do. */
async function mountsOf(root: string): Promise<Mount[]> {
  const own = root === '/' ? undefined : await readFresh(path.join(root, 'proc/self/mountinfo'));
  if (own === undefined)
    return parseMounts((await readFresh('/proc/self/mountinfo'))?.toString('utf8') ?? '');
  const mounts = parseMounts(own.toString('utf8'));
  return mounts.map((mount) => ({ ...mount, mountPoint: path.join(root, mount.mountPoint) }));
}

/** Files of this machine; see `createHost` for what `root` changes. */
export function realFiles(root: string): Files {
  const read = async (file: string): Promise<Buffer | undefined> => {
    if (root !== '/' && systemFiles.has(file)) {
      const own = await readFresh(path.join(root, file));
      if (own !== undefined) return own;
    }
    return readFresh(file);
  };
  return {
    read,
    readText: async (file) => (await read(file))?.toString('utf8'),
    stream,
    write,
    create,
    makeDirectory,
    list: (directory) => unless(fs.readdir(directory), 'ENOENT'),
    stat: async (file) => statOf(await unless(fs.stat(file), 'ENOENT', 'ENOTDIR')),
    lstat: async (file) => statOf(await unless(fs.lstat(file), 'ENOENT', 'ENOTDIR')),
    // EINVAL: there is something, but no link.
    readLink: (file) => unless(fs.readlink(file), 'ENOENT', 'ENOTDIR', 'EINVAL'),
    rename: (from, to) => fs.rename(from, to),
    link: (existing, to) => fs.link(existing, to),
    symbolicLink: (target, file) => fs.symlink(target, file),
    changeMode: (file, mode) => fs.chmod(file, mode),
    changeOwner: (file, uid, gid) => fs.lchown(file, uid, gid),
    remove,
    syncDirectory,
    space: async (file) => {
      const answer = await fs.statfs(file);
      return {
        freeBytes: answer.bavail * answer.bsize,
        totalBytes: answer.blocks * answer.bsize,
        freeFiles: answer.ffree,
        type: typeOfMagic(answer.type),
      };
    },
    mounts: () => mountsOf(root),
  };
}

async function readFresh(file: string): Promise<Buffer | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await fs.readFile(file);
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      if (!hasCode(error, 'ESTALE') || tries === staleTries) throw error;
    }
  }
}

async function* stream(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: streamChunkBytes });
  } catch (error) {
    throw named(error);
  }
}

async function write(
  file: string,
  content: string | Uint8Array,
  options: { mode: number; sync?: boolean; exclusive?: boolean },
): Promise<void> {
  const handle = naming(await fs.open(file, options.exclusive ? 'wx' : 'w', options.mode));
  try {
    // Before the content is in it: a secret must not lie in a file that was there with a wider mode.
    await handle.chmod(options.mode);
    await handle.writeFile(content);
    if (options.sync) await handle.sync();
  } finally {
    await handle.close();
  }
}

async function create(file: string, mode: number): Promise<FileWriter> {
  const handle = naming(await fs.open(file, 'wx', mode));
  await handle.chmod(mode);
  return {
    write: async (chunk) => {
      // write(2) may take less than it was given.
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function makeDirectory(
  directory: string,
  options: { mode: number; recursive?: boolean },
): Promise<void> {
  const first = await fs.mkdir(directory, { mode: options.mode, recursive: options.recursive ?? false });
  if (options.recursive && first === undefined) return;
  const top = path.resolve(first ?? directory);
  // mkdir(2) takes the umask off.
  for (let made = path.resolve(directory); made.length >= top.length; made = path.dirname(made)) {
    await fs.chmod(made, options.mode);
  }
}

/** Refuses a tree in which something is mounted: what lies there belongs to another file system, or to another place. */
async function remove(file: string): Promise<void> {
  const found = await unless(fs.lstat(file), 'ENOENT', 'ENOTDIR');
  if (found === undefined) return;
  if (!found.isDirectory()) return fs.rm(file, { force: true });
  const real = path.join(await fs.realpath(path.dirname(file)), path.basename(file));
  const inside = (await kernelMounts()).find(
    ({ mountPoint }) => mountPoint === real || mountPoint.startsWith(`${real}/`),
  );
  if (inside !== undefined) {
    throw Object.assign(
      new Error(`cannot remove ${file}: a ${inside.type} is mounted at ${inside.mountPoint}`),
      {
        code: 'EBUSY',
        path: file,
      },
    );
  }
  await fs.rm(file, { recursive: true, force: true });
}

async function kernelMounts(): Promise<Mount[]> {
  return parseMounts(await fs.readFile('/proc/self/mountinfo', 'utf8'));
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = naming(await fs.open(directory, 'r'));
  try {
    // Some FUSE and network file systems cannot sync a directory and answer so; their names are durable by other means.
    await unless(handle.sync(), 'EINVAL', 'ENOTSUP', 'ENOSYS');
  } finally {
    await handle.close();
  }
}

function statOf(found: Awaited<ReturnType<typeof fs.stat>> | undefined): FileStat | undefined {
  if (found === undefined) return undefined;
  return {
    kind: kindOf(found),
    sizeBytes: Number(found.size),
    mode: Number(found.mode) & 0o7777,
    uid: Number(found.uid),
    gid: Number(found.gid),
    device: Number(found.dev),
    inode: Number(found.ino),
    links: Number(found.nlink),
    modifiedMs: Number(found.mtimeMs),
    allocatedBytes: Number(found.blocks) * 512,
  };
}

function kindOf(found: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileKind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  return found.isSymbolicLink() ? 'link' : 'other';
}
