// Builds, as a stand-in worker runs them: a file in its work directory is a task.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `tasks`: the folder of that name in the worker's work directory. `command`: a shell line. */
export function beginTask(tasks: string, id: string, command: string): void {
  mkdirSync(tasks, { recursive: true });
  const fresh = join(tasks, '..', `${id}.new`);
  writeFileSync(fresh, JSON.stringify({ command }));
  renameSync(fresh, join(tasks, `${id}.json`));
}

/** What it has printed. */
export function linesOf(tasks: string, id: string): string[] {
  const log = join(tasks, `${id}.log`);
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
}
