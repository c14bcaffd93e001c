// What a new holder does first: it takes away what former holders left. Their folders are renamed into its own, at one
// stroke each, before anything is removed: a holder that was only frozen thaws into ENOENT and has changed nothing.
import path from 'node:path';
import { unless } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import type { Holder } from './holder.ts';
import type { Layout } from './layout.ts';
import type { Lease } from './lease.ts';

/** Things of the operator's that were on their way out of ours: see `Held.moveForeignAside`. */
export const foreignFolder = 'foreign';

export async function sweep(host: Host, layout: Layout, lease: Lease, self: Holder): Promise<void> {
  const { files } = host;
  const swept = path.join(lease.folder, 'swept');
  await files.makeDirectory(swept, { mode: 0o755, recursive: true });
  const own = path.basename(lease.folder);
  const left = ((await files.list(layout.staging)) ?? []).filter((name) => name !== own);
  for (const name of left) {
    await lease.assertHeld();
    // ENOENT: it was a contender's, which took it away itself.
    await unless(files.rename(path.join(layout.staging, name), path.join(swept, name)), 'ENOENT');
  }
  await keepForeign(
    host,
    layout,
    lease,
    left.map((name) => path.join(swept, name, foreignFolder)),
    self,
  );
  const stray = ((await files.list(layout.root)) ?? []).filter((name) => name.startsWith('.volume-id.'));
  for (const file of [layout.progress, ...stray.map((name) => path.join(layout.root, name))]) {
    await lease.assertHeld();
    await unless(files.rename(file, path.join(swept, path.basename(file))), 'ENOENT');
  }
  await files.remove(swept);
}

/** A holder died between taking an operator's files into its folder and putting them where they are kept. */
async function keepForeign(
  host: Host,
  layout: Layout,
  lease: Lease,
  candidates: readonly string[],
  self: Holder,
): Promise<void> {
  for (const [index, folder] of candidates.entries()) {
    const found = await host.files.list(folder);
    if (found === undefined || found.length === 0) continue;
    await lease.assertHeld();
    await host.files.rename(folder, `${foreignPath(host, layout, self)}-${index}`);
  }
}

/** `.foreign-2026-01-31-<token>` in the volume's top directory. */
export function foreignPath(host: Host, layout: Layout, self: Holder): string {
  const date = new Date(host.clock.now()).toISOString().slice(0, 10);
  return path.join(layout.root, `.foreign-${date}-${self.token}`);
}
