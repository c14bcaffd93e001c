// A process of its own that takes the install lock: `hold-lock.ts ROOT UNIT WAIT_MS count|wait`. It says what happens, a
// line at a time: `held`, then with `count` a number that it raised under the lock; with `wait` it holds until killed.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createHost } from '../../../../src/host/real/index.ts';
import { withInstallLock } from '../../../../src/storage/lock.ts';

const [root = '', unit = '', waitMs = '0', mode = 'count'] = process.argv.slice(2);
const host = createHost({ root });
const options = { unit, purpose: `a test: ${mode}`, waitMs: Number(waitMs) };
await withInstallLock(host, options, async (held) => {
  await held.staging('8.2.0');
  console.log('held');
  if (mode === 'wait') await new Promise((resolve) => setTimeout(resolve, 600_000));
  const file = path.join(host.paths.volume, 'count');
  const count = Number(await readFile(file, 'utf8')) + 1;
  await new Promise((resolve) => setTimeout(resolve, 5));
  await writeFile(file, String(count));
  console.log(count);
});
