// The actions for everyday operation, as Juju is told of them: maintenance windows, workers, keys, the database, finding out what
// is wrong. Those of upgrades and of the volume stand in definition.ts.
import { action } from 'juju-ts-ops';
import { z } from 'zod';
import { sha256Schema, versionSchema } from './release/version.ts';

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
    description: 'On the leader: end the hold. An upgrade that has been asked for meanwhile starts at once.',
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
} as const;
