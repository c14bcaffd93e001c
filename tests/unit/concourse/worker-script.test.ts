import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { workerServiceScript } from '../../../src/concourse/worker-script.ts';

let directory: string;
let work: string;
let script: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'worker-script-'));
  work = join(directory, "it's a work dir");
  script = join(directory, 'worker-service.sh');
  mkdirSync(work);
  writeFileSync(script, workerServiceScript(work));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A program that takes SIGUSR1 for the end, as a worker does that has landed. */
async function fakeWorker() {
  const child = spawn('/bin/sh', ['-c', 'trap "exit 0" USR1; echo up; while :; do sleep 0.05; done'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  return { pid: String(child.pid), child };
}

/** `stop`, on a machine whose systemd says that it is in `state`. */
async function stop(state: string, mainPid: string): Promise<number> {
  writeFileSync(join(directory, 'systemctl'), `#!/bin/sh\necho ${state}\n`, { mode: 0o755 });
  const env = { PATH: `${directory}:/usr/bin:/bin`, MAINPID: mainPid };
  const [code] = await once(spawn('/bin/sh', [script, 'stop'], { env }), 'exit');
  return Number(code);
}

describe('when the service is stopped', () => {
  test('the worker lands if the machine goes down', async () => {
    const { pid, child } = await fakeWorker();
    const ended = once(child, 'exit');
    expect(await stop('stopping', pid)).toBe(0);
    expect(await ended).toEqual([0, null]);
  });

  test.each(['running', 'degraded', 'offline'])(
    'the worker is left alone while the machine is %s',
    async (state) => {
      const { pid, child } = await fakeWorker();
      const ended = once(child, 'exit');
      expect(await stop(state, pid)).toBe(0);
      child.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
    },
  );

  test('one that has ended by itself is no failure', async () => {
    expect(await stop('stopping', '')).toBe(0);
  });
});

describe('when the worker is gone for good', () => {
  /** A shim as a worker starts it, with a task below it and one below that; what they are called by is in the output. */
  async function shim(workDirectory: string, namespace = 'concourse') {
    const program = join(directory, 'containerd-shim-runc-v2');
    writeFileSync(program, 'sh -c "sleep 300 & echo \\$!; wait" &\necho $!\nwait\n');
    const child = spawn('/bin/sh', [program, '-namespace', namespace, '-id', 'build'], {
      env: { PATH: '/usr/bin:/bin', CONCOURSE_WORK_DIR: workDirectory },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: child.stdout });
    const said: string[] = [];
    for await (const line of lines) if (said.push(line) === 2) break;
    return { child, pids: [String(child.pid), ...said] };
  }
  /** One that has ended and that nobody has asked about is a zombie. */
  const living = (pids: readonly string[]) =>
    pids.filter((pid) => existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(statusOf(pid)));
  const statusOf = (pid: string) => readFileSync(`/proc/${pid}/status`, 'utf8');
  const removed = () =>
    spawnSync('/bin/sh', [script, 'removed'], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });

  test('its shims and all that runs under them end, and the shims of others do not', async () => {
    const ours = await shim(work);
    const others = [await shim(`${work} 2`), await shim(work, 'moby')];
    try {
      const ended = once(ours.child, 'exit');
      expect(removed().status).toBe(0);
      await ended;
      expect(living(ours.pids)).toEqual([]);
      for (const { pids } of others) expect(living(pids)).toEqual(pids);
    } finally {
      for (const { pids } of others) for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    }
  });

  test('where it left none, there is nothing to do', () => {
    expect(removed().status).toBe(0);
  });
});

// Mounts and processes of its own, so that neither this machine nor other tests are seen.
const APART = ['-rmpf', '--mount-proc', '/bin/sh', '-ec'];
const canMount = spawnSync('unshare', [...APART, 'mount -t tmpfs none /mnt']).status === 0;

describe.skipIf(!canMount)('when the service has stopped', () => {
  /** Mounts below the work directory, runs `stopped`, and says what is still mounted there or beside it. */
  const stopped = (before = ''): string[] => {
    const shell = `
      cd "$1"; mkdir "$2/a b" beside; mount -t tmpfs none beside; mount -t tmpfs none "$2/a b"
      for _ in 1 2 3; do mkdir -p "$2/a b/deep"; mount -t tmpfs none "$2/a b/deep"; mount -t tmpfs none "$2/a b"; done
      ${before}
      /bin/sh "$3" stopped
      cut -d ' ' -f 5 /proc/self/mountinfo | grep -F "$1" || true`;
    const output = execFileSync('unshare', [...APART, shell, 'sh', directory, work, script], {
      encoding: 'utf8',
    });
    return output.split('\n').filter((line) => line !== '');
  };

  test('stacked mounts below the work directory are gone, and no others', () => {
    expect(stopped()).toEqual([join(directory, 'beside')]);
  });

  test('they stay while the shim of a build lives', () => {
    const shim =
      'echo sleep 60 >containerd-shim-runc-v2; /bin/sh containerd-shim-runc-v2 -namespace concourse -id x &';
    expect(stopped(shim)).toHaveLength(8);
  });
});
