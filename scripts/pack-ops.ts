// `npm run pack:ops`: the framework as an archive that `npm install` takes, for charms of other people.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packFramework } from './ops/package.ts';

const out = resolve(process.argv[2] ?? '.');
const scratch = mkdtempSync(join(tmpdir(), 'juju-ts-ops-'));
try {
  console.log(packFramework(join(scratch, 'package'), out));
} finally {
  rmSync(scratch, { recursive: true });
}
