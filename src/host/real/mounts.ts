// Names of file systems, and what is mounted where, as Linux tells them.
import type { Mount } from '../host.ts';

/** statfs(2)'s magic numbers (linux/magic.h) of the file systems that matter here. */
const magicNumbers: Record<number, string> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  26985: 'nfs',
  1702057286: 'fuse',
  2035054128: 'overlayfs',
  801189825: 'zfs',
  4283649346: 'cifs',
  4266872130: 'smb2',
  12805120: 'ceph',
  16914839: '9p',
  1785031267: 'virtiofs',
  4076150800: 'f2fs',
  2240043254: 'ramfs',
};

/** 'ext4' (which also stands for ext2 and ext3), 'nfs', …, or the magic number in hex. */
export function typeOfMagic(magic: number): string {
  return magicNumbers[magic >>> 0] ?? `0x${(magic >>> 0).toString(16)}`;
}

/** Parses /proc/self/mountinfo (proc(5)): mount options and the file system's own options in one list. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ', 2);
    const mountPoint = before?.split(' ')[4];
    const mountOptions = before?.split(' ')[5];
    const [type, source, ownOptions] = after?.split(' ') ?? [];
    if (mountPoint === undefined || mountOptions === undefined || type === undefined) return [];
    const options = new Set([...mountOptions.split(','), ...(ownOptions ?? '').split(',')]);
    options.delete('');
    // A read-write superblock may be mounted read-only: then both `ro` and `rw` are listed, and `ro` holds.
    if (options.has('ro')) options.delete('rw');
    return [
      {
        mountPoint: unescapeOctal(mountPoint),
        type,
        source: unescapeOctal(source ?? ''),
        options: [...options],
      },
    ];
  });
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
