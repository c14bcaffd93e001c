// One machine's tree of names: its own disk, with the volume mounted in it, and what the system calls do there. Synchronous and
// honest; whose turn it is, and what goes wrong, is files.ts.
import path from 'node:path';
import type { FileStat, Mount } from '../../src/host/host.ts';
import type { Disk, Inode } from './disk.ts';

export interface Place {
  disk: Disk;
  parent: Inode;
  name: string;
  inode: Inode | undefined;
  /** Where it is on its disk, without links: `releases/8.2.0/bin`. */
  inside: string;
}

const linksAtMost = 20;

export class Mounts {
  readonly own: Disk;
  readonly mounted = new Map<string, Disk>();

  constructor(own: Disk) {
    this.own = own;
  }

  /** Throws ENOENT or ENOTDIR for a parent that is not there. `follow`: a link at the end is followed. */
  find(file: string, follow: boolean, links = 0): Place {
    if (links > linksAtMost) throw failure('ELOOP', file);
    const names = path.posix.normalize(file).split('/').filter(Boolean);
    let place: Place = { disk: this.own, parent: this.own.root, name: '', inode: this.own.root, inside: '' };
    for (const [index, name] of names.entries()) {
      if (place.inode === undefined) throw failure('ENOENT', file);
      if (place.inode.kind !== 'directory') throw failure('ENOTDIR', file);
      const here = `/${names.slice(0, index + 1).join('/')}`;
      const mounted = this.mounted.get(here);
      const parent = place.inode;
      const inode = parent.entries.get(name);
      place = {
        disk: place.disk,
        parent,
        name,
        inode,
        inside: place.inside === '' ? name : `${place.inside}/${name}`,
      };
      if (mounted !== undefined) place = { ...place, disk: mounted, inode: mounted.root, inside: '' };
      const last = index === names.length - 1;
      if (inode?.kind === 'link' && mounted === undefined && (!last || follow)) {
        const rest = names.slice(index + 1).join('/');
        return this.find(
          path.posix.join(path.posix.resolve(path.posix.dirname(here), inode.target), rest),
          follow,
          links + 1,
        );
      }
    }
    return place;
  }

  /** Undefined: there is nothing. */
  look(file: string, follow: boolean): Inode | undefined {
    try {
      return this.find(file, follow).inode;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  /** As `look`, but a parent that is no directory is a failure. */
  reach(file: string): Inode | undefined {
    try {
      return this.find(file, true).inode;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  stat(file: string, follow: boolean): FileStat | undefined {
    let place: Place;
    try {
      place = this.find(file, follow);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
    const { inode, disk } = place;
    if (inode === undefined) return undefined;
    const { kind, mode, uid, gid, modifiedMs } = inode;
    const sizeBytes = kind === 'link' ? inode.target.length : inode.content.length;
    return {
      kind,
      mode,
      uid,
      gid,
      sizeBytes,
      modifiedMs,
      device: disk.device,
      inode: inode.number,
      links: kind === 'directory' ? 2 : inode.links,
      allocatedBytes: Math.ceil(sizeBytes / 4096) * 4096,
    };
  }

  /** Opens for writing: made, or emptied. */
  open(file: string, mode: number, exclusive: boolean): Place & { inode: Inode } {
    const place = this.find(file, !exclusive);
    writable(place.disk, file);
    if (place.inode !== undefined) {
      if (exclusive) throw failure('EEXIST', file);
      if (place.inode.kind === 'directory') throw failure('EISDIR', file);
      place.disk.setContent(place.inode, Buffer.alloc(0));
      place.inode.mode = mode;
      return { ...place, inode: place.inode };
    }
    const inode = place.disk.make('file', mode);
    place.disk.change([place.parent, place.name, inode]);
    return { ...place, inode };
  }

  makeDirectory(file: string, mode: number, recursive: boolean): void {
    const parent = path.posix.dirname(file);
    if (recursive && this.look(file, false)?.kind === 'link' && this.look(file, true) === undefined)
      throw failure('ENOENT', file);
    if (recursive && this.look(parent, true) === undefined && this.look(parent, false) !== undefined)
      throw failure('ENOTDIR', file);
    if (recursive && parent !== '/' && this.look(parent, true) === undefined)
      this.makeDirectory(parent, mode, true);
    const { disk, parent: directory, name, inode } = this.find(file, recursive);
    if (inode !== undefined) {
      if (recursive && inode.kind === 'directory') return;
      throw failure('EEXIST', file);
    }
    writable(disk, file);
    disk.change([directory, name, disk.make('directory', mode)]);
  }

  rename(from: string, to: string): void {
    const source = this.find(from, false);
    const target = this.find(to, false);
    if (source.inode === undefined) throw failure('ENOENT', from);
    if (source.disk !== target.disk) throw failure('EXDEV', from);
    writable(source.disk, to);
    if (source.inode === target.inode) return;
    if (`${source.inside}/`.startsWith(`${target.inside}/`)) throw failure('ENOTEMPTY', to);
    if (source.inode.kind === 'directory') {
      if (`${target.inside}/`.startsWith(`${source.inside}/`)) throw failure('EINVAL', to);
      if (target.inode !== undefined && target.inode.kind !== 'directory') throw failure('ENOTDIR', to);
      if ((target.inode?.entries.size ?? 0) > 0) throw failure('ENOTEMPTY', to);
    } else if (target.inode?.kind === 'directory') throw failure('EISDIR', to);
    source.disk.change([source.parent, source.name, undefined], [target.parent, target.name, source.inode]);
  }

  link(existing: string, to: string): void {
    const source = this.find(existing, false);
    const target = this.find(to, false);
    if (source.inode === undefined) throw failure('ENOENT', existing);
    if (target.inode !== undefined) throw failure('EEXIST', to);
    if (source.inode.kind === 'directory') throw failure('EPERM', existing);
    if (source.disk !== target.disk) throw failure('EXDEV', to);
    writable(target.disk, to);
    target.disk.change([target.parent, target.name, source.inode]);
  }

  symbolicLink(pointsAt: string, file: string): void {
    const { disk, parent, name, inode } = this.find(file, false);
    if (inode !== undefined) throw failure('EEXIST', file);
    writable(disk, file);
    disk.change([parent, name, disk.make('link', 0o777, pointsAt)]);
  }

  /** One name of a tree: a file, a link, or an empty directory. */
  unlink(file: string): void {
    const { disk, parent, name, inode } = this.find(file, false);
    if (inode === undefined) throw failure('ENOENT', file);
    writable(disk, file);
    if (inode.entries.size > 0) throw failure('ENOTEMPTY', file);
    disk.change([parent, name, undefined]);
  }

  /** As /proc/self/mountinfo says. */
  list(): Mount[] {
    const own: Mount = { mountPoint: '/', type: 'ext4', source: '/dev/vda1', options: ['rw', 'relatime'] };
    const others = [...this.mounted].map(([mountPoint, disk]) => ({
      mountPoint,
      type: disk.type,
      source: disk.type === 'nfs' ? 'server:/export' : '/dev/vdb',
      options: [disk.readOnly ? 'ro' : 'rw', 'relatime'],
    }));
    return [own, ...others];
  }
}

export function writable(disk: Disk, file: string): void {
  if (disk.readOnly) throw failure('EROFS', file);
}

export function failure(code: string, file: string): Error {
  return Object.assign(new Error(`${code}: ${file}`), { code, path: file, syscall: 'simulated' });
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
