// People who log in with a name and a password that Concourse itself keeps, besides the administrator.
import { z } from 'zod';

/** The administrator, whose password the charm makes: it asks web for things under this name. */
export const ADMINISTRATOR = 'admin';

/** A `:` or `,` is read as a separator by Concourse, wherever it stands. */
const userName = (text: string): boolean => /^[^\s:,]+$/.test(text);

/** `NAME:PASSWORD`, a line each or separated by commas; a password may be a bcrypt hash. As Concourse takes them. No problem
 * repeats anything but a name. */
export function parseLocalUsers(text: string): { users: string[] } | { problem: string } {
  const users = new Map<string, string>();
  const entries = text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) return { problem: 'there is no NAME:PASSWORD in it' };
  for (const [index, entry] of entries.entries()) {
    const [, name = '', password = ''] = /^([^\s:]+):([^:]+)$/.exec(entry) ?? [];
    if (name === '') return { problem: `entry ${index + 1} is not NAME:PASSWORD, without another : or a ,` };
    if (name === ADMINISTRATOR)
      return { problem: `${ADMINISTRATOR} is there already: its password is the charm's` };
    if (users.has(name)) return { problem: `${name} is there twice` };
    // Concourse ends with 1 for a hash of a lower cost.
    const cost = /^\$2[abxy]?\$([0-9]+)\$/.exec(password)?.[1];
    if (cost !== undefined && Number(cost) < 10)
      return { problem: `the hash of ${name} has a cost below 10` };
    users.set(name, entry);
  }
  return { users: [...users.values()] };
}

/** `main-team-local-user`: names separated by commas. */
export const namesSchema = z
  .string()
  .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== ''))
  .refine((names) => names.length > 0 && names.every(userName), 'names of users, separated by commas');
