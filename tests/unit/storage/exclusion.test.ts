// What the worker's service holds, and what another unit learns from it, with the kernel's own flock.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { holdScript } from '../../../src/concourse/worker-lock.ts';
import { unless } from '../../../src/host/errors.ts';
import type { Host } from '../../../src/host/host.ts';
import { createHost } from '../../../src/host/real/index.ts';
import { lookAtFlock } from '../../../src/storage/exclusion.ts';
import { workerFolder } from '../../../src/storage/worker-folder.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const units = ['concourse-ci/1', 'concourse-ci/2', 'concourse-ci/3', 'concourse-ci/4'];
let host: Host;
const lockOf = (unit: string): string => workerFolder(host, unit).lockPath;

beforeEach(async () => {
  host = createHost({ root: await temporaryDirectory() });
  for (const unit of units) await mkdir(workerFolder(host, unit).path, { recursive: true });
});

/** A worker's main process, and what its service starts beside it. */
async function worker(unit: string): Promise<ChildProcess> {
  const main = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void main.kill('SIGKILL'));
  const env = { PATH: process.env.PATH, MAINPID: String(main.pid) };
  const beside = spawn('/bin/sh', ['-c', holdScript(0.3), lockOf(unit)], { stdio: 'ignore', env });
  expect(await once(beside, 'exit')).toEqual([0, null]);
  return main;
}

/** Whether there is still a process beside that worker. */
async function holds(main: ChildProcess): Promise<boolean> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    processes.map((pid) => unless(readFile(`/proc/${pid}/cmdline`, 'utf8'), 'ENOENT', 'ESRCH')),
  );
  return lines.some((line) => line?.includes(`--pid=${main.pid}\0`));
}

describe('the lock of a worker’s service', () => {
  const had = async (unit: string) => (await lookAtFlock(host, [unit])).kind === 'had';

  it('is held from the start of the worker to its end, and again by the next one', async () => {
    const unit = 'concourse-ci/1';
    expect(await had(unit)).toBe(true);
    const first = await worker(unit);
    await expect.poll(() => had(unit)).toBe(false);
    // The service starts again before the lock of its predecessor is gone.
    first.kill('SIGKILL');
    const second = await worker(unit);
    await expect.poll(() => holds(first), { timeout: 5_000 }).toBe(false);
    await expect.poll(() => had(unit), { timeout: 5_000 }).toBe(false);
    expect(await holds(second)).toBe(true);
    second.kill('SIGKILL');
    await expect.poll(() => had(unit), { timeout: 5_000 }).toBe(true);
  });

  it('comes with signs of life', async () => {
    const unit = 'concourse-ci/1';
    await worker(unit);
    const sign = () => unless(readFile(lockOf(unit), 'utf8'), 'ENOENT');
    await expect.poll(sign).toMatch(/^[0-9]{19}\n$/);
    const first = await sign();
    await expect.poll(sign, { timeout: 5_000 }).not.toBe(first);
  });
});

describe('a look at flock', () => {
  const failing = (code: string): Host => ({
    ...host,
    locks: { tryLock: () => Promise.reject(Object.assign(new Error(code), { code })) },
  });

  it('is over with the first lock that is refused, whatever the others say', async () => {
    for (const unit of units) await writeFile(lockOf(unit), `of ${unit}`);
    const held = await host.locks.tryLock(lockOf('concourse-ci/2'));
    expect(await lookAtFlock(host, units)).toEqual({ kind: 'excludes' });
    await held?.release();
    const signs = Object.fromEntries(units.slice(0, 3).map((unit) => [unit, `of ${unit}`]));
    expect(await lookAtFlock(host, units)).toEqual({ kind: 'had', signs });
  });

  it('finds nothing where no worker holds a lock, and where the volume cannot be asked', async () => {
    expect(await lookAtFlock(host, [])).toEqual({ kind: 'had', signs: {} });
    expect(await lookAtFlock(host, units)).toEqual({ kind: 'had', signs: {} });
    await writeFile(lockOf('concourse-ci/1'), '');
    expect(await lookAtFlock(failing('EROFS'), units)).toEqual({ kind: 'had', signs: {} });
  });

  it('tells a file system without flock', async () => {
    await writeFile(lockOf('concourse-ci/1'), '');
    expect(await lookAtFlock(failing('ENOLCK'), units)).toEqual({ kind: 'missing' });
  });
});
