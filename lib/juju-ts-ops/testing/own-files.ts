// The files that hook tools read and write when the charm runs in this process: they are this machine's.
import { readFileSync, writeFileSync } from 'node:fs';
import type { FakeJujuOptions } from './model.ts';

export const ownFiles: NonNullable<FakeJujuOptions['disk']> = {
  read: (_unit, path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  write: (_unit, path, text) => writeFileSync(path, text),
};
