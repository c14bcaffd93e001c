// What the charm declares: the YAML files beside it are written from this.
import { action, defineCharm, type HookOf, option, requires } from 'juju-ts-ops';
import * as z from 'zod';

const absolutePaths = z
  .string()
  .transform((text) => text.split(/\s+/).filter((word) => word !== ''))
  .pipe(
    z.array(z.string().startsWith('/', 'absolute paths, separated by blanks')).min(1, 'at least one path'),
  );

export const definition = defineCharm({
  name: 'restic-backup',
  summary: 'Encrypted backups of a machine to S3',
  description:
    'Backs up folders of the machine with restic, by a timer of systemd, to a bucket that s3-integrator names.',
  assumes: ['juju >= 3.6'],
  options: {
    paths: option.string({ description: 'What is backed up.', schema: absolutePaths, default: '/etc /srv' }),
    schedule: option.string({
      description: 'When, as systemd writes it (OnCalendar).',
      schema: z.enum(['hourly', 'daily', 'weekly', 'monthly']),
      default: 'daily',
    }),
  },
  requires: {
    's3-credentials': requires({
      interface: 's3',
      limit: 1,
      // canonical/charm-relation-interfaces, s3 v0: all of it lies in the applications' databags.
      app: {
        local: z.object({ bucket: z.string() }),
        remote: z.object({
          bucket: z.string(),
          endpoint: z.string(),
          region: z.string(),
          path: z.string(),
          'access-key': z.string(),
          'secret-key': z.string(),
        }),
      },
    }),
  },
  actions: {
    backup: action({ description: 'Back up now.', results: z.object({ seconds: z.number() }) }),
  },
});

export type Hook = HookOf<typeof definition>;
