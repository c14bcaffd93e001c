// The tutorial as a reader types it, first page to last, in a lab of its own: each command must succeed, and what it prints must
// be what the page shows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { root, temporary } from './support/concourse-lab.ts';

const lessons = ['1-first-deployment', '2-first-upgrade', '3-break-it'];

interface Step {
  commands: string;
  shown: string[];
}

/** Blocks to type, each with the block of what it prints, where there is one right after it. */
function stepsOf(page: string): Step[] {
  return [...page.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)].map(
    ([, commands = '', shown = '']) => ({ commands, shown: shown.split('\n').filter(Boolean) }),
  );
}

/** A line of a page, `…` for anything, within what was printed. */
const asPattern = (line: string): RegExp =>
  new RegExp(
    line
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +'))
      .join('.*'),
  );

test('the tutorial does what it says, command by command', { timeout: 600_000 }, async () => {
  const folder = join(temporary(), 'lab');
  const environment = {
    ...process.env,
    CONCOURSE_LAB: folder,
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
  };
  const lab = spawn(process.execPath, ['scripts/lab.ts', 'up'], { cwd: root, env: environment });
  const ended = once(lab, 'exit');
  onTestFinished(async () => {
    lab.kill('SIGTERM');
    await ended;
  });
  let said = '';
  for await (const chunk of lab.stdout) {
    said += chunk;
    if (said.includes(`. ${join(folder, 'shell')}`)) break;
  }
  const [, mirror = ''] = /MIRROR=(\S+)/.exec(readFileSync(join(folder, 'shell'), 'utf8')) ?? [];
  for (const lesson of lessons) {
    for (const step of stepsOf(readFileSync(join(root, `docs/tutorial/${lesson}.md`), 'utf8'))) {
      const { code, output } = await type(step.commands, { ...environment, MIRROR: mirror });
      expect(code, `${step.commands}\n${output}`).toBe(0);
      let rest = output.split('\n');
      for (const line of step.shown) {
        const at = rest.findIndex((printed) => asPattern(line).test(printed));
        expect(at, `${lesson}: «${line}» is not printed by\n${step.commands}\n${output}`).toBeGreaterThan(-1);
        rest = rest.slice(at + 1);
      }
    }
  }
  expect((await ended)[0]).toBe(0);
});

async function type(commands: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  const shell = spawn('bash', ['-eu', '-c', `exec 2>&1\n${commands}`], { cwd: root, env });
  let output = '';
  for await (const chunk of shell.stdout) output += chunk;
  const [code] = shell.exitCode === null ? await once(shell, 'exit') : [shell.exitCode];
  return { code: Number(code), output };
}
