// Commands, keys and time of the real machine.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../../../src/host/real/clock.ts';
import { realCommands } from '../../../src/host/real/commands.ts';
import { realRandom } from '../../../src/host/real/random.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const { run } = realCommands();

describe('commands', () => {
  it('give code and output as they are, and take stdin', async () => {
    const result = await run('sh', ['-c', 'cat; echo bad >&2; exit 3'], {
      timeoutMs: 5_000,
      stdin: 'in\n\n',
    });
    expect(result).toEqual({ code: 3, stdout: 'in\n\n', stderr: 'bad\n' });
  });

  it('see a minimal environment only', async () => {
    process.env.A_SECRET_OF_THE_HOOK = 'x';
    onTestFinished(() => void delete process.env.A_SECRET_OF_THE_HOOK);
    const { stdout } = await run('env', [], { timeoutMs: 5_000, env: { MORE: 'yes' } });
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.sort()).toEqual(['HOME', 'LANG', 'MORE', 'PATH']);
  });

  it('pass arguments without a shell', async () => {
    const { stdout } = await run('printf', ['%s', '$(id); `id` "'], { timeoutMs: 5_000 });
    expect(stdout).toBe('$(id); `id` "');
  });

  it('that cannot be started are 127, that outlive their time 124, that are killed 128 and more', async () => {
    expect(await run('no-such-program', [], { timeoutMs: 5_000 })).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('no-such-program'),
    });
    expect(await run('sleep', ['60'], { timeoutMs: 50 })).toMatchObject({
      code: 124,
      stderr: 'did not end within 50 ms',
    });
    expect(await run('sh', ['-c', 'kill -9 $$'], { timeoutMs: 5_000 })).toMatchObject({ code: 137 });
  });

  it('end when their signal aborts, with its reason', async () => {
    const stop = new AbortController();
    const running = run('sleep', ['60'], { timeoutMs: 60_000, signal: stop.signal });
    stop.abort(new Error('the lock was lost'));
    await expect(running).rejects.toThrow('the lock was lost');
  });
});

it('an RSA key is PKCS#1, and its public line is what ssh-keygen makes of it', async () => {
  const { privatePem, publicSsh } = await realRandom.rsaKey();
  expect(privatePem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  expect(createPublicKey(createPrivateKey(privatePem)).asymmetricKeyDetails?.modulusLength).toBe(4096);
  expect(publicSsh).toMatch(/^ssh-rsa [A-Za-z0-9+/]+=*$/);
  const file = path.join(await temporaryDirectory(), 'key');
  await writeFile(file, privatePem, { mode: 0o600 });
  const keygen = spawnSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' });
  if (keygen.error === undefined) expect(keygen.stdout.trim()).toBe(publicSsh);
});

describe('waiting', () => {
  it('ends after its time, or with the signal’s own reason', async () => {
    const start = realClock.monotonic();
    await realClock.wait(20);
    expect(realClock.monotonic() - start).toBeGreaterThanOrEqual(19);
    await expect(realClock.wait(60_000, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
