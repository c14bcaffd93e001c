// juju-ts-ops as npm takes it: Node strips no types of what lies in node_modules, so the package holds JavaScript with declarations.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const source = join(root, 'lib/juju-ts-ops');
const manifest = z.looseObject({ version: z.string(), exports: z.record(z.string(), z.string()) });

/** Writes the package into the empty `folder` and its archive into `out`. Returns the archive's path. */
export function packFramework(folder: string, out: string): string {
  mkdirSync(folder, { recursive: true });
  compile(folder);
  for (const [from, to = from] of [
    ['README.md'],
    ['testing/README.md'],
    ['pack/dispatch'],
    ['template'],
    ['../../LICENSE', 'LICENSE'],
  ] as const) {
    cpSync(join(source, from), join(folder, to), { recursive: true });
  }
  chmodSync(join(folder, 'cli/main.js'), 0o755);
  const { devDependencies, exports, ...rest } = manifest.parse(json(join(source, 'package.json')));
  const built = Object.entries(exports).map(([name, path]) => {
    const stem = path.replace(/\.ts$/, '');
    return [name, { types: `${stem}.d.ts`, default: `${stem}.js` }];
  });
  const published = { ...rest, exports: Object.fromEntries(built), bin: { 'juju-ts-ops': 'cli/main.js' } };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
  mkdirSync(out, { recursive: true });
  run('npm', ['pack', '--silent', '--pack-destination', out], folder);
  return join(out, `juju-ts-ops-${rest.version}.tgz`);
}

/** The compiler rewrites imports to `.js` in JavaScript, and leaves those of declarations as they are. */
function compile(folder: string): void {
  const project = join(source, 'tsconfig.build.json');
  run(process.execPath, [join(root, 'node_modules/.bin/tsc'), '-p', project, '--outDir', folder], root);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue;
    const path = join(folder, name);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/((?:from |import\()'\.[^']*)\.ts'/g, "$1.js'"));
  }
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}
