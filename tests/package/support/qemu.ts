// The charm for arm64 on this machine: its own files and its own Node, whose instructions QEMU carries out. The kernel is not asked to
// know that binary format, which not every machine may: a script in Node's place does it.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, unpacked } from './folders.ts';

/** From libc6-arm64-cross and libstdc++6-arm64-cross. */
const libraries = '/usr/aarch64-linux-gnu';

export function emulatedCharm(): string {
  const charm = join(run(), 'charm-arm64-emulated');
  cpSync(unpacked('arm64'), charm, { recursive: true });
  const node = join(charm, 'bin/node');
  renameSync(node, `${node}.arm64`);
  const qemu = execFileSync('sh', ['-c', 'command -v qemu-aarch64-static'], { encoding: 'utf8' }).trim();
  writeFileSync(node, `#!/bin/sh\nexec ${qemu} -L ${libraries} "$0.arm64" "$@"\n`);
  chmodSync(node, 0o755);
  return charm;
}
