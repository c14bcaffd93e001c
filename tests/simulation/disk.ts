// A file system in memory as a power cut finds it: names go to a journal, whose beginning survives; bytes survive when they
// were synced, and may or may not when they were not.
import type { Seeded } from 'juju-ts-ops/testing';
import type { FileKind } from '../../src/host/host.ts';

export interface Inode {
  readonly number: number;
  readonly kind: FileKind;
  mode: number;
  uid: number;
  gid: number;
  links: number;
  modifiedMs: number;
  content: Buffer;
  /** What a power cut leaves at least; undefined: never synced. */
  synced: Buffer | undefined;
  readonly entries: Map<string, Inode>;
  readonly target: string;
}

interface Change {
  touches: readonly Inode[];
  undo: () => void;
}

export interface DiskOptions {
  device: number;
  /** As statfs says: ext4, nfs, … */
  type: string;
  now: () => number;
  /** fsync of a file also puts its name on the disk, as ext4 and xfs do; POSIX promises no such thing. */
  syncNames: boolean;
}

export class Disk {
  readonly root: Inode;
  readonly device: number;
  readonly type: string;
  /** What mount options say. */
  readOnly = false;
  /** No byte more is taken. */
  full = false;
  /** So many of the next fsyncs fail, and what they should have kept is as good as unsynced. */
  failingSyncs = 0;
  private readonly options: DiskOptions;
  private readonly journal: Change[] = [];
  private readonly dirty = new Set<Inode>();
  private numbers = 1;

  constructor(options: DiskOptions) {
    this.options = options;
    this.device = options.device;
    this.type = options.type;
    this.root = this.make('directory', 0o755);
  }

  make(kind: FileKind, mode: number, target = ''): Inode {
    this.numbers += 1;
    return {
      number: this.numbers,
      kind,
      mode,
      uid: 0,
      gid: 0,
      links: 0,
      modifiedMs: this.options.now(),
      content: Buffer.alloc(0),
      synced: undefined,
      entries: new Map(),
      target,
    };
  }

  /** One journaled change of names: each `[directory, name, inode]`, undefined to take the name away. */
  change(...names: (readonly [Inode, string, Inode | undefined])[]): void {
    const before = names.map(([directory, name]) => [directory, name, directory.entries.get(name)] as const);
    const touches = [...names, ...before].flatMap(([directory, , inode]) =>
      inode === undefined ? [directory] : [directory, inode],
    );
    for (const each of names) set(...each);
    for (const [directory] of names) directory.modifiedMs = this.options.now();
    this.journal.push({
      touches,
      undo: () => {
        for (const each of before) set(...each);
      },
    });
  }

  setContent(inode: Inode, content: Buffer): void {
    inode.content = content;
    inode.modifiedMs = this.options.now();
    this.dirty.add(inode);
  }

  /** fsync of a file. False: it failed. */
  sync(inode: Inode): boolean {
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      return false;
    }
    inode.synced = inode.content;
    this.dirty.delete(inode);
    if (this.options.syncNames) this.commit(inode);
    return true;
  }

  syncDirectory(directory: Inode): boolean {
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      return false;
    }
    this.commit(directory);
    return true;
  }

  /** Everything is on the disk: time has passed. */
  settle(): void {
    this.journal.length = 0;
    for (const inode of this.dirty) inode.synced = inode.content;
    this.dirty.clear();
  }

  /** The power is cut: a beginning of the journal survives, and of unsynced bytes all, none, or some. */
  lose(random: Seeded): void {
    const survive = random.below(this.journal.length + 1);
    while (this.journal.length > survive) this.journal.pop()?.undo();
    this.journal.length = 0;
    for (const inode of this.dirty) {
      const kept = [
        inode.content,
        inode.synced ?? Buffer.alloc(0),
        inode.content.subarray(0, random.below(inode.content.length + 1)),
      ];
      inode.content = random.pick(kept) ?? Buffer.alloc(0);
      inode.synced = inode.content;
    }
    this.dirty.clear();
  }

  /** The journal is written in order: what came before goes along. */
  private commit(inode: Inode): void {
    const last = this.journal.findLastIndex(({ touches }) => touches.includes(inode));
    this.journal.splice(0, last + 1);
  }
}

function set(directory: Inode, name: string, inode: Inode | undefined): void {
  const before = directory.entries.get(name);
  if (before === inode) return;
  if (before !== undefined) before.links -= 1;
  if (inode === undefined) directory.entries.delete(name);
  else {
    directory.entries.set(name, inode);
    inode.links += 1;
  }
}
