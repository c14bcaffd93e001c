// A unit's own folder on the volume, the one place there that a worker writes to: with the rest mounted read-only it works.
import path from 'node:path';
import { z } from 'zod';
import type { Host } from '../host/host.ts';
import { parseJson } from './holder.ts';
import { folderOfUnit, layoutOf } from './layout.ts';

/** Where a worker keeps its containers and their volumes. Decided once, since what is in it does not move. */
export const WorkDirectory = z.object({
  place: z.enum(['volume', 'local']),
  /** Absolute: what the worker is started with. */
  path: z.string(),
  /** Why there, for people. */
  reason: z.string(),
});
export type WorkDirectory = z.infer<typeof WorkDirectory>;

/** `state.json`. Keys of later revisions are kept as they are. */
export const WorkerState = z.looseObject({
  workDirectory: WorkDirectory.optional(),
  /** The upgrade for which this unit stands aside, and until when at most (ms since the epoch, by its own clock). */
  standingAside: z
    .object({
      upgradeId: z.int().positive(),
      deadlineMs: z.number(),
      /** Until when it lands; absent when it does not. */
      landUntilMs: z.number().optional(),
    })
    .optional(),
});
export type WorkerState = z.infer<typeof WorkerState>;

export interface WorkerFolder {
  path: string;
  /** Where the work directory appears on the volume: itself, or a link to the local disk. */
  workPath: string;
  ensure(): Promise<void>;
  /** `state` is undefined when there is none yet, or when what is there is malformed: then `problem` says so. */
  readState(): Promise<{ state: WorkerState | undefined; problem?: string }>;
  /** By a file beside it, synced and renamed. */
  writeState(state: WorkerState): Promise<void>;
  /** What `state` says; decided now, made, and written there if it says nothing. Idempotent. */
  ensureWorkDirectory(state: WorkerState): Promise<WorkDirectory>;
}

/** File systems on which overlayfs can have its upper directory (kernel: d_type, trusted xattrs, RENAME_WHITEOUT). */
const overlayCarriers = ['ext4', 'xfs', 'btrfs', 'tmpfs'];
/** Not 0700: the init of an unprivileged container, another user to the kernel, reaches its root file system through it. */
const directoryMode = 0o755;

export function workerFolder(host: Host, unit: string): WorkerFolder {
  const { files } = host;
  const folder = layoutOf(host.paths.volume).workerFolder(unit);
  const statePath = path.join(folder, 'state.json');
  const workPath = path.join(folder, 'work_dir');

  const ensure = () => files.makeDirectory(folder, { mode: directoryMode, recursive: true });
  const writeState = async (state: WorkerState) => {
    await ensure();
    // Hooks of one unit run one at a time, so a fixed name serves, and a crash leaves one file that the next hook replaces.
    const fresh = path.join(folder, '.state.json.new');
    await files.write(fresh, `${JSON.stringify(WorkerState.parse(state))}\n`, { mode: 0o644, sync: true });
    await files.rename(fresh, statePath);
    await files.syncDirectory(folder);
  };
  return {
    path: folder,
    workPath,
    ensure,
    writeState,
    readState: async () => {
      const text = await files.readText(statePath);
      const state = parseJson(WorkerState, text);
      if (state !== undefined || text === undefined) return { state };
      return { state: undefined, problem: `${statePath} is malformed, and counts as absent` };
    },
    ensureWorkDirectory: async (state) => {
      await ensure();
      const decided = state.workDirectory ?? (await decide(host, unit, folder, workPath));
      await files.makeDirectory(decided.path, { mode: directoryMode, recursive: true });
      if (decided.place === 'local' && (await files.lstat(workPath)) === undefined) {
        await files.symbolicLink(decided.path, workPath);
      }
      if (state.workDirectory === undefined) await writeState({ ...state, workDirectory: decided });
      return decided;
    },
  };
}

async function decide(host: Host, unit: string, folder: string, workPath: string): Promise<WorkDirectory> {
  const { type } = await host.files.space(folder);
  if (overlayCarriers.includes(type)) {
    return {
      place: 'volume',
      path: workPath,
      reason: `the volume is ${type}, which carries container file systems`,
    };
  }
  return {
    place: 'local',
    path: path.join(host.paths.localWork, folderOfUnit(unit)),
    reason: `the volume is ${type}, which cannot carry container file systems (overlayfs): they are on this machine’s disk`,
  };
}
