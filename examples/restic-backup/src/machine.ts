// All that the charm does to its machine, so that tests can put another one in its place.
import { execFile } from 'node:child_process';
import { access, chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface Machine {
  /** A program by its name, or a file by its path. */
  has(name: string): Promise<boolean>;
  /** Whole or not at all; resolves to whether it was different before. */
  write(path: string, text: string, mode: number): Promise<boolean>;
  remove(path: string): Promise<void>;
  /** Rejects when it fails, unless it may. */
  run(program: string, args: readonly string[], options?: { mayFail: boolean }): Promise<{ code: number }>;
}

export const machine: Machine = {
  has: async (name) => {
    const folders = name.startsWith('/') ? [''] : ['/usr/local/bin/', '/usr/bin/'];
    const found = await Promise.all(folders.map((folder) => isThere(folder + name)));
    return found.includes(true);
  },
  write: async (path, text, mode) => {
    if ((await isThere(path)) && (await readFile(path, 'utf8')) === text) return false;
    await writeFile(`${path}.new`, text, { mode });
    await chmod(`${path}.new`, mode); // whatever the umask
    await rename(`${path}.new`, path);
    return true;
  },
  remove: (path) => rm(path, { force: true }),
  run: async (program, args, { mayFail } = { mayFail: false }) => {
    try {
      await promisify(execFile)(program, args);
      return { code: 0 };
    } catch (error) {
      if (!mayFail || !(error instanceof Error && 'code' in error && typeof error.code === 'number'))
        throw error;
      return { code: error.code };
    }
  },
};

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
