// A copy of the project that nobody edits while it is packed: its files, and its packages as hard links.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './folders.ts';

/** What is there now, committed or not. */
export function copyProject(to: string): void {
  mkdirSync(to);
  const list = 'git ls-files -z --cached --others --exclude-standard --deduplicate';
  // A file that was removed and not yet committed so is listed, and is not there.
  shell(`${list} | while IFS= read -r -d '' name; do [ -e "$name" ] && printf '%s\\0' "$name"; done | \
    xargs -0 cp -a --parents -t ${quoted(to)}`);
  linkPackages(to);
}

/** What a commit has. Its packages are today's: it must have been made with the same lock file. */
export function copyCommit(commit: string, to: string): void {
  mkdirSync(to);
  shell(`git archive ${commit} | tar -x -C ${quoted(to)}`);
  linkPackages(to);
}

/** All but the caches of other tiers. */
function linkPackages(to: string): void {
  const names = readdirSync(join(root, 'node_modules')).filter((name) => name !== '.cache');
  const paths = [...names, '.cache/pack'].map((name) => `node_modules/${name}`);
  execFileSync('cp', ['-al', '--parents', '-t', to, ...paths], { cwd: root });
}

function shell(line: string): void {
  execFileSync('bash', ['-o', 'pipefail', '-ec', line], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const quoted = (path: string): string => `'${path.replaceAll("'", "'\\''")}'`;
