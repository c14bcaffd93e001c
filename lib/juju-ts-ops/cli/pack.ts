// The charm in the current folder, packed with a Node binary that starts on any Ubuntu.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { architectureOf, checkNode, packCharm, strip, unpackCharm } from '../pack/index.ts';
import { definitionHere, files } from './files.ts';

/** `unpacked`: the folder that it is written to instead of an archive in `out`. */
export async function pack(given: {
  node: string;
  out: string;
  unpacked?: string | undefined;
}): Promise<void> {
  await files(true);
  const binary = readFileSync(given.node);
  const architecture = architectureOf(binary);
  checkNode(binary, architecture);
  const license = join(dirname(dirname(given.node)), 'LICENSE');
  if (!existsSync(license))
    throw new Error(
      `${license} is not there: pack with an official build of Node, whose licence is beside it (--node FILE)`,
    );
  const scratch = mkdtempSync(join(tmpdir(), 'charm-node-'));
  try {
    const node = { binary: join(scratch, 'node'), license };
    writeFileSync(node.binary, strip(binary), { mode: 0o755 });
    const source = { root: process.cwd(), entry: 'charm.ts', architecture, node };
    if (given.unpacked !== undefined) {
      await unpackCharm(source, given.unpacked, { linkNode: false });
      return console.log(given.unpacked);
    }
    const path = join(given.out, `${(await definitionHere()).declared.name}_${architecture}.charm`);
    const content = await packCharm(source);
    writeFileSync(path, content);
    console.log(`${path}  ${(content.length / 1e6).toFixed(1)} MB`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
