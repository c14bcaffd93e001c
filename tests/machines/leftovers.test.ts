// Whatever becomes of a run, nothing of it stays on the host: no process, mount, network namespace, cgroup or folder.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearDead } from 'juju-lab';
import { expect, inject, test } from 'vitest';
import { concourseSite, until } from './support/concourse-site.ts';

test('a run that is killed with SIGKILL is cleared away by its watcher', async () => {
  const { id, pid } = await doomed();
  expect(leftOf(id).length).toBeGreaterThan(4);
  process.kill(pid, 'SIGKILL');
  await until(() => leftOf(id).length === 0, 60_000, leftOf(id).join(', '));
});

test('a run that is killed together with its watcher is cleared away by the next run, which lives on', async () => {
  const { id, pid } = await doomed();
  const watchers = spawnSync('pgrep', ['-f', `watcher.sh /var/tmp/juju-lab/${id}`], {
    encoding: 'utf8',
  }).stdout;
  expect(watchers).not.toBe('');
  for (const watcher of watchers.split('\n').filter(Boolean)) process.kill(Number(watcher), 'SIGKILL');
  // Its cat holds the lock as well, as a child of the watcher would.
  process.kill(pid, 'SIGKILL');
  const { site, machine, deploy } = await concourseSite(['8.1.0']);
  await deploy(1);
  await until(
    () => {
      clearDead();
      return leftOf(id).length === 0;
    },
    60_000,
    leftOf(id).join(', '),
  );
  expect(leftOf(site.id).length).toBeGreaterThan(3);
  expect((await machine('concourse-ci/0').sh('systemctl is-system-running')).trim()).toBe('running');
});

async function doomed(): Promise<{ id: string; pid: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'support/doomed.ts'), inject('charm')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await once(child.stdout, 'data');
  return { id: String(printed).trim(), pid: child.pid ?? 0 };
}

/** Everything on this host that carries the id. */
function leftOf(id: string): string[] {
  const lines = (text: string): string[] => text.split('\n').filter((line) => line.includes(id));
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter(
      (name) =>
        readable(`/proc/${name}/cmdline`).includes(id) || readable(`/proc/${name}/cgroup`).includes(id),
    );
  const groups = lines(readFileSync('/proc/self/mounts', 'utf8')).map((line) => line.split(' ')[1] ?? '');
  const cgroup2 =
    readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .find((words) => words[2] === 'cgroup2')?.[1] ?? '';
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...groups.map((place) => `mount ${place}`),
    ...readdirSync('/run/netns')
      .filter((name) => name.startsWith(id))
      .map((name) => `namespace ${name}`),
    ...readdirSync(cgroup2)
      .filter((name) => name.startsWith(id))
      .map((name) => `cgroup ${name}`),
    ...(existsSync(`/var/tmp/juju-lab/${id}`) ? ['folder'] : []),
  ];
}

function readable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}
