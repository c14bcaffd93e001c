// Before the tier: the charm is packed as `npm run pack` does, and unpacked as Juju does, once for all tests.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { packCharm } from '../../../scripts/pack/charm.ts';
import { architecture, cache, root } from './concourse-site.ts';
import { base } from './rootfs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The unpacked charm's folder. */
    charm: string;
  }
}

/** Another run of the tier may use the one before. */
const keptCharms = 3;

export async function setup({ provide }: TestProject): Promise<void> {
  mkdirSync(cache, { recursive: true });
  base(cache);
  const packed = await packCharm({ root, entry: 'charm.ts', architecture });
  const folder = join(cache, `charm-${createHash('sha256').update(packed).digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    const fresh = `${folder}.${process.pid}.new`;
    mkdirSync(fresh);
    writeFileSync(join(fresh, 'packed.charm'), packed);
    execFileSync('unzip', ['-q', join(fresh, 'packed.charm'), '-d', join(fresh, 'charm')]);
    rmSync(join(fresh, 'packed.charm'));
    forgetOldest();
    renameSync(fresh, folder);
  }
  provide('charm', join(folder, 'charm'));
}

function forgetOldest(): void {
  const made = (name: string): number => statSync(join(cache, name)).mtimeMs;
  const charms = readdirSync(cache).filter((name) => /^charm-[0-9a-f]+$/.test(name));
  for (const name of charms.sort((one, other) => made(other) - made(one)).slice(keptCharms - 1))
    rmSync(join(cache, name), { recursive: true });
}
