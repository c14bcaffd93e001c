// What the tests and a client program say to each other: one JSON object a line, on the client's standard input and output.
import { z } from 'zod';

export const requestSchema = z.object({
  id: z.int(),
  do: z.string(),
  /** The operation's own. */
  with: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Request = z.infer<typeof requestSchema>;

export const replySchema = z.object({
  id: z.int(),
  result: z.unknown().optional(),
  error: z.object({ name: z.string(), code: z.string().optional(), message: z.string() }).optional(),
});
export type Reply = z.infer<typeof replySchema>;

/** What a client sees of the volume. */
export const seenSchema = z.object({
  installed: z.string().optional(),
  marker: z.string().optional(),
  releases: z.array(z.string()),
  staging: z.array(z.string()),
  /** The unit that the lock names. */
  holder: z.string().optional(),
});
export type Seen = z.infer<typeof seenSchema>;

/** What a reader saw that looked again and again. */
export const watchedSchema = z.object({
  looks: z.int(),
  /** Installed versions, each once, in the order in which they were first seen. */
  versions: z.array(z.string()),
  /** What the marker said, likewise. */
  markers: z.array(z.string()),
  /** Looks at which nothing was installed, or a file was missing or stale that was there a moment before. */
  gaps: z.int(),
  /** Releases that were listed and not whole, or whose files were another's. */
  broken: z.array(z.string()),
});
export type Watched = z.infer<typeof watchedSchema>;

/** Whether the server answered, and after how long. */
export const silenceSchema = z.object({ found: z.string().optional(), ms: z.number() });
