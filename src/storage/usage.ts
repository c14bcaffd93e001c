// Bytes on disk, and what sharing them saves.
import path from 'node:path';
import type { FileStat, Host } from '../host/host.ts';
import { compareVersions } from '../release/version.ts';
import { isVersion, layoutOf, names } from './layout.ts';

export interface VolumeUsage {
  /** Everything on the volume but workers' own folders. */
  sharedBytes: number;
  /** By version. */
  releases: Record<string, number>;
  /** What the same releases would take if each of the units had its own copy. */
  unsharedBytes: number;
  savedBytes: number;
}

/** Allocated blocks, each hard-linked file counted once; other file systems mounted below are left out. `units`: how many
 * share the volume. */
export async function usageOf(host: Host, units: number): Promise<VolumeUsage> {
  const layout = layoutOf(host.paths.volume);
  const root = await host.files.stat(layout.root);
  if (root === undefined) return { sharedBytes: 0, releases: {}, unsharedBytes: 0, savedBytes: 0 };
  const walk = new Walk(host, root.device);
  const releases: Record<string, number> = {};
  const versions = ((await host.files.list(layout.releases)) ?? []).filter(isVersion).sort(compareVersions);
  for (const version of versions) releases[version] = await walk.bytesOf(layout.release(version));
  let sharedBytes = Object.values(releases).reduce((sum, bytes) => sum + bytes, 0);
  const rest = ((await host.files.list(layout.root)) ?? []).filter(
    (name) => name !== names.worker && name !== names.releases,
  );
  const releasesBytes = sharedBytes;
  for (const name of rest) sharedBytes += await walk.bytesOf(path.join(layout.root, name));
  const savedBytes = releasesBytes * Math.max(units - 1, 0);
  return { sharedBytes, releases, unsharedBytes: sharedBytes + savedBytes, savedBytes };
}

class Walk {
  private readonly counted = new Set<string>();
  private readonly host: Host;
  private readonly device: number;

  constructor(host: Host, device: number) {
    this.host = host;
    this.device = device;
  }

  async bytesOf(file: string): Promise<number> {
    const found = await this.host.files.lstat(file);
    if (found === undefined || found.device !== this.device || this.again(found)) return 0;
    if (found.kind !== 'directory') return found.allocatedBytes;
    let bytes = found.allocatedBytes;
    for (const name of (await this.host.files.list(file)) ?? [])
      bytes += await this.bytesOf(path.join(file, name));
    return bytes;
  }

  private again(found: FileStat): boolean {
    if (found.kind === 'directory' || found.links < 2) return false;
    const inode = `${found.inode}`;
    if (this.counted.has(inode)) return true;
    this.counted.add(inode);
    return false;
  }
}
