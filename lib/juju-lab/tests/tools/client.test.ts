// The tools' executables against the lab's end of the socket, both programs alike.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findExecutable, writeToolFolders } from '../../src/tools/folder.ts';
import { type AnswerTool, serveTools, type ToolCall } from '../../src/tools/server.ts';
import { temporaryFolder } from '../temporary.ts';

const clients = findExecutable('perl') === undefined ? (['node'] as const) : (['perl', 'node'] as const);

function unitWith(client: 'perl' | 'node', answer: AnswerTool) {
  const folder = temporaryFolder();
  const socket = join(folder, 'socket');
  const folders = { tools: join(folder, 'tools'), bin: join(folder, 'bin') };
  writeToolFolders(folders, { socket, node: process.execPath, client });
  const server = serveTools(socket, answer);
  onTestFinished(() => server.close());
  return {
    folder,
    server,
    async call(tool: string, args: string[], options: { stdin?: string; context?: string } = {}) {
      const child = spawn(join(folders.tools, tool), args, {
        cwd: folder,
        env: { PATH: '/usr/bin:/bin', JUJU_CONTEXT_ID: options.context ?? 'ctx' },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      if (options.stdin !== undefined) child.stdin.end(options.stdin);
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      return { code, stdout, stderr };
    },
  };
}

describe.each(clients)('the tool program in %s', (client) => {
  test('a call arrives with its name, words, folder and context, and its answer is passed on byte for byte', async () => {
    const calls: ToolCall[] = [];
    const unit = unitWith(client, (call) => {
      calls.push(call);
      return { code: 2, stdout: 'grüße\n\n', stderr: 'ERROR no\n' };
    });
    const words = ['-r', 'db:1', '', 'a=b c', 'ü="\n\'', '--'];
    const answer = await unit.call('relation-set', words, { context: 'a/0-install-1' });
    expect(answer).toEqual({ code: 2, stdout: 'grüße\n\n', stderr: 'ERROR no\n' });
    expect(calls).toEqual([
      { tool: 'relation-set', argv: words, cwd: unit.folder, contextId: 'a/0-install-1' },
    ]);
  });

  test('standard input is read only where the tool asks for it', async () => {
    const inputs: (string | undefined)[] = [];
    const unit = unitWith(client, (_call, stdin) => {
      inputs.push(stdin);
      return { code: 0, stdout: '', stderr: '' };
    });
    const large = `key: ${'x'.repeat(3_000_000)}`;
    expect((await unit.call('relation-set', ['-r', '1', '--file', '-'], { stdin: large })).code).toBe(0);
    expect((await unit.call('state-set', ['--file=-'], { stdin: '' })).code).toBe(0);
    // Its stdin is never closed: a program that waited for its end would hang.
    expect((await unit.call('relation-set', ['a=b'])).code).toBe(0);
    expect(inputs).toEqual([large, '', undefined]);
  });

  test('an answer larger than the socket holds arrives whole', async () => {
    const stdout = 'y'.repeat(5_000_000);
    const unit = unitWith(client, () => ({ code: 0, stdout, stderr: '' }));
    expect((await unit.call('config-get', [])).stdout).toBe(stdout);
  });

  test('a call to a lab that is gone fails in the words of Juju', async () => {
    const unit = unitWith(client, () => ({ code: 0, stdout: '', stderr: '' }));
    unit.server.close();
    const { code, stderr } = await unit.call('is-leader', []);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERROR dial unix .*: connect: /);
  });

  test('a bug in the lab is an error of the call, not its silence', async () => {
    const unit = unitWith(client, () => {
      throw new Error('broken');
    });
    expect(await unit.call('is-leader', [])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'ERROR the lab failed: Error: broken\n',
    });
  });
});
