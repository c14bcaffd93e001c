// Whatever becomes of a run, nothing of it stays on the host: no process, mount, network namespace or loop device. (It makes
// no cgroup.)
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasCode } from '../../src/host/errors.ts';

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
    const added = () => hostWide().filter((thing) => !before.includes(thing));
    await expect.poll(added, { timeout: 20_000 }).toEqual([]);
    expect(
      everyProcess()
        .flatMap(namespaceOf)
        .filter((space) => network.has(space)),
    ).toEqual([]);
  },
);

/** Its first process, as `npm run test:volumes` is one. */
async function doomed(): Promise<ChildProcess> {
  const [name = '', value = ''] = mark.split('=');
  const env = { ...process.env, [name]: value };
  const program = join(import.meta.dirname, 'support/doomed.ts');
  const run = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'], env });
  expect(String(await once(run.stdout, 'data'))).toContain('up');
  return run;
}

/** What a mount, a namespace with a name or a loop device that is left would show in. */
function hostWide(): string[] {
  const loops = readdirSync('/sys/block').filter((name) => {
    const file = readable(`/sys/block/${name}/loop/backing_file`);
    return file?.includes('/volumes.image') === true;
  });
  return [...(readable('/proc/self/mounts') ?? '').split('\n'), ...loops, ...readdirSync('/run/netns')];
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
