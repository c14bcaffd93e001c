// What can be known of a caught value, and the one error with which the lab refuses a wrong request.

/** The `code` of a Node system error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A request that the lab cannot carry out as asked; the message says what would be accepted. */
export class LabError extends Error {
  override name = 'LabError';
}
