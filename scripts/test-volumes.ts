// `npm run test:volumes`: the storage manager on file systems that are really shared, two clients on each. As root, on Debian
// 12; installs the packages that it needs. Prints what was found as a table; `-- --write-table` writes it into
// docs/reference/volumes.md. Other words narrow it down, as for vitest: -t and a file system's name.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runInOwnNamespaces } from '../tests/volumes/support/own-namespaces.ts';
import { installPrograms } from './test/debian-packages.ts';

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

const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root: sudo npm run test:volumes']),
  ...(process.arch === 'x64' ? [] : ['an amd64 machine: Debian has User-mode Linux for no other']),
  ...['/dev/fuse', '/dev/net/tun', '/dev/loop-control'].filter((device) => !existsSync(device)),
];
if (missing.length > 0) {
  console.error('This host cannot have shared file systems (a Debian 12 with root can):');
  for (const line of missing) console.error(`  ! ${line}`);
  process.exit(1);
}
installPrograms(programs);
const words = process.argv.slice(2);
const vitest = [join(root, 'node_modules/.bin/vitest'), 'run', '--config', 'tests/volumes/vitest.config.ts'];
const filters = words.filter((word) => word !== '--write-table');
const env = { ...process.env, ...(words.includes('--write-table') && { WRITE_TABLE: '1' }) };
process.exitCode = runInOwnNamespaces([process.execPath, ...vitest, ...filters], env);
