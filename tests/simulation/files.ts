// The files of one simulated process: each step of each operation takes its turn, and meets what is wrong with the volume then.
import path from 'node:path';
import type { Files, FileWriter } from '../../src/host/host.ts';
import type { Disk, Inode } from './disk.ts';
import { codeOf, failure, type Mounts, writable } from './mounts.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** What is between a machine and the volume. */
export interface VolumeLink {
  /** `hung`: nothing comes back before it is healed; then what was asked is done. `broken`: EIO at once. */
  state: 'good' | 'hung' | 'broken';
  /** Lookups may be this old (NFS); 0: never. */
  staleMs: number;
}

/** A change to be made to a disk, seen just before it is made, and when it was. */
export interface Watcher {
  before(process: Process, disk: Disk, change: DiskChange): void;
  after(process: Process, disk: Disk, change: DiskChange): void;
  /** `bin` was asked what it points at; `fresh`: and not answered from what the machine remembered. */
  looked(process: Process, disk: Disk, inside: string, fresh: boolean): void;
}

export interface DiskChange {
  kind: 'write' | 'create' | 'mkdir' | 'rename' | 'link' | 'symlink' | 'unlink' | 'chmod';
  /** Where, on the disk; `to` of a rename. */
  inside: string;
  from?: string;
  text?: string;
}

export interface FilesOptions {
  process: Process;
  scheduler: Scheduler;
  mounts: Mounts;
  volumePath: string;
  link: VolumeLink;
  watcher: Watcher;
  stale: StaleLookups;
  /** /proc/<pid> of this machine. */
  alive: (pid: number) => boolean;
}

/** What a machine remembers of names that it looked up: an NFS client asks again after a while only. */
export class StaleLookups {
  private readonly known = new Map<string, { at: number; answer: unknown }>();

  recall<T>(key: string, now: number, staleMs: number, fresh: () => T): T {
    if (staleMs === 0) return fresh();
    const found = this.known.get(key);
    // Only what `fresh` answered under the same key is kept there.
    if (found !== undefined && now - found.at < staleMs) return found.answer as T;
    const answer = fresh();
    this.known.set(key, { at: now, answer });
    return answer;
  }

  forget(): void {
    this.known.clear();
  }
}

