// package-lock.json, as far as packing reads it: which version of a package there is, and by which digest.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
    }),
  ),
});

export interface Locked {
  version: string;
  /** `sha512-BASE64`. */
  integrity: string;
  license: string | undefined;
}

/** `folder`: as in `node_modules/zod`. Throws for a package that is not pinned. */
export function locked(root: string, folder: string): Locked {
  const content: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  // Where node_modules is a link, the bundler names what it leads to.
  const [, name = folder] = /(?:^|\/)(node_modules\/.*)$/.exec(folder) ?? [];
  const { version, integrity, license } = lockFile.parse(content).packages[name] ?? {};
  if (version === undefined || integrity === undefined)
    throw new Error(`package-lock.json does not pin ${folder}: add it to package.json and run npm install`);
  return { version, integrity, license };
}

/** In hexadecimal, as bills of materials have it. */
export function sha512Of(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}
