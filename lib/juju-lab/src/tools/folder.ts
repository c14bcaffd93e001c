// The executables by which a unit's processes reach the lab: one small program, linked under the name of every tool.
import { accessSync, constants, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { toolNames } from 'juju-ts-ops/testing';
import { codeOf } from '../errors.ts';

/** In `<root>/usr/bin`, which services have in their PATH as well. */
export const hostCommands = ['juju-exec', 'journalctl', 'systemctl', 'systemd-run'] as const;

export interface ToolFolders {
  /** Of the hook tools, which only hooks, actions and juju-exec have in their PATH. */
  tools: string;
  /** Of the host commands. */
  bin: string;
}

/** Writes both folders anew. `client`: which program to use; by default Perl's where this machine has Perl. `commands`:
 * those of the host that the lab answers; all by default. */
export function writeToolFolders(
  folders: ToolFolders,
  options: { socket: string; node: string; client?: 'perl' | 'node'; commands?: readonly string[] },
): void {
  const perl = options.client === 'node' ? undefined : findExecutable('perl');
  const [source, interpreter] = perl === undefined ? ['client.cjs', options.node] : ['client.pl', perl];
  const program = readFileSync(new URL(source, import.meta.url), 'utf8')
    .replace('{{interpreter}}', interpreter)
    .replace('{{socket}}', options.socket);
  const client = join(dirname(folders.tools), source);
  writeFileSync(client, program, { mode: 0o755 });
  link(folders.tools, toolNames, client);
  link(folders.bin, options.commands ?? hostCommands, client);
}

function link(folder: string, names: readonly string[], program: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(program, join(folder, name));
  }
}

/** Where PATH has an executable of that name. */
export function findExecutable(name: string): string | undefined {
  return (process.env.PATH ?? '/usr/bin:/bin')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    // Not there, or not ours to run: accessSync has no other way to say it.
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}
