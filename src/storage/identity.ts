// The volume's identity: made once, by whoever is first, and never replaced by the charm itself.
import path from 'node:path';
import { z } from 'zod';
import { hasCode } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { VolumeFailure, volumeCodes } from './failures.ts';
import { parseJson } from '../json.ts';
import type { Layout } from './layout.ts';

export const VolumeIdentity = z.object({ uuid: z.uuid(), modelUuid: z.string(), application: z.string() });
export type VolumeIdentity = z.infer<typeof VolumeIdentity>;

const mode = 0o644;
/** An NFS client may go on denying a name for 30 s that it has once looked up in vain. */
const hiddenMs = 35_000;
const lookMs = 1_000;
/** A name made before its content (no hard links here) is filled within this time, or its maker died. */
const emptyMs = 5_000;

/** Makes `.volume-id` unless there is one; the identity that stands. Two units that race both get the winner's. Throws
 * `VolumeFailure` when the volume cannot be written, and an error when the file there is not one of ours. */
export async function claimIdentity(
  host: Host,
  layout: Layout,
  wanted: VolumeIdentity,
): Promise<VolumeIdentity> {
  const { files } = host;
  const text = `${JSON.stringify(VolumeIdentity.parse(wanted))}\n`;
  const standing = await read(host, layout);
  if (standing !== undefined && standing !== 'empty') return standing;
  const own = path.join(layout.root, `.volume-id.${host.random.bytes(6).toString('hex')}`);
  try {
    await files.write(own, text, { mode, sync: true, exclusive: true });
    await linkOrCreate(host, own, layout.identity, text);
    await files.syncDirectory(layout.root);
  } catch (error) {
    if (hasCode(error, ...volumeCodes)) {
      throw new VolumeFailure(`cannot write ${layout.identity}`, error.code ?? '', { cause: error });
    }
    throw error;
  } finally {
    await files.remove(own);
  }
  return await readStanding(host, layout, text);
}

/** The name appears with its content or not at all; where the file system has no hard links (sshfs), with O_EXCL. */
async function linkOrCreate(host: Host, own: string, identity: string, text: string): Promise<void> {
  try {
    await host.files.link(own, identity);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
    try {
      await host.files.write(identity, text, { mode, sync: true, exclusive: true });
    } catch (second) {
      if (!hasCode(second, 'EEXIST')) throw second;
    }
  }
}

async function readStanding(host: Host, layout: Layout, text: string): Promise<VolumeIdentity> {
  const start = host.clock.monotonic();
  const waited = () => host.clock.monotonic() - start;
  for (;;) {
    const standing = await read(host, layout);
    if (standing === 'empty' && waited() > emptyMs) {
      const own = path.join(layout.root, `.volume-id.${host.random.bytes(6).toString('hex')}`);
      await host.files.write(own, text, { mode, sync: true, exclusive: true });
      await host.files.rename(own, layout.identity);
    } else if (standing !== undefined && standing !== 'empty') {
      return standing;
    }
    if (waited() > hiddenMs) throw new Error(`${layout.identity} exists, yet cannot be read back`);
    await host.clock.wait(lookMs);
  }
}

async function read(host: Host, layout: Layout): Promise<VolumeIdentity | 'empty' | undefined> {
  const text = await host.files.readText(layout.identity);
  if (text === undefined) return undefined;
  if (text === '') return 'empty';
  const identity = parseJson(VolumeIdentity, text);
  if (identity === undefined) {
    throw new Error(
      `${layout.identity} is not an identity that this charm wrote: look whose volume it is, and remove that file if it is yours`,
    );
  }
  return identity;
}
