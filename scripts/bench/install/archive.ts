// A release archive with the mix of a real one: programs, which compress to half, and nested archives, which do not compress at all.
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';

export interface Archive {
  path: string;
  /** Compressed. */
  sizeBytes: number;
  /** Of all files in it. */
  contentBytes: number;
  sha256: string;
}

/** Sizes of the programs in a real release (8.x, linux-amd64), in MB; of the rest of it, each takes an equal part. */
const programs: Record<string, number> = {
  concourse: 90,
  containerd: 40,
  gdn: 25,
  ctr: 20,
  runc: 14,
  'containerd-shim-runc-v2': 12,
  ...Object.fromEntries(
    'bandwidth bridge dhcp firewall host-local ipvlan loopback macvlan portmap ptp tuning vlan'
      .split(' ')
      .map((name) => [name, 4]),
  ),
};
const nested = [
  ...'bosh-io-release docker-image git github-release hg mock pool registry-image s3 semver time'
    .split(' ')
    .map((type) => `resource-types/${type}/rootfs.tgz`),
  ...['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'].map((on) => `fly-assets/fly-${on}.tgz`),
];

/** `program`: an executable of this machine, whose bytes the programs are made of. `sizeBytes`: about, compressed. */
export async function makeArchive(directory: string, program: string, sizeBytes: number): Promise<Archive> {
  const stage = join(directory, 'stage');
  await mkdir(join(stage, 'concourse/bin'), { recursive: true });
  const source = await open(program);
  // A small archive has small programs.
  const scale = Math.min(1, sizeBytes / 232e6);
  let contentBytes = 0;
  try {
    const { size } = await source.stat();
    for (const [index, [name, mb]] of Object.entries(programs).entries()) {
      const bytes = Buffer.alloc(Math.round(mb * 1e6 * scale));
      // From another place for each, but for the first, which has to begin as a program does.
      let read = 0;
      while (read < bytes.length) {
        const at = (index * 9_999_991 + read) % size;
        const { bytesRead } = await source.read(bytes, read, Math.min(bytes.length - read, size - at), at);
        read += bytesRead;
      }
      await writeFile(join(stage, 'concourse/bin', name), bytes, { mode: 0o755 });
      contentBytes += bytes.length;
    }
  } finally {
    await source.close();
  }
  // Programs compress to a bit less than half.
  const each = Math.max(1, Math.round((sizeBytes - 0.42 * contentBytes) / nested.length));
  for (const name of nested) {
    await mkdir(join(stage, 'concourse', name, '..'), { recursive: true });
    await noise(join(stage, 'concourse', name), each, name);
    contentBytes += each;
  }
  const path = join(directory, 'concourse-8.2.0-linux-amd64.tgz');
  await create({ file: path, cwd: stage, gzip: { level: 6 }, portable: true }, ['concourse']);
  await rm(stage, { recursive: true });
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return { path, sizeBytes: (await stat(path)).size, contentBytes, sha256: hash.digest('hex') };
}

/** Bytes that do not compress, the same in each run. */
async function noise(path: string, bytes: number, seed: string): Promise<void> {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(1 << 20);
  const file = await open(path, 'w', 0o644);
  try {
    for (let left = bytes; left > 0; left -= zeros.length)
      await file.write(cipher.update(zeros.subarray(0, Math.min(left, zeros.length))));
  } finally {
    await file.close();
  }
}
