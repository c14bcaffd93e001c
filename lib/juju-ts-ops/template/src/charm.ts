// What the charm declares, and what it does in every hook: a message of the day for whoever logs in to the machine.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Charm, defineCharm, option } from 'juju-ts-ops';
import * as z from 'zod';

export const definition = defineCharm({
  name: 'my-charm',
  summary: 'A message of the day',
  description: 'Shows a message to whoever logs in to the machine.',
  assumes: ['juju >= 3.6'],
  options: {
    message: option.string({
      description: 'What is shown.',
      schema: z.string().max(200),
      default: 'This machine is looked after by Juju.',
    }),
  },
});

/** `root`: the machine's files; tests give a folder. */
export function charm(root = '/'): Charm {
  const file = join(root, 'etc/motd.d/my-charm');
  return definition.implement({
    // Runs in every hook: makes the machine what it shall be, whatever it was.
    reconcile: async (hook) => {
      const { values, problems } = await hook.config();
      for (const { option, value, accepted } of problems) {
        hook.status.add({ status: 'blocked', message: `${option}=${value}: takes ${accepted}` });
      }
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${values.message}\n`);
      hook.status.add({ status: 'active' });
    },
    // Runs where the unit is being removed.
    teardown: () => rm(file, { force: true }),
  });
}
