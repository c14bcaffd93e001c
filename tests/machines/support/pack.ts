// Before the tier: the charm is packed as `npm run pack` does, and unpacked as Juju does, once for all tests.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packCharm } from '../../../scripts/pack/charm.ts';
import { architecture, cache, root } from './concourse-site.ts';
import { base } from './rootfs.ts';

export async function setup(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  base(cache);
  const archive = join(cache, 'concourse-ci.charm');
  writeFileSync(archive, await packCharm({ root, entry: 'charm.ts', architecture }));
  const folder = join(cache, 'charm');
  rmSync(folder, { recursive: true, force: true });
  execFileSync('unzip', ['-q', archive, '-d', folder]);
}
