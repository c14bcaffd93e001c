// A tier that needs more than Node installs it: here, and only as root on a Debian; elsewhere it says what is missing and ends.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** Installs the Debian packages of the programs (program → package) that are not there; an absolute path stands for a package
 * that has no program of its own. Ends the process when it cannot. */
export function installPrograms(programs: Readonly<Record<string, string>>): void {
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

/** Ends the process, naming what this host lacks, when it lacks anything. */
export function endWithout(what: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  console.error(`This host cannot have ${what} (a Debian 12 with root can):`);
  for (const line of missing) console.error(`  ! ${line}`);
  process.exit(1);
}

function isThere(program: string): boolean {
  if (isAbsolute(program)) return existsSync(program);
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin', '/usr/bin');
  return folders.some((folder) => existsSync(join(folder, program)));
}

function isDebian(): boolean {
  return (
    existsSync('/etc/os-release') && /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'))
  );
}
