import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { processesOf, rootVariable, signalAll, watchOver } from '../src/processes.ts';
import { temporaryFolder } from './temporary.ts';

/** A shell that starts a grandchild in a session of its own, then says both pids. */
async function startFamily(root: string): Promise<number[]> {
  const script = 'setsid sleep 1000 & echo "$$ $!"; wait';
  const child = spawn('/bin/sh', ['-c', script], {
    env: { PATH: '/usr/bin:/bin', [rootVariable]: root },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  onTestFinished(() => signalAll(root, 'SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return String(line).split(' ').map(Number);
}

const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];

test('a unit’s processes are found wherever they moved to, and only the unit’s', async () => {
  const folder = temporaryFolder();
  const family = await startFamily(join(folder, 'units/a-1/root'));
  await startFamily(join(folder, 'units/a-10/root'));
  expect(processesOf(join(folder, 'units/a-1/root')).sort()).toEqual(family.sort());
});

test('freezing stops all of them, thawing lets all go on', async () => {
  const root = join(temporaryFolder(), 'units/a-0/root');
  const family = await startFamily(root);
  signalAll(root, 'SIGSTOP');
  await expect.poll(() => family.map(stateOf)).toEqual(['T', 'T']);
  signalAll(root, 'SIGCONT');
  await expect.poll(() => family.map(stateOf)).toEqual(['S', 'S']);
});

test('the watcher ends everything and removes the sockets when asked', async () => {
  const folder = temporaryFolder();
  const [units, sockets] = [join(folder, 'units'), join(folder, 'sockets')];
  mkdirSync(sockets);
  const root = join(units, 'a-0/root');
  await startFamily(root);
  const watcher = watchOver(units, sockets);
  expect(processesOf(root)).toHaveLength(2);
  await watcher.end();
  expect(processesOf(root)).toEqual([]);
  expect(existsSync(sockets)).toBe(false);
});

test('the watcher does so by itself when the process that started it is killed', async () => {
  const folder = temporaryFolder();
  const [units, sockets] = [join(folder, 'units'), join(folder, 'sockets')];
  mkdirSync(sockets);
  const root = join(units, 'a-0/root');
  await startFamily(root);
  const module = new URL('../src/processes.ts', import.meta.url).href;
  const program = `const { watchOver } = await import('${module}'); watchOver(process.argv[1], process.argv[2]);
    console.log('watching'); setInterval(() => {}, 1000);`;
  const lab = spawn(process.execPath, ['--input-type=module', '-e', program, units, sockets], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    lab.kill('SIGKILL');
  });
  await once(createInterface({ input: lab.stdout }), 'line');
  lab.kill('SIGKILL');
  await expect.poll(() => processesOf(root), { timeout: 10_000 }).toEqual([]);
  await expect.poll(() => existsSync(sockets)).toBe(false);
});
