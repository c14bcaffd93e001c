// The options that say how units are upgraded. Part of the definition.
import { option } from 'juju-ts-ops';
import { z } from 'zod';
import { durationSchema } from './duration.ts';

export const upgradeOptions = {
  'upgrade-strategy': option.string({
    schema: z.enum(['together', 'rolling', 'canary']),
    default: 'together',
    description:
      'How workers follow web to a release. together: all stop, web switches, all start; rolling: max-unavailable at a time, once web has switched; canary: one, and the others after the action resume. Where Concourse gives no builds to workers of before, always together.',
  }),
  'max-unavailable': option.int({
    schema: z.int().min(1).max(1000),
    default: 1,
    description:
      'How many workers move to another release at a time, with upgrade-strategy=rolling or canary.',
  }),
  'upgrade-ready-timeout': option.string({
    schema: durationSchema,
    default: '2m',
    description: 'How long the installer waits for workers to stop before it switches without them.',
  }),
  'upgrade-complete-timeout': option.string({
    schema: durationSchema,
    default: '5m',
    description:
      'How long a stopped worker waits for the upgrade to complete before it starts what is installed.',
  }),
  'require-backup': option.boolean({
    default: false,
    description:
      'While true, a switch that migrates the database begins only after upgrade (or rollback) backup-done=true.',
  }),
  'upgrade-hold': option.boolean({
    default: false,
    description:
      'While true, a refresh of the charm leaves Concourse alone: only the option version or the action upgrade changes it.',
  }),
};