export function simulatedFiles(o: FilesOptions): Files {
  const { process, scheduler, mounts, volumePath, link, watcher } = o;
  const onVolume = (file: string) => file === volumePath || file.startsWith(`${volumePath}/`);
  const volumeMounted = () => mounts.mounted.has(volumePath);

  /** This operation's turn, on whatever is left of the volume by then. */
  const turn = async (what: string, file: string, costMs = 1) => {
    await scheduler.turn(process, `${what} ${file}`, costMs);
    if (!onVolume(file) || !volumeMounted()) return;
    while (link.state === 'hung') {
      await scheduler.hang(process, `${what} ${file}`);
    }
    if (link.state === 'broken') throw failure('EIO', file);
  };
  const changing = (
    file: string,
    change: Omit<DiskChange, 'inside' | 'from'>,
    act: () => void,
    from?: string,
  ) => {
    const { disk, inside } = mounts.find(file, false);
    const whole: DiskChange = {
      ...change,
      inside,
      ...(from === undefined ? {} : { from: mounts.find(from, false).inside }),
    };
    watcher.before(process, disk, whole);
    act();
    // A client knows its own changes.
    o.stale.forget();
    watcher.after(process, disk, whole);
  };
  const looking = <T>(kind: string, file: string, fresh: () => T): T => {
    if (!onVolume(file)) return fresh();
    let asked = false;
    const answer = o.stale.recall(`${kind} ${file}`, scheduler.now, link.staleMs, () => {
      asked = true;
      return fresh();
    });
    if (kind === 'readLink') {
      const { disk } = mounts.find(volumePath, true);
      watcher.looked(process, disk, path.posix.relative(volumePath, file), asked);
    }
    return answer;
  };
  const put = (disk: Disk, file: string, inode: Inode, content: Buffer) => {
    writable(disk, file);
    if (disk.full && content.length > inode.content.length) {
      disk.setContent(
        inode,
        content.subarray(0, inode.content.length + Math.floor((content.length - inode.content.length) / 2)),
      );
      throw failure('ENOSPC', file);
    }
    disk.setContent(inode, content);
  };
  const synced = (done: boolean, file: string) => {
    if (!done) throw failure('EIO', file);
  };
  const readNow = (file: string): Buffer | undefined =>
    looking('read', file, () => {
      const inode = mounts.look(file, true);
      if (inode?.kind === 'directory') throw failure('EISDIR', file);
      return inode === undefined ? undefined : Buffer.from(inode.content);
    });
  const read = async (file: string) => {
    await turn('read', file);
    return readNow(file);
  };
  const remove = async (file: string): Promise<void> => {
    await turn('lstat', file);
    const inode = mounts.look(file, false);
    if (inode === undefined) return;
    for (const name of [...inode.entries.keys()]) await remove(`${file}/${name}`);
    await turn('unlink', file);
    if (mounts.look(file, false) === undefined) return;
    try {
      changing(file, { kind: 'unlink' }, () => mounts.unlink(file));
    } catch (error) {
      if (codeOf(error) !== 'ENOTEMPTY') throw error;
      await remove(file);
    }
  };

  return {
    read,
    readText: async (file) => (await read(file))?.toString('utf8'),
    stream: async function* (file) {
      await turn('read', file);
      const content = readNow(file);
      if (content === undefined) throw failure('ENOENT', file);
      yield content;
    },
    write: async (file, content, options) => {
      await turn('open', file);
      const { disk, inode } = opened(file, options.mode, options.exclusive ?? false);
      await turn('write', file);
      const bytes = Buffer.from(content);
      const text = typeof content === 'string' ? content : bytes.toString('latin1');
      const change: DiskChange = { kind: 'write', inside: mounts.find(file, true).inside, text };
      watcher.before(process, disk, change);
      put(disk, file, inode, bytes);
      watcher.after(process, disk, change);
      if (!options.sync) return;
      await turn('fsync', file, 4);
      synced(disk.sync(inode), file);
    },
    create: async (file, mode): Promise<FileWriter> => {
      await turn('create', file);
      const { disk, inode } = opened(file, mode, true);
      return {
        write: async (chunk) => {
          await turn('write', file);
          put(disk, file, inode, Buffer.concat([inode.content, chunk]));
        },
        sync: async () => {
          await turn('fsync', file, 4);
          synced(disk.sync(inode), file);
        },
        close: async () => {},
      };
    },
    makeDirectory: async (file, options) => {
      await turn('mkdir', file);
      if (options.recursive && mounts.look(file, true)?.kind === 'directory') return;
      const parent = path.posix.dirname(file);
      if (options.recursive && mounts.look(parent, true) === undefined) {
        mounts.makeDirectory(file, options.mode, true);
        return;
      }
      changing(file, { kind: 'mkdir' }, () =>
        mounts.makeDirectory(file, options.mode, options.recursive ?? false),
      );
    },
    list: async (file) => {
      await turn('readdir', file);
      return looking('list', file, () => {
        const inode = mounts.reach(file);
        if (inode === undefined) return undefined;
        if (inode.kind !== 'directory') throw failure('ENOTDIR', file);
        return [...inode.entries.keys()];
      });
    },
    stat: async (file) => {
      const pid = /^\/proc\/(\d+)$/.exec(file)?.[1];
      await turn('stat', file);
      if (pid !== undefined) return o.alive(Number(pid)) ? { ...nobody } : undefined;
      return looking('stat', file, () => mounts.stat(file, true));
    },
    lstat: async (file) => {
      await turn('lstat', file);
      return looking('lstat', file, () => mounts.stat(file, false));
    },
    readLink: async (file) => {
      await turn('readlink', file);
      return looking('readLink', file, () => {
        const inode = mounts.look(file, false);
        return inode?.kind === 'link' ? inode.target : undefined;
      });
    },
    rename: async (from, to) => {
      await turn(`rename ${from}`, to);
      mounts.find(from, false);
      changing(to, { kind: 'rename' }, () => mounts.rename(from, to), from);
    },
    link: async (existing, to) => {
      await turn('link', to);
      if (mounts.find(existing, false).inode === undefined) throw failure('ENOENT', existing);
      changing(to, { kind: 'link' }, () => mounts.link(existing, to));
    },
    symbolicLink: async (target, file) => {
      await turn('symlink', file);
      changing(file, { kind: 'symlink' }, () => mounts.symbolicLink(target, file));
    },
    changeMode: async (file, mode) => {
      await turn('chmod', file);
      const inode = mounts.find(file, true).inode;
      if (inode === undefined) throw failure('ENOENT', file);
      changing(file, { kind: 'chmod' }, () => {
        inode.mode = mode;
      });
    },
    changeOwner: async (file, uid, gid) => {
      await turn('chown', file);
      const inode = mounts.find(file, false).inode;
      if (inode === undefined) throw failure('ENOENT', file);
      Object.assign(inode, { uid, gid });
    },
    remove,
    syncDirectory: async (file) => {
      await turn('fsync', file, 4);
      const { disk, inode } = mounts.find(file, true);
      if (inode === undefined) throw failure('ENOENT', file);
      synced(disk.syncDirectory(inode), file);
    },
    space: async (file) => {
      await turn('statfs', file);
      const { disk } = mounts.find(file, true);
      const totalBytes = 100e9;
      return { freeBytes: disk.full ? 1e6 : 50e9, totalBytes, freeFiles: 1e6, type: disk.type };
    },
    mounts: async () => {
      await scheduler.turn(process, 'mounts', 0);
      return mounts.list();
    },
  };

  function opened(file: string, mode: number, exclusive: boolean): { disk: Disk; inode: Inode } {
    const place = mounts.find(file, !exclusive);
    const change: DiskChange = { kind: place.inode === undefined ? 'create' : 'write', inside: place.inside };
    watcher.before(process, place.disk, change);
    const { disk, inode } = mounts.open(file, mode, exclusive);
    o.stale.forget();
    watcher.after(process, disk, change);
    return { disk, inode };
  }
}

const nobody = {
  kind: 'directory',
  sizeBytes: 0,
  mode: 0o555,
  uid: 0,
  gid: 0,
  device: 0,
  inode: 0,
  links: 2,
  modifiedMs: 0,
  allocatedBytes: 0,
} as const;
