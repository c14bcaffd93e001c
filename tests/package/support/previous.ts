// The package that an operator may have deployed before this one, built from its own commit.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { architecture, cache, run } from './folders.ts';
import { copyCommit } from './project-copy.ts';

/** Moves to the last release's commit whenever there is a release. Made with the lock file of today. */
const commit = 'a313b91';

/** An unpacked charm; packed when it is not there, and kept. */
export function previousCharm(): string {
  const folder = join(cache, `previous-${commit}-${architecture}`);
  if (existsSync(folder)) return folder;
  const project = join(run(), 'previous');
  try {
    copyCommit(commit, project);
  } catch (error) {
    throw new Error(`the commit ${commit} cannot be had: git fetch --unshallow`, { cause: error });
  }
  const fresh = join(run(), 'previous-charm');
  const words = ['scripts/pack.ts', '--unpacked', fresh, '--arch', architecture];
  execFileSync(process.execPath, words, { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const name of readdirSync(cache)) {
    if (name.startsWith('previous-')) rmSync(join(cache, name), { recursive: true });
  }
  renameSync(fresh, folder);
  return folder;
}
