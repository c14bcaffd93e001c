// The least that a machine for this charm must have: Debian's essential packages, and the four that are named here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './folders.ts';

/**
 * Beside what is essential: systemd as the first process, `mount` and `passwd` (useradd), which have priority "required" and so
 * are on every Debian and Ubuntu that was not made by leaving them out; and libstdc++6 for Node, which apt is made with: where
 * Juju could install anything at all, it is. No curl, no certificates, no dbus, no iproute2, no procps, no Python, no apt.
 */
const include = 'systemd,systemd-sysv,mount,passwd,libstdc++6';

/** To be read only. Made when it is not there (25 s, from the distribution's mirror), and kept. */
export function rootfs(): string {
  const digest = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cache, `rootfs-${digest}`);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}.new`;
  try {
    console.error('Making the root file system of the bare machine, once …');
    const words = ['--quiet', '--variant=essential', `--include=${include}`, 'bookworm', fresh];
    execFileSync('mmdebstrap', words, { stdio: ['ignore', 'ignore', 'inherit'] });
    // mmdebstrap copies this host's, and it would win over the machine's own name.
    rmSync(join(fresh, 'etc/hostname'), { force: true });
    for (const name of readdirSync(cache)) {
      if (/^rootfs-[0-9a-f]+$/.test(name)) rmSync(join(cache, name), { recursive: true });
    }
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}
