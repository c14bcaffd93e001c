// Who holds the install lock: the record that the lease carries, for programs, and the lock file shows, for people.
import { z } from 'zod';
import { parseJson } from '../json.ts';

export const Holder = z.object({
  unit: z.string(),
  purpose: z.string(),
  /** The machine's host name. */
  host: z.string(),
  bootId: z.string(),
  pid: z.int().positive(),
  /** RFC 3339, by the holder's own clock. */
  since: z.string(),
  /** Random; also the name of the holder's token in its own staging folder. */
  token: z.string().regex(/^[0-9a-f]{8,64}$/),
});
export type Holder = z.infer<typeof Holder>;

/** Undefined for text that is not a record (empty: nobody; torn: being written). */
export function parseHolder(text: string | undefined): Holder | undefined {
  return parseJson(Holder, text);
}

export function describeHolder(holder: Holder): string {
  return `${holder.unit} (pid ${holder.pid} on ${holder.host}) since ${holder.since}: ${holder.purpose}`;
}
