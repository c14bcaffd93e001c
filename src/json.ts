// JSON from a disk or a server, which may be torn, somebody's edit, or not JSON at all.
import type { z } from 'zod';

/** Undefined for what is not JSON. The value is still to be checked. */
export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** JSON text against a schema; undefined for what is absent, not JSON or not of that shape. */
export function parseJson<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  return text === undefined || text.trim() === '' ? undefined : schema.safeParse(jsonValue(text)).data;
}
