// A unit's own things: its folder on the volume, its memory on its own disk, and what is used in all.
import { link, lstat, mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { openMemory } from '../../../src/storage/memory.ts';
import { usageOf } from '../../../src/storage/usage.ts';
import {
  misplaced,
  type WorkerFolder,
  type WorkerState,
  workerFolder,
  type WorkWishes,
} from '../../../src/storage/worker-folder.ts';
import { FakeMachine } from '../../support/fake-host.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const unit = 'concourse-ci/1';
let machine: FakeMachine;

beforeEach(async () => {
  machine = new FakeMachine({ directory: await temporaryDirectory(), clock: new VirtualClock() });
});

async function made(folder: WorkerFolder, state: WorkerState, wishes?: WorkWishes) {
  const decided = await folder.ensureWorkDirectory(state, wishes);
  if ('problem' in decided) throw new Error(decided.problem);
  return decided;
}

it('state is written by rename and read back; keys of a later revision stay', async () => {
  const folder = workerFolder(machine.process().host, unit);
  expect(await folder.readState()).toEqual({ state: undefined });
  const state = { standingAside: { upgradeId: 3, deadlineMs: 1000 }, later: { kept: true } };
  await folder.writeState(state);
  expect(await folder.readState()).toEqual({ state });
  expect(await readdir(folder.path)).toEqual(['state.json']);
});

it('state is never written in place, where a power cut would tear it', async () => {
  const process = machine.process();
  await workerFolder(process.host, unit).writeState({});
  const written = process.log.filter((effect) => effect.startsWith('files.write '));
  expect(written.map((effect) => path.basename(effect.split(' ')[1] ?? ''))).toEqual(['.state.json.new']);
});

it('malformed state counts as absent, and is named', async () => {
  const folder = workerFolder(machine.process().host, unit);
  await folder.ensure();
  for (const text of ['', '{', '[]', '{"standingAside":{"upgradeId":-1}}']) {
    await writeFile(path.join(folder.path, 'state.json'), text);
    expect(await folder.readState()).toEqual({
      state: undefined,
      problem: expect.stringContaining('state.json is malformed'),
    });
  }
});

it('a death while state is written leaves the old or the new one', async () => {
  const folder = workerFolder(machine.process().host, unit);
  await folder.writeState({ standingAside: { upgradeId: 1, deadlineMs: 1 } });
  for (const n of [1, 2, 3, 4]) {
    const dying = machine.process().crashBefore(n);
    await workerFolder(dying.host, unit)
      .writeState({ standingAside: { upgradeId: 2, deadlineMs: 2 } })
      .catch((error: unknown) => expect(error).toHaveProperty('name', 'Crash'));
    expect([1, 2]).toContain((await folder.readState()).state?.standingAside?.upgradeId);
  }
});

it('work directories are on the volume where overlayfs works there, else on the local disk, decided once', async () => {
  const folder = workerFolder(machine.process().host, unit);
  const onVolume = await made(folder, {});
  expect(onVolume).toMatchObject({ place: 'volume', path: path.join(folder.path, 'work_dir') });
  expect((await lstat(onVolume.path)).isDirectory()).toBe(true);
  machine.space = { type: 'nfs' };
  const { state } = await folder.readState();
  expect(await made(folder, state ?? {})).toEqual(onVolume);

  const other = workerFolder(machine.process().host, 'concourse-ci/2');
  const local = await made(other, { standingAside: { upgradeId: 1, deadlineMs: 5 } });
  expect(local).toMatchObject({ place: 'local', path: path.join(machine.paths.localWork, 'concourse-ci-2') });
  expect(local.reason).toContain('nfs');
  expect(await readlink(other.workPath)).toBe(local.path);
  expect((await stat(other.workPath)).isDirectory()).toBe(true);
  expect((await other.readState()).state).toEqual({
    standingAside: { upgradeId: 1, deadlineMs: 5 },
    workDirectory: local,
  });
});

it('a worker writes nothing outside its own folder', async () => {
  const process = machine.process();
  const folder = workerFolder(process.host, unit);
  await made(folder, {});
  for (const effect of process.log) {
    for (const named of effect.split(' ').filter((word) => word.startsWith(machine.paths.volume))) {
      expect(named.startsWith(folder.path)).toBe(true);
    }
  }
});

it('memory is private to root, survives a malformed file, and can be forgotten', async () => {
  const schema = z.object({ volumeId: z.string() });
  const memory = openMemory(machine.process().host, unit, schema);
  expect(await memory.read()).toEqual({ value: undefined });
  await memory.replace({ volumeId: 'x' });
  expect(await memory.read()).toEqual({ value: { volumeId: 'x' } });
  const file = path.join(machine.paths.memory, 'concourse-ci-1.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(machine.paths.memory)).mode & 0o777).toBe(0o700);
  await writeFile(file, 'x');
  expect(await memory.read()).toEqual({ value: undefined, problem: expect.stringContaining('malformed') });
  await memory.forget();
  expect(await readdir(machine.paths.memory)).toEqual([]);
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});

it('disk use counts blocks, a hard-linked file once, and what further copies would take', async () => {
  const release = path.join(machine.paths.volume, 'releases/8.2.0');
  await mkdir(path.join(release, 'bin'), { recursive: true });
  await writeFile(path.join(release, 'bin/concourse'), Buffer.alloc(1_000_000, 1));
  await link(path.join(release, 'bin/concourse'), path.join(release, 'bin/gdn'));
  await mkdir(path.join(machine.paths.volume, 'worker/concourse-ci-0'), { recursive: true });
  await writeFile(path.join(machine.paths.volume, 'worker/concourse-ci-0/big'), Buffer.alloc(500_000, 1));
  const usage = await usageOf(machine.process().host, 3);
  const bytes = usage.releases['8.2.0'] ?? 0;
  expect(bytes).toBeGreaterThanOrEqual(1_000_000);
  expect(bytes).toBeLessThan(1_100_000);
  expect(usage).toEqual({
    sharedBytes: bytes,
    releases: { '8.2.0': bytes },
    savedBytes: 2 * bytes,
    unsharedBytes: 3 * bytes,
  });
});

it('a disk of its own carries the work directory, whatever the volume could; the link on the volume follows it', async () => {
  const { host } = machine.process();
  const folder = workerFolder(host, unit);
  const onVolume = await made(folder, {});
  await writeFile(path.join(onVolume.path, 'of-a-build'), '');
  const scratch = path.join(path.dirname(machine.paths.localWork), 'scratch');
  await mkdir(scratch);
  expect(misplaced(unit, onVolume, undefined)).toBe(false);
  expect(misplaced(unit, onVolume, scratch)).toBe(true);

  await folder.abandonWorkDirectory((await folder.readState()).state ?? {});
  expect(await folder.readState()).toEqual({ state: {} });
  expect(await readdir(folder.path)).toEqual(['state.json']);
  const moved = await made(folder, {}, { scratch });
  expect(moved).toMatchObject({ place: 'scratch', path: path.join(scratch, 'concourse-ci-1') });
  expect(await readlink(folder.workPath)).toBe(moved.path);
  expect(misplaced(unit, moved, scratch)).toBe(false);
  expect(misplaced(unit, moved, undefined)).toBe(true);
  expect(misplaced(unit, moved, '/another/disk')).toBe(true);
});

it('a death while the work directory is abandoned leaves nothing that the next one takes for its own', async () => {
  const scratch = path.join(path.dirname(machine.paths.localWork), 'scratch');
  await mkdir(scratch);
  for (const n of [1, 2, 3, 4, 5, 6]) {
    const folder = workerFolder(machine.process().host, unit);
    await made(folder, {});
    const state = (await folder.readState()).state ?? {};
    const dying = workerFolder(machine.process().crashBefore(n).host, unit);
    await dying
      .abandonWorkDirectory(state)
      .then(() => made(dying, {}, { scratch }))
      .catch((error: unknown) => expect(error).toHaveProperty('name', 'Crash'));
    const { workDirectory: _, ...rest } = (await folder.readState()).state ?? {};
    const moved = await made(folder, rest, { scratch });
    expect(await readlink(folder.workPath)).toBe(moved.path);
    await folder.abandonWorkDirectory({ ...rest, workDirectory: moved });
  }
});
