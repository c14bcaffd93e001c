// The root file system that all machines start from, made once and kept: Debian with systemd and little else, and in it the
// certificate of the tests' own authority.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Base {
  /** To be read only. */
  rootfs: string;
  /** What the mirror serves with, signed by the authority that the machines trust. */
  certificate: string;
  key: string;
  /** The authority's own. */
  authority: string;
}

/** Names by which the mirror goes. */
export const mirrorHost = 'mirror.test';
export const hiddenHost = 'hidden.test';
export const mirrorAddress = '10.99.0.1';

const include =
  'systemd,systemd-sysv,dbus,util-linux,iproute2,ca-certificates,procps,curl,nftables,libstdc++6';

/** Makes it when it is not there (20 s); needs the network for that, and never again. */
export function base(cache: string): Base {
  // What it is made of is this file's own text.
  const digest = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cache, `rootfs-${digest}`);
  if (!existsSync(folder)) make(cache, folder);
  return {
    rootfs: join(folder, 'rootfs'),
    certificate: join(folder, 'mirror.pem'),
    key: join(folder, 'mirror.key'),
    authority: join(folder, 'authority.pem'),
  };
}

function make(cache: string, folder: string): void {
  const fresh = `${folder}.${process.pid}.new`;
  mkdirSync(fresh, { recursive: true });
  try {
    const rootfs = join(fresh, 'rootfs');
    console.error('Making the root file system of the machines, once …');
    run('mmdebstrap', '--quiet', '--variant=essential', `--include=${include}`, 'bookworm', rootfs);
    // mmdebstrap copies this host's, and it would win over the machine's own name.
    rmSync(join(rootfs, 'etc/hostname'), { force: true });
    makeAuthority(fresh);
    run('cp', join(fresh, 'authority.pem'), join(rootfs, 'usr/local/share/ca-certificates/tests.crt'));
    run('chroot', rootfs, 'update-ca-certificates');
    for (const name of readdirSync(cache)) {
      if (/^rootfs-[0-9a-f]+$/.test(name)) rmSync(join(cache, name), { recursive: true });
    }
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function makeAuthority(folder: string): void {
  const at = (name: string): string => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = `subjectAltName=DNS:${mirrorHost},DNS:${hiddenHost},IP:${mirrorAddress}`;
  const authority = [
    '-keyout',
    at('authority.key'),
    '-out',
    at('authority.pem'),
    '-days',
    '3650',
    '-subj',
    '/CN=Authority of the tests',
  ];
  run('openssl', 'req', '-x509', ...newKey, ...authority);
  const signed = ['-CA', at('authority.pem'), '-CAkey', at('authority.key'), '-out', at('mirror.pem')];
  const own = ['-keyout', at('mirror.key'), '-days', '3650', '-subj', `/CN=${mirrorHost}`, '-addext', names];
  run(
    'openssl',
    'req',
    '-x509',
    ...newKey,
    ...own,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
    ...signed,
  );
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
