// What the exporter is told in its file, which the charm writes and the exporter's user may read.
import { z } from 'zod';

export const exporterSettings = z.object({
  /** Web as this machine reaches it: `http://127.0.0.1:8080`. */
  url: z.string(),
  user: z.string(),
  password: z.string(),
  /** Where it listens. */
  address: z.string(),
  port: z.int(),
  /** The file in which hooks leave the charm's own figures. */
  figures: z.string(),
  /** The charm's revision. */
  version: z.string(),
});
export type ExporterSettings = z.infer<typeof exporterSettings>;
