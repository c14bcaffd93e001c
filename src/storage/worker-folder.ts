// A unit's own folder on the volume, the one place there that a worker writes to: with the rest mounted read-only it works.
import path from 'node:path';
import { z } from 'zod';
import { carriesOverlay, chooseDriver, type VolumeDriver } from '../concourse/volume-driver.ts';
import type { Host } from '../host/host.ts';
import { driverGrounds } from './driver-grounds.ts';
import { parseJson } from '../json.ts';
import { folderOfUnit, layoutOf, names } from './layout.ts';

/** Where a worker keeps its containers and their volumes. Decided once, since what is in it does not move. */
export const WorkDirectory = z.object({
  /** `scratch`: on the disk that Juju's storage worker-scratch is. */
  place: z.enum(['volume', 'local', 'scratch']),
  /** Absolute: what the worker is started with. */
  path: z.string(),
  /** Why there, for people. */
  reason: z.string(),
  /** How it keeps the volumes of builds; and why so, for people. One that was made by an earlier revision has Concourse's own
   * choice, which is overlay on every kernel since 4.0. */
  driver: z.enum(['overlay', 'btrfs', 'naive']).optional(),
  driverReason: z.string().optional(),
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
  /** Locked by the worker's service while it runs. */
  lockPath: string;
  ensure(): Promise<void>;
  /** `state` is undefined when there is none yet, or when what is there is malformed: then `problem` says so. */
  readState(): Promise<{ state: WorkerState | undefined; problem?: string }>;
  /** By a file beside it, synced and renamed. */
  writeState(state: WorkerState): Promise<void>;
  /** What `state` says; decided now, made, and written there if it says nothing. Idempotent. */
  ensureWorkDirectory(state: WorkerState, wishes?: WorkWishes): Promise<WorkDirectory | { problem: string }>;
  /** Where it would be now, and how: what can be wrong with that is known before anything is given up for it. */
  decideWorkDirectory(wishes: WorkWishes): Promise<WorkDirectory | { problem: string }>;
  /** Nothing of the work directory that `state` names is left, but what is on a disk of its own that is not `scratch`. */
  abandonWorkDirectory(state: WorkerState, scratch?: string): Promise<void>;
}

export interface WorkWishes {
  /** Where a disk for it is mounted. */
  scratch?: string | undefined;
  /** The option volume-driver. */
  driver?: 'auto' | VolumeDriver;
}

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
    lockPath: path.join(folder, names.held),
    ensure,
    writeState,
    readState: async () => {
      const text = await files.readText(statePath);
      const state = parseJson(WorkerState, text);
      if (state !== undefined || text === undefined) return { state };
      return { state: undefined, problem: `${statePath} is malformed, and counts as absent` };
    },
    decideWorkDirectory: async (wishes) => {
      await ensure();
      return decide(host, unit, { folder, workPath, ...wishes });
    },
    ensureWorkDirectory: async (state, wishes = {}) => {
      await ensure();
      const decided = state.workDirectory ?? (await decide(host, unit, { folder, workPath, ...wishes }));
      if ('problem' in decided) return decided;
      await files.makeDirectory(decided.path, { mode: directoryMode, recursive: true });
      if (decided.place !== 'volume' && (await files.readLink(workPath)) !== decided.path) {
        await files.remove(workPath);
        await files.symbolicLink(decided.path, workPath);
      }
      if (state.workDirectory === undefined) await writeState({ ...state, workDirectory: decided });
      return decided;
    },
    abandonWorkDirectory: async ({ workDirectory: _gone, ...state }, scratch) => {
      // First: whatever of it is removed, nobody takes it for a whole one any more.
      await writeState(state);
      const stays = scratch !== undefined && _gone?.path === path.join(scratch, folderOfUnit(unit));
      if (_gone !== undefined && (_gone.place === 'local' || stays)) await files.remove(_gone.path);
      await files.remove(workPath);
    },
  };
}

/** Whether the worker must begin anew elsewhere: Juju's storage worker-scratch has come or gone since it was decided. */
export function misplaced(unit: string, decided: WorkDirectory, scratch: string | undefined): boolean {
  if (scratch === undefined) return decided.place === 'scratch';
  return decided.path !== path.join(scratch, folderOfUnit(unit));
}

/** What one driver has written, another does not find: overlay's layers lie beside the volumes, btrfs's are subvolumes. */
export function keptOtherwise(decided: WorkDirectory, wanted: 'auto' | VolumeDriver): boolean {
  return wanted !== 'auto' && wanted !== (decided.driver ?? 'overlay');
}

async function decide(
  host: Host,
  unit: string,
  at: { folder: string; workPath: string } & WorkWishes,
): Promise<WorkDirectory | { problem: string }> {
  const { driver: wanted = 'auto' } = at;
  const { on, ...where } = await decidePlace(host, unit, at);
  const choice = chooseDriver(wanted, await driverGrounds(host, on, wanted));
  if ('problem' in choice) return choice;
  return { ...where, driver: choice.driver, driverReason: choice.reason };
}

async function decidePlace(
  host: Host,
  unit: string,
  at: { folder: string; workPath: string } & WorkWishes,
): Promise<WorkDirectory & { on: string }> {
  const { folder, workPath, scratch } = at;
  if (scratch !== undefined) {
    const place = path.join(scratch, folderOfUnit(unit));
    const { type } = await host.files.space(scratch);
    return {
      place: 'scratch',
      path: place,
      reason: `the storage worker-scratch is attached (${type})`,
      on: type,
    };
  }
  const { type } = await host.files.space(folder);
  if (carriesOverlay(type)) {
    return {
      place: 'volume',
      path: workPath,
      reason: `the volume is ${type}, which carries container file systems`,
      on: type,
    };
  }
  const { localWork } = host.paths;
  await host.files.makeDirectory(localWork, { mode: directoryMode, recursive: true });
  return {
    place: 'local',
    path: path.join(localWork, folderOfUnit(unit)),
    reason: `the volume is ${type}, which cannot carry container file systems (overlayfs): they are on this machine’s disk`,
    on: (await host.files.space(localWork)).type,
  };
}
