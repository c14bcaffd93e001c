// Arguments: directory, bytes. So many bytes written to one file and synced: what the disk takes for them alone.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { randomFillSync } from 'node:crypto';

const [directory = '', bytes = '0'] = process.argv.slice(2);
const block = randomFillSync(Buffer.alloc(4 * 1024 * 1024));
const file = await open(join(directory, 'written'), 'w');
for (let left = Number(bytes); left > 0; left -= block.length)
  await file.write(block, 0, Math.min(left, block.length));
await file.sync();
await file.close();
