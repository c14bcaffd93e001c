// Arguments: URL, SHA-256, directory. The charm's own way from the first byte to the released folder: download, hash, unpack, manifest,
// sync, rename. The last line is its peak memory.
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createHost } from '../../../src/host/real/index.ts';
import { planRelease } from '../../../src/release/source.ts';
import { stageRelease } from '../../../src/release/stage.ts';

const [url = '', sha256 = '', directory = ''] = process.argv.slice(2);
const host = createHost({ root: directory });
const area = join(directory, '.staging');
await mkdir(area, { recursive: true });
await mkdir(join(directory, 'releases'));
const planned = await planRelease(host.files, {
  version: '8.2.0',
  architecture: 'amd64',
  mirror: url,
  digestOption: sha256,
});
if (!planned.ok) throw new Error(planned.failure.code);
const staged = await stageRelease(
  host,
  {
    directory: area,
    signal: new AbortController().signal,
    assertHeld: async () => undefined,
    progress: async () => undefined,
  },
  planned.plan,
  { log: () => undefined },
);
if (!staged.ok) throw new Error(JSON.stringify(staged.failure));
await rename(staged.directory, join(directory, 'releases/8.2.0'));
await host.files.syncDirectory(join(directory, 'releases'));
console.log(JSON.stringify({ memoryBytes: process.resourceUsage().maxRSS * 1024 }));
