// The framework as other people have it: packed, installed by npm in a folder outside of the workspace, and a charm made from its
// template there: checked, tested and packed by its own scripts.
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { create } from 'tar';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packFramework } from '../../scripts/ops/package.ts';
import { unzip } from '../unit/pack/unzip.ts';

const root = join(import.meta.dirname, '../..');
const outside = mkdtempSync(join(tmpdir(), 'framework-package-'));
const charm = join(outside, 'motd');
const packages = z.looseObject({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()).optional(),
});

beforeAll(async () => {
  const archive = packFramework(join(outside, 'package'), outside);
  const zod = join(outside, 'zod.tgz');
  await create({ gzip: true, file: zod, cwd: join(root, 'node_modules/zod'), prefix: 'package' }, ['.']);
  await node([join(outside, 'package/cli/main.js'), 'create', 'motd', '--package', `file:${archive}`]);
  // No registry is asked: zod comes from the workspace's own packages, and the tools of development are linked below.
  const { devDependencies: _tools, ...given } = packages.parse(json(join(charm, 'package.json')));
  const dependencies = { ...given.dependencies, zod: `file:${zod}` };
  writeFileSync(join(charm, 'package.json'), JSON.stringify({ ...given, dependencies }));
  await run('npm', ['install', '--silent'], charm);
  for (const name of ['@types/node', '.bin/tsc', 'typescript', 'esbuild', 'yaml']) {
    mkdirSync(dirname(join(charm, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(charm, 'node_modules', name));
  }
});

afterAll(() => rmSync(outside, { recursive: true }));

describe('a charm from the template', () => {
  test('passes its own npm test', async () => {
    const said = await npm('test');
    expect(said).toMatch(/pass 3\b[\s\S]*fail 0\b/);
  });

  test('is told which of its files are not current', async () => {
    const text = readFileSync(join(charm, 'config.yaml'), 'utf8');
    writeFileSync(join(charm, 'config.yaml'), `${text}# more\n`);
    await expect(tool('files', '--check')).rejects.toThrow('not current: config.yaml. Run: npm run files');
    await tool('files');
    expect(readFileSync(join(charm, 'config.yaml'), 'utf8')).toBe(text);
  });

  test('is packed, and its executable runs', async () => {
    await tool('pack');
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const files = unzip(readFileSync(join(charm, `motd_${architecture}.charm`)));
    const wanted = ['dispatch', 'bin/node', 'lib/charm.mjs', 'metadata.yaml', 'config.yaml', 'actions.yaml'];
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining([...wanted, 'manifest.yaml', 'NOTICES']),
    );
    const unpacked = join(outside, 'unpacked');
    for (const { path, mode, content } of files) {
      mkdirSync(dirname(join(unpacked, path)), { recursive: true });
      writeFileSync(join(unpacked, path), content, { mode });
    }
    // Without Juju it says what it is.
    await expect(run(join(unpacked, 'dispatch'), [], unpacked)).rejects.toThrow(
      "motd: this is a charm's executable",
    );
  });

  test("becomes the tutorial's, and passes the tutorial's tests", async () => {
    const page = readFileSync(join(root, 'docs/tutorial/your-first-charm-in-typescript.md'), 'utf8');
    const tests = [...page.matchAll(/^```ts template-test\n(.*?)^```$/gms)].map(([, text = '']) => text);
    const path = join(charm, 'tests/charm.test.ts');
    writeFileSync(path, [readFileSync(path, 'utf8'), ...tests].join('\n'));
    copyFileSync(join(root, 'examples/motd/src/charm.ts'), join(charm, 'src/charm.ts'));
    const said = await tool('files').then(() => npm('test'));
    expect(said).toMatch(/pass 6\b[\s\S]*fail 0\b/);
  });

  test('is told by the compiler of an option that it does not declare', async () => {
    const wrong = join(charm, 'src/wrong.ts');
    writeFileSync(
      wrong,
      `import type { HookOf } from 'juju-ts-ops';
import type { definition } from './charm.ts';
export const wrong = async (hook: HookOf<typeof definition>) => (await hook.config()).values.mesage;
`,
    );
    await expect(run(join(charm, 'node_modules/.bin/tsc'), [], charm)).rejects.toThrow(
      "'mesage' does not exist",
    );
    rmSync(wrong);
  });
});

test('the template asks for the versions that the project has', () => {
  const own = packages.parse(json(join(root, 'package.json')));
  const template = packages.parse(json(join(root, 'lib/juju-ts-ops/template/package.template.json')));
  const { 'juju-ts-ops': framework, ...others } = { ...template.dependencies, ...template.devDependencies };
  expect({ ...own.dependencies, ...own.devDependencies }).toMatchObject(others);
  expect(json(join(root, 'lib/juju-ts-ops/package.json'))).toMatchObject({ version: framework });
});

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

const npm = (...args: string[]) => run('npm', args, charm);
const tool = (...args: string[]) => run(join(charm, 'node_modules/.bin/juju-ts-ops'), args, charm);
const node = (args: string[]) => run(process.execPath, args, outside);

/** Resolves with what it printed; rejects with all that it printed. */
async function run(program: string, args: string[], cwd: string): Promise<string> {
  // With an empty cache and no network, npm has nothing but what it is given.
  const npm = { npm_config_offline: 'true', npm_config_update_notifier: 'false', npm_config_audit: 'false' };
  const env = { ...npm, HOME: outside, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  try {
    return (await promisify(execFile)(program, args, { cwd, env, maxBuffer: 10e6 })).stdout;
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error)) throw error;
    throw new Error(`${error.message}\n${error.stdout}${error.stderr}`, { cause: error });
  }
}
