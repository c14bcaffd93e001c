// What the charm declares, and what it does in every hook: a message of the day for whoever logs in to the machine.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { action, type Charm, defineCharm, type HookOf, option, peers } from 'juju-ts-ops';
import * as z from 'zod';

export const definition = defineCharm({
  name: 'motd',
  summary: 'A message of the day',
  description: 'Shows a message to whoever logs in to the machine.',
  assumes: ['juju >= 3.6'],
  options: {
    message: option.string({
      description: 'What is shown.',
      schema: z.string().max(200),
      default: 'This machine is looked after by Juju.',
    }),
    contact: option.string({
      description: 'Whom to write to, an e-mail address.',
      schema: z.email('an e-mail address'),
    }),
  },
  peers: {
    cluster: peers({ interface: 'motd_cluster', unit: z.object({ address: z.string() }) }),
  },
  actions: {
    show: action({ description: 'What this unit shows.', results: z.object({ text: z.string() }) }),
  },
});

/** `root`: the machine's files; tests give a folder. */
export function charm(root = '/'): Charm {
  const file = join(root, 'etc/motd.d/motd');
  return definition.implement({
    // Runs in every hook: makes the machine what it shall be, whatever it was.
    reconcile: async (hook) => {
      const { values, problems } = await hook.config();
      for (const { option, value, accepted } of problems) {
        hook.status.add({ status: 'blocked', message: `${option}=${value}: takes ${accepted}` });
      }
      const lines = [values.message];
      if (values.contact !== undefined) lines.push(`Contact: ${values.contact}`);
      const others = await otherAddresses(hook);
      if (others.length > 0) lines.push(`The others: ${others.join(', ')}`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${lines.join('\n')}\n`);
      hook.status.add({ status: 'active' });
    },
    // Runs where the unit is being removed.
    teardown: () => rm(file, { force: true }),
    actions: {
      show: async () => ({ text: await readFile(file, 'utf8') }),
    },
  });
}

/** Tells the other units this one's address, and resolves to theirs. */
async function otherAddresses(hook: HookOf<typeof definition>): Promise<string[]> {
  const cluster = await hook.peer('cluster');
  if (cluster === undefined) return [];
  const [address] = (await hook.network('cluster')).ingressAddresses;
  cluster.setUnit({ address });
  const others = await Promise.all((await cluster.units()).map((unit) => cluster.unit(unit)));
  return others.flatMap(({ values }) => values.address ?? []).toSorted();
}
