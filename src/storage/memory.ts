// What a unit remembers from hook to hook on its own machine: one JSON file, for what neither Juju nor the volume knows.
import path from 'node:path';
import type { z } from 'zod';
import type { Host } from '../host/host.ts';
import { parseJson } from '../json.ts';
import { folderOfUnit } from './layout.ts';

export interface Memory<T> {
  /** `value` is undefined when there is none yet, or when what is there is malformed: then `problem` says so. */
  read(): Promise<{ value: T | undefined; problem?: string }>;
  replace(value: T): Promise<void>;
  forget(): Promise<void>;
}

/** The memory of `unit` on this machine, of the shape of `schema` (JSON in and out). Nobody but root may read it. */
export function openMemory<T>(host: Host, unit: string, schema: z.ZodType<T>): Memory<T> {
  const { files, paths } = host;
  const file = path.join(paths.memory, `${folderOfUnit(unit)}.json`);
  return {
    read: async () => {
      const text = await files.readText(file);
      const value = parseJson(schema, text);
      if (value !== undefined || text === undefined) return { value };
      return { value: undefined, problem: `${file} is malformed, and counts as absent` };
    },
    replace: async (value) => {
      await files.makeDirectory(paths.memory, { mode: 0o700, recursive: true });
      const fresh = `${file}.new`;
      await files.write(fresh, `${JSON.stringify(schema.parse(value))}\n`, { mode: 0o600, sync: true });
      await files.rename(fresh, file);
      await files.syncDirectory(paths.memory);
    },
    forget: async () => {
      await files.remove(`${file}.new`);
      await files.remove(file);
    },
  };
}
