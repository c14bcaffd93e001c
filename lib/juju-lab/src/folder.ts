// The lab's own folder: made anew for each lab, and never taken from under one that runs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isRecord } from './charm.ts';
import { codeOf, LabError } from './errors.ts';

/** Says that a lab runs in the folder, and by which socket other terminals reach it. */
export const controlFile = (labDirectory: string): string => join(labDirectory, 'control.json');

/** Empties `units`, `volume` and `log`, and takes the folder for the lab whose sockets lie in `sockets`. */
export function takeFolder(directory: string, sockets: string): void {
  for (const folder of ['units', 'volume', 'log']) {
    rmSync(join(directory, folder), { recursive: true, force: true });
    mkdirSync(join(directory, folder), { recursive: true });
  }
  const content = { socket: join(sockets, 'control'), pid: process.pid };
  writeFileSync(controlFile(directory), `${JSON.stringify(content)}\n`, { mode: 0o600 });
}

/** The name of a unix socket may have 107 bytes, so sockets have a short folder of their own. */
export function makeSocketFolder(): string {
  return mkdtempSync(join(tmpdir().length <= 60 ? tmpdir() : '/tmp', 'lab-'));
}

/** LabError while a lab runs in the folder. One that was killed has lost its sockets to its watcher. */
export function refuseSecondLab(directory: string): void {
  const path = controlFile(directory);
  if (!existsSync(path)) return;
  const { socket, pid } = readControlFile(readFileSync(path, 'utf8'));
  if (existsSync(dirname(socket)) && isRunning(pid)) {
    throw new LabError(`a lab runs in ${directory} already (process ${pid}); end that one first`);
  }
}

/** LabError when it is not what a lab wrote. */
export function readControlFile(text: string): { socket: string; pid: number } {
  const content: unknown = JSON.parse(text);
  if (isRecord(content) && typeof content.socket === 'string' && typeof content.pid === 'number') {
    return { socket: content.socket, pid: content.pid };
  }
  throw new LabError(`not the control file of a lab: ${text}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    if (codeOf(error) === 'EPERM') return true;
    throw error;
  }
}
