// `npm run pack`: the charm as Juju takes it, one archive for each architecture; or as a folder, with --unpacked.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Architecture } from 'juju-ts-ops/pack';
import { packCharm, unpackCharm } from './pack/charm.ts';
import { architectures } from './pack/node-binary.ts';

const usage = `usage: npm run pack -- [--arch amd64|arm64|all] [--out FOLDER]
       npm run pack -- --unpacked FOLDER [--arch amd64|arm64] [--link-node]
--arch defaults to all, and with --unpacked to this machine's; --out to the project's folder.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const entry = 'charm.ts';

const { values } = parseArgs({
  options: {
    arch: { type: 'string' },
    out: { type: 'string', default: root },
    unpacked: { type: 'string' },
    'link-node': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else if (values.unpacked !== undefined) {
  const [architecture = 'amd64'] = chosen(values.arch ?? (arch() === 'arm64' ? 'arm64' : 'amd64'));
  const folder = resolve(values.unpacked);
  await unpackCharm({ root, entry, architecture }, folder, { linkNode: values['link-node'] });
  console.log(folder);
} else {
  const wanted = chosen(values.arch ?? 'all');
  for (const line of await Promise.all(
    wanted.map((architecture) => packOne(architecture, resolve(values.out))),
  )) {
    console.log(line);
  }
}

/** Returns path, size and digest, to be printed. */
async function packOne(architecture: Architecture, folder: string): Promise<string> {
  const content = await packCharm({ root, entry, architecture });
  const path = join(folder, `concourse-ci_${architecture}.charm`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  const digest = createHash('sha256').update(content).digest('hex');
  return `${path}  ${(content.length / 1e6).toFixed(1)} MB  sha256:${digest}`;
}

function chosen(name: string): readonly Architecture[] {
  if (name === 'all' && values.unpacked === undefined) return architectures;
  const architecture = architectures.find((each) => each === name);
  if (architecture !== undefined) return [architecture];
  console.error(`no charm is packed for ${name}\n${usage}`);
  process.exit(2);
}
