// `npm run test:volumes`: the storage manager on file systems that are really shared, two clients on each. As root, on Debian
// 12; installs the packages that it needs. Prints what was found as a table; `-- --write-table` writes it into
// docs/reference/volumes.md. Other words narrow it down, as for vitest: -t and a file system's name.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runInOwnNamespaces } from '../tests/volumes/support/own-namespaces.ts';
import { endWithout, installPrograms } from './test/debian-packages.ts';
import { runOwnTier } from './test/tiers.ts';

const root = join(import.meta.dirname, '..');
/** Program (or file) → Debian package. */
const programs = {
  ip: 'iproute2',
  modprobe: 'kmod',
  'mkfs.ext4': 'e2fsprogs',
  'ganesha.nfsd': 'nfs-ganesha',
  '/usr/lib/x86_64-linux-gnu/ganesha/libfsalvfs.so': 'nfs-ganesha-vfs',
  'linux.uml': 'user-mode-linux',
  glusterd: 'glusterfs-server',
  glusterfs: 'glusterfs-client',
  mfsmaster: 'moosefs-master',
  mfschunkserver: 'moosefs-chunkserver',
  mfsmount: 'moosefs-client',
  sshfs: 'sshfs',
  sshd: 'openssh-server',
};

const inside = '--in-own-namespaces';
const words = process.argv.slice(2).filter((word) => word !== '--write-table' && word !== inside);
if (process.argv.includes(inside)) {
  process.exitCode = await runOwnTier(root, 'volumes', words);
} else {
  endWithout('shared file systems', obstacles());
  installPrograms(programs);
  const env = { ...process.env, ...(process.argv.includes('--write-table') && { WRITE_TABLE: '1' }) };
  const command = [process.execPath, ...process.execArgv, import.meta.filename, inside, ...words];
  process.exitCode = runInOwnNamespaces(command, env);
}

function obstacles(): string[] {
  return [
    ...(process.getuid?.() === 0 ? [] : ['root: sudo npm run test:volumes']),
    ...(process.arch === 'x64' ? [] : ['an amd64 machine: Debian has User-mode Linux for no other']),
    ...['/dev/fuse', '/dev/net/tun', '/dev/loop-control'].filter((device) => !existsSync(device)),
  ];
}
