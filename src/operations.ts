// The actions for everyday operation, as Juju is told of them: maintenance windows, workers, keys, the database, finding out what
// is wrong. Those of upgrades and of the volume stand in definition.ts.
import { action } from 'juju-ts-ops';
import { z } from 'zod';
import { durationSchema } from './duration.ts';
import { sha256Schema, versionSchema } from './release/version.ts';

/** A span of time, as ms. */
const timeout = (byDefault: string, description: string) =>
  durationSchema.prefault(byDefault).describe(description);

const drainTimeout = (description: string) =>
  durationSchema.optional().describe(`${description} Default: worker-drain-timeout.`);

export const operations = {
  prefetch: action({
    description:
      'On the installer: download and verify a release ahead of an upgrade, while everything goes on running.',
    params: z.object({
      version: versionSchema.optional().describe('The version. Default: what an upgrade would go to.'),
      sha256: sha256Schema
        .optional()
        .describe("SHA-256 of the archive, where the charm's pin does not know it."),
    }),
  }),
  hold: action({
    description: 'On the leader: let no upgrade start until the action resume, whatever asks for one.',
  }),
  resume: action({
    description:
      'On the leader: end the hold. An upgrade that has been asked for meanwhile starts at once. With upgrade-strategy=canary: let the other workers follow the first.',
  }),
  'set-admin-password': action({
    description:
      'On the leader: give the administrator a new password. Without a secret, the charm makes one.',
    params: z.object({
      secret: z
        .string()
        .optional()
        .describe('URI of a user secret with the key password, granted to the application.'),
    }),
  }),
  'rotate-keys': action({
    description: 'On the leader: replace private keys. Nothing but logins is lost; builds go on.',
    params: z.object({
      keys: z
        .enum(['session', 'tsa-host', 'workers', 'all'])
        .describe(
          "session: what signs logins; tsa-host: the SSH gateway's host key; workers: every worker's own key; all: all three.",
        ),
    }),
  }),
  'rotate-encryption-key': action({
    description:
      'On the leader: encrypt secret columns of the database with a new key of the charm; the first time, with a key at all.',
  }),
  'prune-workers': action({
    description: 'On the web unit: make web forget workers that it has given up on.',
    params: z.object({
      worker: z
        .string()
        .optional()
        .describe('Only the worker of this name, also when it has landed. Default: all that are stalled.'),
      'dry-run': z.boolean().default(false).describe('Only say which.'),
    }),
  }),
  'smoke-test': action({
    description:
      'On the web unit: run a one-off build on the workers, and say how long it took and where it ran.',
    params: z.object({
      timeout: timeout('5m', 'How long the build may take, waiting for a worker included.'),
      tag: z.string().optional().describe('Run it on a worker with this tag.'),
    }),
  }),
  'land-worker': action({
    description:
      'On a worker: take no more builds, let those that run end, and stay down until restart-services or a reboot. Name and caches are kept.',
    params: z.object({ timeout: drainTimeout('How long the action waits for builds to end.') }),
  }),
  'retire-worker': action({
    description:
      'On a worker: let builds end, have web forget the worker, and stay down until restart-services.',
    params: z.object({ timeout: drainTimeout('How long builds may take to end before they are ended.') }),
  }),
  'run-migrations': action({
    description:
      'On the web unit: take the database to the schema of the installed release, while web is down. Web does so by itself at each start.',
    params: z.object({
      'dry-run': z
        .boolean()
        .default(false)
        .describe('Only say which schema there is, and which is supported.'),
      force: z.boolean().default(false).describe('Stop web first, although it may be migrating itself.'),
    }),
  }),
  'collect-diagnostics': action({
    description:
      'Collect status, databags, options, settings, logs and the list of files of this unit in one archive, without secrets; says how to fetch it.',
  }),
} as const;
