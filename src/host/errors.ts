// Recognises the system errors that callers name, so that a `catch` takes these and lets everything else through.

/** Whether `error` is a Node system error (`ErrnoException`) with one of `codes`, such as 'ENOENT'. */
export function hasCode(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}

/** The value, or undefined when the attempt failed with one of `codes`. */
export async function unless<T>(attempt: Promise<T>, ...codes: readonly string[]): Promise<T | undefined> {
  try {
    return await attempt;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

/** A command of systemd that failed; the message names it, its exit code and what it said. */
export class SystemdFailure extends Error {
  override name = 'SystemdFailure';
}
