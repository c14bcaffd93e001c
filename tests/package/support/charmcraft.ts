// Charmcraft itself, from PyPI, in an environment of its own: the linters that a charm's publisher runs, and the real packer.
import { execFile, execFileSync, type StdioOptions } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { cache, run } from './folders.ts';

/** pyOpenSSL: Debian's own is too old for the cryptography that charmcraft brings. */
const wanted = { charmcraft: '4.5.0', pyopenssl: '26.4.0' };

/** Of one linter, as `charmcraft analyse --format json` prints it. */
const lint = z.object({
  name: z.string(),
  result: z.string(),
  check_type: z.enum(['lint', 'attribute']),
  text: z.string().nullish(),
});

/** The program; installed when it is not there (20 s, from PyPI's mirror), and kept. */
export function charmcraft(): string {
  const folder = join(cache, `charmcraft-${Object.values(wanted).join('-')}`);
  const complete = join(folder, '.complete');
  if (existsSync(complete)) return join(folder, 'bin/charmcraft');
  console.error('Installing charmcraft, once …');
  rmSync(folder, { recursive: true, force: true });
  const quiet: { stdio: StdioOptions } = { stdio: ['ignore', 'ignore', 'inherit'] };
  // The distribution's Python: python3-apt is made for no other, and charmcraft wants it in order to pack.
  execFileSync('/usr/bin/python3', ['-m', 'venv', '--system-site-packages', folder], quiet);
  const packages = Object.entries(wanted).map(([name, version]) => `${name}==${version}`);
  execFileSync(
    join(folder, 'bin/pip'),
    ['install', '--quiet', '--disable-pip-version-check', ...packages],
    quiet,
  );
  writeFileSync(complete, '');
  return join(folder, 'bin/charmcraft');
}

export async function analyse(charm: string): Promise<z.infer<typeof lint>[]> {
  const words = ['analyse', charm, '--format', 'json'];
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(charmcraft(), words, { env: environment() }, (error, stdout) => {
      // 2: there are errors, and it has printed them.
      if (error === null || error.code === 2) resolve(stdout);
      else reject(error);
    });
  });
  return z.array(lint).parse(JSON.parse(printed));
}

/** Charmcraft packs for the release of Ubuntu that it is on, and on nothing else. */
const osRelease = 'ID=ubuntu\nVERSION_ID="24.04"\nNAME="Ubuntu"\n';

/** Packs a project's folder as `charmcraft pack` does on Ubuntu 24.04; returns the archive's path. Only this process and its
 * children see that release: the mount is in a namespace of theirs. */
export async function pack(project: string, platform: 'amd64' | 'arm64'): Promise<string> {
  const release = join(run(), 'os-release');
  writeFileSync(release, osRelease);
  const line =
    'mount --bind "$0" /usr/lib/os-release && cd "$1" && exec "$2" pack --destructive-mode --platform "$3"';
  const words = [
    '-m',
    '--propagation',
    'private',
    'sh',
    '-c',
    line,
    release,
    project,
    charmcraft(),
    platform,
  ];
  await promisify(execFile)('unshare', words, { env: environment() });
  const made = join(project, `concourse-ci_${platform}.charm`);
  const kept = join(run(), `charmcraft_${platform}.charm`);
  renameSync(made, kept);
  return kept;
}

/** Its logs and caches go with the run. */
function environment(): NodeJS.ProcessEnv {
  const home = join(run(), 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const state = { XDG_STATE_HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: home };
  return { ...process.env, ...state, CRAFT_VERBOSITY_LEVEL: 'brief' };
}
