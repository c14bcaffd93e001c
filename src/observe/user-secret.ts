// What a user secret that an option names holds, or what the operator has to do so that it can be read.
import { PermissionDenied } from 'juju-ts-ops';
import type { Status } from '../observed.ts';
import type { ConcourseHook } from '../session.ts';
import { statuses } from '../statuses.ts';

export async function readUserSecret(
  hook: ConcourseHook,
  uri: string,
): Promise<{ content: Readonly<Record<string, string>> } | { missing: Status }> {
  try {
    const content = await hook.secrets.get(uri, 'refresh');
    if (content !== undefined) return { content };
    return { missing: statuses.secretUnreadable(hook.application, uri, 'there is no such secret') };
  } catch (error) {
    if (!(error instanceof PermissionDenied)) throw error;
    return { missing: statuses.secretUnreadable(hook.application, uri, 'it was not granted') };
  }
}

/** Parts of secrets, each of which the framework masks as a whole only: web may complain of one alone. Shorter ones are found in
 * ordinary words. */
export function conceal(hook: ConcourseHook, passwords: readonly (string | undefined)[]): void {
  for (const password of passwords) if (password !== undefined && password.length >= 6) hook.mask(password);
}
