// The option folder-mounts: which folders below /srv tasks see, and which of them they may write to.
import { z } from 'zod';

export interface FolderMount {
  /** Below /srv, one part: `datasets`. */
  name: string;
  writable: boolean;
}

const entry = /^([A-Za-z0-9][A-Za-z0-9._-]{0,99})(?::(ro|rw))?$/;

/** `datasets, cache:rw`. What a folder is called says nothing of who may write to it. */
export const folderMountsSchema = z.string().transform((text, context): FolderMount[] => {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const folders = items.map((item): FolderMount | undefined => {
    const [, name, access] = entry.exec(item) ?? [];
    return name === undefined ? undefined : { name, writable: access === 'rw' };
  });
  const named = folders.filter((folder) => folder !== undefined);
  if (named.length === folders.length && new Set(named.map(({ name }) => name)).size === named.length)
    return named;
  context.addIssue({
    code: 'custom',
    message: 'names of folders in /srv separated by commas, each once, with :rw where tasks may write',
  });
  return z.NEVER;
});
