// The lock and the identity among real processes, with the kernel's own flock.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { createHost } from '../../../src/host/real/index.ts';
import { LockBusy } from '../../../src/storage/failures.ts';
import { withInstallLock } from '../../../src/storage/lock.ts';
import { breakStaleLock, examineLock } from '../../../src/storage/unlock.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

interface Running {
  child: ChildProcess;
  lines: AsyncIterator<string>;
}

function start(program: string, ...args: string[]): Running {
  const file = path.join(import.meta.dirname, 'programs', program);
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function line(running: Running): Promise<string> {
  const { value, done } = await running.lines.next();
  if (done) throw new Error('the process ended without a word');
  return value;
}

async function kill(running: Running): Promise<void> {
  const exit = once(running.child, 'exit');
  running.child.kill('SIGKILL');
  await exit;
}

async function machine(): Promise<string> {
  const root = await temporaryDirectory();
  await mkdir(path.join(root, 'var/lib/concourse'), { recursive: true });
  return root;
}

it('six processes raise a number under the lock, and no one’s turn is lost', async () => {
  const root = await machine();
  const count = path.join(root, 'var/lib/concourse/count');
  await writeFile(count, '0');
  const contenders = Array.from({ length: 6 }, (_, n) =>
    start('hold-lock.ts', root, `concourse-ci/${n}`, '30000', 'count'),
  );
  const turns: string[] = [];
  for (const contender of contenders) {
    expect(await line(contender)).toBe('held');
    turns.push(await line(contender));
  }
  expect(turns.sort()).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(await readFile(count, 'utf8')).toBe('6');
});

it('a killed holder frees the lock: the next unit of that machine takes it at once and sweeps', async () => {
  const root = await machine();
  const host = createHost({ root });
  const holder = start('hold-lock.ts', root, 'concourse-ci/0', '0', 'wait');
  expect(await line(holder)).toBe('held');
  const refused = withInstallLock(
    host,
    { unit: 'concourse-ci/1', purpose: 'a test', waitMs: 300 },
    async () => {},
  );
  await expect(refused).rejects.toThrow(/held by concourse-ci\/0 \(pid \d+ on .+\) since .+: a test: wait/);
  expect(await examineLock(host, 'concourse-ci/1')).toMatchObject({
    state: 'held',
    holder: { unit: 'concourse-ci/0' },
  });
  await expect(breakStaleLock(host, 'concourse-ci/1')).rejects.toThrow(LockBusy);
  await kill(holder);
  const staging = path.join(host.paths.volume, '.staging');
  expect(await readdir(staging)).toHaveLength(2);
  await withInstallLock(host, { unit: 'concourse-ci/1', purpose: 'a test', waitMs: 0 }, async () => {
    expect(await readdir(staging)).toHaveLength(1);
  });
});

it('a lock whose holder was killed is stale, and is cleared on demand', async () => {
  const root = await machine();
  const host = createHost({ root });
  const holder = start('hold-lock.ts', root, 'concourse-ci/0', '0', 'wait');
  expect(await line(holder)).toBe('held');
  await kill(holder);
  const found = await breakStaleLock(host, 'concourse-ci/1');
  expect(found).toMatchObject({ state: 'stale', holder: { unit: 'concourse-ci/0' } });
  expect(found.evidence).toMatch(/nobody has it locked, and concourse-ci\/0 .* has ended/);
  expect(await examineLock(host, 'concourse-ci/1')).toMatchObject({ state: 'free' });
  expect(await readdir(path.join(host.paths.volume, '.staging'))).toEqual([]);
});

it('of processes that claim an identity together, one wins, and all read the same', async () => {
  for (let round = 0; round < 3; round += 1) {
    const root = await machine();
    const uuids = Array.from({ length: 5 }, () => randomUUID());
    const claims = uuids.map((uuid) => start('claim-identity.ts', root, uuid));
    const read = new Set(await Promise.all(claims.map(line)));
    expect(read.size).toBe(1);
    expect(uuids).toContain([...read][0]);
    await Promise.all(claims.map(({ child }) => child.exitCode ?? once(child, 'exit')));
    expect(await readdir(path.join(root, 'var/lib/concourse'))).toEqual(['.volume-id']);
  }
});
