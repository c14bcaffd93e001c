// `containerd-shim-runc-v2`: runs one task, whatever becomes of the worker that asked for it.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';

import { writeWhole } from './tasks.ts';

/** `-namespace concourse -id ID -tasks DIR -- PROGRAM ARGUMENT…` */
export function shim(args: readonly string[]): void {
  const end = args.indexOf('--');
  const id = args[args.indexOf('-id') + 1] ?? '';
  const tasks = args[args.indexOf('-tasks') + 1] ?? '';
  const [program = '', ...rest] = args.slice(end + 1);
  const output = openSync(join(tasks, `${id}.log`), 'a');
  const child = spawn(program, rest, { cwd: tasks, stdio: ['ignore', output, output] });
  const ended = (code: number): void => writeWhole(join(tasks, `${id}.exit`), `${code}\n`);
  child.on('error', () => ended(127));
  child.on('exit', (code, signal) => ended(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  // A shim that is made to end takes its container along, and can no longer say how it ended.
  process.on('SIGTERM', () => {
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    process.exit(0);
  });
}
