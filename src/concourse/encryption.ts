// The key that web encrypts rows of the database with, where it is the charm's own: what web's environment says of it, beside what
// an operator sets.
import type { Environment } from './environment-file.ts';

const present = /^CONCOURSE_ENCRYPTION_KEY(_HEX|_BASE64)?$/;
const former = /^CONCOURSE_OLD_ENCRYPTION_KEY(_HEX|_BASE64)?$/;

/** An operator's own key wins. Whoever sets one after the charm has made its own hands the rows over to it: what they were
 * encrypted with is the old key then, unless the operator names another. Both may stay for ever: Concourse looks at each row. */
export function encryptionEnvironment(
  managed: { key: string | undefined; old: string | undefined },
  operator: Environment,
): Environment {
  const sets = (pattern: RegExp) => Object.keys(operator).some((name) => pattern.test(name));
  const { key, old } = managed;
  if (key === undefined || sets(former)) return {};
  if (sets(present)) return { CONCOURSE_OLD_ENCRYPTION_KEY: key };
  return {
    CONCOURSE_ENCRYPTION_KEY: key,
    ...(old === undefined ? {} : { CONCOURSE_OLD_ENCRYPTION_KEY: old }),
  };
}

/** Whether an operator has a key of their own. */
export const hasEncryptionKey = (operator: Environment): boolean =>
  Object.keys(operator).some((name) => present.test(name) || former.test(name));
