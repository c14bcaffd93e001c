// Whatever becomes of a run, nothing of it stays on the host: no process, mount, network namespace, cgroup or loop device.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasCode } from '../../src/host/errors.ts';
import { inOwnNamespaces } from './support/own-namespaces.ts';

const mark = `VOLUMES_RUN=${randomBytes(6).toString('hex')}`;

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a run that ends by %s leaves nothing',
  async (signal) => {
    const before = hostWide();
    const run = await doomed();
    const processes = ours();
    expect(processes.length).toBeGreaterThan(8);
    const network = new Set(processes.flatMap((pid) => namespaceOf(pid)));
    expect(network.size).toBeGreaterThan(0);
    run.kill(signal);
    await expect.poll(ours, { timeout: 20_000 }).toEqual([]);
    await expect.poll(hostWide, { timeout: 20_000 }).toEqual(before);
    expect(
      everyProcess()
        .flatMap(namespaceOf)
        .filter((space) => network.has(space)),
    ).toEqual([]);
  },
);

/** Its first process: the one that `npm run test:volumes` starts. */
async function doomed(): Promise<ChildProcess> {
  const [program, args] = inOwnNamespaces([process.execPath, join(import.meta.dirname, 'support/doomed.ts')]);
  const [name = '', value = ''] = mark.split('=');
  const env = { ...process.env, [name]: value };
  const run = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  expect(String(await once(run.stdout, 'data'))).toContain('up');
  return run;
}

/** What a mount or a cgroup that is left would show in; loop devices, by the files behind them. */
function hostWide(): { mounts: string[]; cgroups: string[]; loops: string[]; named: string[] } {
  const lines = (path: string): string[] => (readable(path) ?? '').split('\n').filter(Boolean);
  const mounts = lines('/proc/self/mounts');
  const groups = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  return {
    mounts,
    cgroups:
      groups === undefined
        ? []
        : readdirSync(groups).filter((name) => existsSync(join(groups, name, 'cgroup.procs'))),
    loops: readdirSync('/sys/block').filter(
      (name) => readable(`/sys/block/${name}/loop/backing_file`) !== undefined,
    ),
    named: readdirSync('/run/netns'),
  };
}

const everyProcess = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function ours(): string[] {
  return everyProcess().filter((pid) => readable(`/proc/${pid}/environ`)?.includes(mark) === true);
}

function namespaceOf(pid: string): string[] {
  try {
    const space = readlinkSync(`/proc/${pid}/ns/net`);
    return space === readlinkSync('/proc/self/ns/net') ? [] : [space];
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return [];
    throw error;
  }
}

/** Undefined when it is not there, or not any more. */
function readable(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined;
    throw error;
  }
}
