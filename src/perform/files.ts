// Files of this machine that services read: replaced by rename, never written in place, with exact mode and group.
import path from 'node:path';
import type { ServiceFile, ServicePlan } from '../concourse/service.ts';
import type { Files, Host } from '../host/host.ts';

/** Does nothing when the file already says so. */
export async function replaceFile(
  files: Files,
  file: Omit<ServiceFile, 'group'> & { gid?: number | undefined },
): Promise<void> {
  const [present, stat] = await Promise.all([files.readText(file.path), files.lstat(file.path)]);
  const sameGroup = file.gid === undefined || stat?.gid === file.gid;
  if (present === file.content && stat?.kind === 'file' && stat.mode === file.mode && sameGroup) return;
  const fresh = path.join(path.dirname(file.path), `.${path.basename(file.path)}.new`);
  await files.remove(fresh);
  await files.write(fresh, file.content, { mode: file.mode, sync: true });
  if (file.gid !== undefined) await files.changeOwner(fresh, 0, file.gid);
  await files.rename(fresh, file.path);
}

/** The plan's files in the order in which they are written, after the unit file: the environment file, which carries the
 * marks of what runs, is the last. Whatever starts the service half-way, no half of a plan passes for the whole. */
export const marksLast = ({ files }: ServicePlan): ServiceFile[] => files.toReversed();

/** `/etc/concourse`: others may pass through it, to what they may read, and see nothing else. */
export async function makeEtc(host: Host): Promise<void> {
  if ((await host.files.lstat(host.paths.etc)) === undefined) {
    await host.files.makeDirectory(host.paths.etc, { mode: 0o711, recursive: true });
  }
}

/** What is mounted below a directory: to remove it would lead into what is not ours, such as a layer that a container sees. */
export async function mountedBelow({ files }: Host, directory: string): Promise<string | undefined> {
  return (await files.mounts()).find(({ mountPoint }) => mountPoint.startsWith(`${directory}/`))?.mountPoint;
}

/** The numeric id of a group, from /etc/group. */
export async function groupId(host: Host, name: string): Promise<number | undefined> {
  const text = (await host.files.readText(path.join(host.paths.root, 'etc/group'))) ?? '';
  const line = text.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const id = Number(line?.split(':')[2]);
  return Number.isInteger(id) ? id : undefined;
}
