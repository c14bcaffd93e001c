// `npm run test:machines`: the packed charm on real machines with systemd. As root, on Debian 12; installs the packages that it
// needs. Words that follow narrow it down, as for vitest: a file's path, or -t and a title.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { obstacles } from 'juju-lab';
import { installPrograms } from './test/debian-packages.ts';

const root = join(import.meta.dirname, '..');
/** Program → Debian package. */
const programs = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  openssl: 'openssl',
  unzip: 'unzip',
  'mkfs.ext4': 'e2fsprogs',
  pg_ctlcluster: 'postgresql',
};

installPrograms(programs);
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
