// Where this tier keeps what it makes: a folder for each run, which the next run sweeps when this one is killed, and a cache.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');
export const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
/** What costs a download: kept from run to run. */
export const cache = join(root, 'node_modules/.cache/package');
const runs = join(root, 'build/package');

/** The run's own folder. Set by `takeRunFolder` for the processes that vitest starts. */
export const run = (): string => {
  const folder = process.env.PACKAGE_TEST_RUN;
  if (folder === undefined) throw new Error('the tier was not prepared: npm run test:package');
  return folder;
};

/** The project's files as they were when the run began, with its packages: everything is packed from there. */
export const project = (): string => join(run(), 'project');
/** `concourse-ci_amd64.charm` and `concourse-ci_arm64.charm`, as `npm run pack` made them. */
export const archive = (of: string = architecture): string => join(run(), `concourse-ci_${of}.charm`);
/** The same, unpacked as Juju does. */
export const unpacked = (of: string = architecture): string => join(run(), `charm-${of}`);

/** Its name is its owner's process id: folders whose owner is gone are removed. */
export function takeRunFolder(): string {
  mkdirSync(runs, { recursive: true });
  for (const name of readdirSync(runs)) {
    if (!existsSync(`/proc/${name}`)) rmSync(join(runs, name), { recursive: true, force: true });
  }
  const folder = join(runs, String(process.pid));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  process.env.PACKAGE_TEST_RUN = folder;
  return folder;
}
