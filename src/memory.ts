// What a unit remembers on its own disk from hook to hook: back-off, the armed timer, last good options. Losing it costs
// time, never correctness.
import { z } from 'zod';

export const rememberedSchema = z.object({
  /** What could not be staged (see `stagingWish`), how often in a row, and until when not to try again (ms since the epoch). */
  staging: z
    .object({ wish: z.string(), failures: z.number(), notBefore: z.number(), message: z.string() })
    .optional(),
  /** The transient systemd timer that wakes this unit. */
  timer: z.object({ name: z.string(), at: z.number() }).optional(),
  /** The volume that an operator told this unit to take. */
  acceptedVolume: z.string().optional(),
  /** Where workers registered last: a worker starts again even when the web unit has left. */
  tsa: z.object({ address: z.string(), hostKey: z.string() }).optional(),
  /** Option values that were found good, by option. */
  options: z.record(z.string(), z.unknown()).optional(),
  /** The invocation of web that has read the authorised worker keys, and those keys' text. */
  authorized: z.object({ invocation: z.string(), text: z.string() }).optional(),
  /** Web: units whose workers it has let in and not forgotten since; of other applications' units the workers' names. */
  workers: z.array(z.string()).optional(),
  /** Since when web has not forgotten all of those that are gone. */
  forgettingSince: z.number().optional(),
  /** Where Juju's storage worker-scratch is mounted, while it is attached. */
  scratch: z.string().optional(),
  /** There is a relation `filesystem`; false once it has ended. */
  filesystem: z.boolean().optional(),
  /** Endpoints of web that have a relation. */
  related: z.array(z.enum(['ingress', 'vault-kv', 'certificates'])).optional(),
  /** Endpoints of ours that watch this application and have a relation; undefined: not known. */
  watchers: z.array(z.enum(['monitoring', 'cos-agent', 'grafana-dashboard'])).optional(),
  /** There are relations `tsa`: workers of other applications; there is a relation `flight`: web is another application's. */
  tsaRelations: z.boolean().optional(),
  flight: z.boolean().optional(),
  /** Where workers of `flight` registered last: one starts again even when no unit of that web says so any more. */
  webs: z.object({ hosts: z.array(z.string()), hostKeys: z.array(z.string()) }).optional(),
  /** There is an exporter on this machine, or about to be. */
  exporter: z.boolean().optional(),
  /** There is a relation `postgresql`. */
  postgresql: z.boolean().optional(),
  /** The database in which web's privileges are known to be whole (see `privilegesKey`). */
  privileges: z.string().optional(),
  /** The instance of Juju's storage concourse-data that is being taken away. */
  detaching: z.string().optional(),
  /** On the installer: locks of workers on other machines that it got, with their signs of life; and whether one lived. */
  flock: z.object({ had: z.record(z.string(), z.string()), doubted: z.boolean() }).optional(),
  /** A release that the action `verify` found damaged: it is staged anew before it is used again. */
  damaged: z.string().optional(),
  /** The release that the action `prefetch` brought last: it stays until it is installed. */
  prefetched: z.string().optional(),
  /** On the installer, with require-backup: the database schema that a release brings, by version. */
  schemas: z.record(z.string(), z.number()).optional(),
  /** How often this worker's work directory was lost: web would look for the old one's volumes under the same name. */
  incarnation: z.number().int().nonnegative().optional(),
  /** An operator has taken this worker out of service: one that has landed comes back after a reboot. */
  parked: z.object({ how: z.enum(['landed', 'retired']), boot: z.string() }).optional(),
  /** The upgrade that web here, which does not install, stopped for, and until when at most. */
  aside: z.object({ id: z.number().int(), deadline: z.number().int() }).optional(),
  /** Which of the goal's `worker-keys` this worker's key answers; and that it has not started with it yet. */
  workerKeys: z.number().optional(),
  rekeyed: z.boolean().optional(),
  /** Databag values that could not be read, as they were told last. */
  malformed: z.array(z.string()).optional(),
  /** What was last told to Juju, so that it is told again only when it differs. */
  told: z.object({ workloadVersion: z.string().optional(), ports: z.boolean().optional() }).optional(),
  /** Something of this unit's stands in relations `tsa` or `flight`. */
  toldElsewhere: z.boolean().optional(),
});

export type Remembered = z.infer<typeof rememberedSchema>;
