// Looks users and groups up for User= and Group=, in the files that hold local ones.
import { readIfThere } from './unit-file.ts';

/** The ids to run as; undefined when neither is asked for, 'missing' when one is not there. Names or numbers. */
export function readIdentity(
  user: string | undefined,
  group: string | undefined,
): { uid: number; gid: number } | undefined | 'missing' {
  if (user === undefined && group === undefined) return undefined;
  const found = find('/etc/passwd', user ?? '0');
  const groupFound = group === undefined ? undefined : find('/etc/group', group);
  if (found === undefined || (group !== undefined && groupFound === undefined)) return 'missing';
  return { uid: Number(found[2]), gid: Number(groupFound === undefined ? found[3] : groupFound[2]) };
}

/** The line of that name or number, in fields. */
function find(path: string, wanted: string): string[] | undefined {
  const lines = (readIfThere(path) ?? '').split('\n').map((line) => line.split(':'));
  return lines.find(([name, , id]) => name === wanted || id === wanted);
}
