// `npm run test:machines`: the packed charm on real machines with systemd. As root, on Debian 12; installs the packages that it
// needs. Words that follow narrow it down, as for vitest: a file's path, or -t and a title.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { obstacles } from 'juju-lab';

const root = join(import.meta.dirname, '..');
/** Program → Debian package. */
const programs = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  openssl: 'openssl',
  unzip: 'unzip',
  'mkfs.ext4': 'e2fsprogs',
};

installPackages();
const missing = obstacles();
if (missing.length > 0) {
  console.error('This host cannot have machines (a Debian 12 with root can):');
  for (const line of missing) console.error(`  ! ${line}`);
  process.exit(1);
}
const vitest = join(root, 'node_modules/.bin/vitest');
const args = [vitest, 'run', '--config', 'tests/machines/vitest.config.ts', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;

function installPackages(): void {
  const wanted = Object.entries(programs)
    .filter(([program]) => !isThere(program))
    .map(([, name]) => name);
  const names = [...new Set(wanted)];
  if (names.length === 0) return;
  if (process.getuid?.() !== 0 || !isDebian()) {
    console.error(`! missing: ${names.join(', ')} (packages of Debian; as root they would be installed)`);
    process.exit(1);
  }
  console.log(`Installing ${names.join(', ')} …`);
  const quiet = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  for (const command of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...names],
  ]) {
    const { status } = spawnSync('apt-get', command, quiet);
    if (status !== 0) process.exit(status ?? 1);
  }
}

function isThere(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin', '/usr/bin');
  return folders.some((folder) => existsSync(join(folder, program)));
}

function isDebian(): boolean {
  return (
    existsSync('/etc/os-release') && /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'))
  );
}
