import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { spawnTools, ToolTimeout } from '../../src/index.ts';

let tools = '';
let env: Record<string, string> = {};

async function tool(name: string, script: string): Promise<void> {
  await writeFile(join(tools, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(tools, name), 0o755);
}

beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), 'juju-tools-'));
  // As Juju does: no HOME, no locale; the tools' folder first.
  env = { PATH: `${tools}:/usr/bin:/bin`, JUJU_CONTEXT_ID: 'real/0-x', JUJU_UNIT_NAME: 'real/0' };
  await tool('is-leader', 'echo true');
  await tool('juju-log', 'printf "%s\\n" "$*" >>"$LOG"');
  await tool('show', 'printf "%s|" "$@"; cat; printf "|%s" "$HOME$JUJU_CONTEXT_ID" >&2; exit 3');
  await tool('deaf', 'exec <&-; exit 0');
  await tool('stuck', 'echo $$ >"$PID"; exec sleep 600');
  await tool('shot', 'kill -9 $$');
});
afterAll(() => rm(tools, { recursive: true }));

describe('a hook tool as a process', () => {
  it('gets arguments, stdin and environment unchanged, and its streams and code come back', async () => {
    const result = await spawnTools(env)('show', ['a b', '', 'ü'], { stdin: 'in\nput', timeoutMs: 10_000 });
    expect(result).toEqual({ code: 3, stdout: 'a b||ü|in\nput', stderr: '|real/0-x' });
  });

  it('may end without reading its stdin', async () => {
    const result = await spawnTools(env)('deaf', [], { stdin: 'x'.repeat(1_000_000), timeoutMs: 10_000 });
    expect(result.code).toBe(0);
  });

  it('that does not exist, cannot be given so much, or is killed has a code of its own', async () => {
    const run = spawnTools(env);
    expect((await run('no-such-tool', [], { timeoutMs: 10_000 })).code).toBe(127);
    expect(await run('show', ['x'.repeat(200_000)], { timeoutMs: 10_000 })).toMatchObject({
      code: 126,
      stderr: expect.stringContaining('E2BIG'),
    });
    expect((await run('shot', [], { timeoutMs: 10_000 })).code).toBe(137);
  });

  it('that does not end in time is killed and reported', async () => {
    const pid = join(tools, 'stuck.pid');
    const running = spawnTools({ ...env, PID: pid })('stuck', ['now'], { timeoutMs: 1500 });
    await expect(running).rejects.toThrow(ToolTimeout);
    await expect(running).rejects.toThrow('`stuck now` did not end within 1500 ms and was killed');
    const stuck = Number(await readFile(pid, 'utf8'));
    await vi.waitFor(() => expect(() => process.kill(stuck, 0)).toThrow('ESRCH'));
  });
});

describe('main', () => {
  const executable = fileURLToPath(new URL('fixtures/executable.ts', import.meta.url));
  async function runMain(wake: string, extra: Record<string, string> = {}) {
    const log = join(tools, `${wake}.log`);
    await writeFile(log, '');
    const child = spawn(process.execPath, [executable], {
      env: { ...env, LOG: log, JUJU_DISPATCH_PATH: `hooks/${wake}`, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    const code = await new Promise((resolve) => child.on('close', resolve));
    return { code, stderr: Buffer.concat(errors).toString(), log: await readFile(log, 'utf8') };
  }

  it('runs the hook, tells Juju, and exits with 0', async () => {
    expect(await runMain('wake')).toMatchObject({ code: 0, stderr: '', log: '-l INFO leader: true\n' });
  });

  it('exits with 1 when the hook throws, and Juju hears why', async () => {
    const { code, log } = await runMain('throw');
    expect(code).toBe(1);
    expect(log).toContain('-l ERROR throw failed: Error: thrown');
  });

  it('exits with 1 and the message on stderr when a promise is rejected that nobody waits for', async () => {
    const { code, stderr } = await runMain('reject');
    expect(code).toBe(1);
    expect(stderr).toContain('real: nobody waited for this: Error: left alone');
  });

  it('does not outlive its charm by much when the charm leaves a socket open, and names the kind', async () => {
    const { code, stderr } = await runMain('dangle');
    expect(code).toBe(0);
    expect(stderr).toContain('still open: ');
    expect(stderr).toContain('TCPServerWrap');
  });

  it('never takes a hook that did not come to its end for a success', async () => {
    expect((await runMain('never')).code).not.toBe(0);
    expect((await runMain('never', { FORGET: 'yes' })).code).toBe(1);
  });

  it('exits with 2 and usage when it is not Juju that runs it', async () => {
    const { code, stderr } = await runMain('wake', { JUJU_CONTEXT_ID: '' });
    expect(code).toBe(2);
    expect(stderr).toContain('juju-exec');
  });
});
