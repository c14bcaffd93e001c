// What the options give to tasks beyond what Concourse does, and whether this machine has it. Nothing is read where none is set.
import path from 'node:path';
import { type ContainerEdits, noEdits } from '../concourse/container-edits.ts';
import type { Settings, Status } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';

export async function viewContainerEdits(
  session: Session,
  { workerRuntime, folderMounts }: Settings,
): Promise<{ edits: ContainerEdits } | { missing: Status }> {
  // Without containers a build sees the machine as it is.
  if (workerRuntime !== 'containerd' || folderMounts.length === 0) return { edits: noEdits };
  return viewFolders(session, folderMounts);
}

/** The same that is looked at again as each container is made: what is not there, or leads elsewhere, is not left out. */
async function viewFolders(
  { hook, host }: Session,
  wanted: Settings['folderMounts'],
): Promise<{ edits: ContainerEdits } | { missing: Status }> {
  const base = path.join(host.paths.root, 'srv');
  const folders = wanted.map(({ name, writable }) => ({ path: path.join(base, name), writable }));
  for (const place of [base, ...folders.map((folder) => folder.path)]) {
    const kind = (await host.files.lstat(place))?.kind;
    if (kind === undefined) return { missing: statuses.folderMissing(hook.unit, place) };
    if (kind !== 'directory')
      return { missing: statuses.folderUnfit(hook.application, hook.unit, place, kind === 'link') };
  }
  return { edits: { ...noEdits, folders } };
}
