// What the options give to tasks beyond what Concourse does, and whether this machine has it. Nothing is read where none is set.
import path from 'node:path';
import { type ContainerEdits, noEdits } from '../concourse/container-edits.ts';
import type { Gpus } from '../concourse/gpu-ids.ts';
import type { Settings, Status } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';

/** What was found out of GPUs; gone after a reboot. */
export const gpuNotePath = (run: string, unit: string): string =>
  path.join(run, 'concourse-ci', `${unit.replace('/', '-')}.gpu.json`);

export type GivenToTasks = { edits: ContainerEdits; gpus: Gpus | undefined } | { missing: Status };

export async function viewContainerEdits(session: Session, settings: Settings): Promise<GivenToTasks> {
  const nothing = { edits: noEdits, gpus: undefined };
  // Without containers a build sees the machine as it is.
  if (settings.workerRuntime !== 'containerd') return nothing;
  const folders = await viewFolders(session, settings.folderMounts);
  if ('missing' in folders || settings.computeRuntime === 'none') return folders;
  const { viewGpus } = await import('./gpu-view.ts');
  const found = await viewGpus(session, settings);
  if (found === undefined || 'missing' in found) return found ?? nothing;
  return { edits: { ...found.edits, folders: folders.edits.folders }, gpus: found.gpus };
}

/** The same that is looked at again as each container is made: what is not there, or leads elsewhere, is not left out. */
async function viewFolders({ hook, host }: Session, wanted: Settings['folderMounts']): Promise<GivenToTasks> {
  if (wanted.length === 0) return { edits: noEdits, gpus: undefined };
  const base = path.join(host.paths.root, 'srv');
  const folders = wanted.map(({ name, writable }) => ({ path: path.join(base, name), writable }));
  for (const place of [base, ...folders.map((folder) => folder.path)]) {
    const kind = (await host.files.lstat(place))?.kind;
    if (kind === undefined) return { missing: statuses.folderMissing(hook.unit, place) };
    if (kind !== 'directory')
      return { missing: statuses.folderUnfit(hook.application, hook.unit, place, kind === 'link') };
  }
  return { edits: { ...noEdits, folders }, gpus: undefined };
}
