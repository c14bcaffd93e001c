// `npm run test:package`: the packed charm, under charmcraft's eyes, on a bare machine, on the other architecture, and in the place
// of an earlier one. As root, on Debian 12; installs the packages that it needs. Words that follow narrow it down, as for vitest.
import { join } from 'node:path';
import { obstacles } from 'juju-lab';
import { endWithout, installPrograms } from './test/debian-packages.ts';
import { runOwnTier } from './test/tiers.ts';

const root = join(import.meta.dirname, '..');
/** Program → Debian package; for a package without one a file of it, as seen from a folder of programs. */
const programs = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  unzip: 'unzip',
  '../lib/python3/dist-packages/apt/__init__.py': 'python3-apt',
  '../lib/python3.11/ensurepip/__init__.py': 'python3-venv',
  'qemu-aarch64-static': 'qemu-user-static',
  '../aarch64-linux-gnu/lib/libstdc++.so.6': 'libstdc++6-arm64-cross',
};

installPrograms(programs);
endWithout('machines', obstacles());
process.exitCode = await runOwnTier(root, 'package', process.argv.slice(2));
