// Every hook makes the machine what option, relation and secret say, or tells what is missing.
import { randomBytes } from 'node:crypto';
import { ActionFailure, type Charm } from 'juju-ts-ops';
import { definition, type Hook } from './definition.ts';
import type { Machine } from './machine.ts';
import { environment, files, type Repository, service, timer } from './restic.ts';

export { definition };

const password = { label: 'repository-password' };

export function charm(machine: Machine): Charm {
  return definition.implement({
    reconcile: async (hook) => {
      const { values, problems } = await hook.config();
      for (const { option, value, accepted } of problems) {
        hook.status.add({ status: 'blocked', message: `${option}=${value}: takes ${accepted}` });
      }
      const repository = await repositoryOf(hook);
      if (repository === undefined) return await stop(machine);

      if (!(await machine.has('restic'))) {
        await hook.progress('installing restic');
        await machine.run('apt-get', ['install', '--yes', 'restic']);
      }
      const changed = [
        await machine.write(files.environment, environment(repository), 0o600),
        await machine.write(files.service, service(values.paths), 0o644),
        await machine.write(files.timer, timer(values.schedule), 0o644),
      ];
      if (changed.includes(true)) {
        await machine.run('systemctl', ['daemon-reload']);
        await machine.run('systemctl', ['enable', 'restic-backup.timer']);
        await machine.run('systemctl', ['restart', 'restic-backup.timer']);
      }
      hook.status.add({ status: 'active', message: `${values.paths.join(', ')}: ${values.schedule}` });
    },

    teardown: () => stop(machine),

    actions: {
      backup: async () => {
        if (!(await machine.has(files.service)))
          throw new ActionFailure('nothing is set up yet: juju status says what is missing');
        const begun = performance.now();
        // A oneshot service: this ends when the backup has.
        const { code } = await machine.run('systemctl', ['start', 'restic-backup.service'], {
          mayFail: true,
        });
        if (code !== 0)
          throw new ActionFailure(
            'the backup failed: see journalctl -u restic-backup.service on the machine',
          );
        return { seconds: Math.round((performance.now() - begun) / 1000) };
      },
    },
  });
}

/** Where to and with which keys; `undefined` as long as something is missing, which the status then says. */
async function repositoryOf(hook: Hook): Promise<Repository | undefined> {
  const [relation] = await hook.relations('s3-credentials');
  if (relation === undefined) {
    hook.status.add({ status: 'blocked', message: `juju integrate ${hook.application} s3-integrator` });
    return undefined;
  }
  // The provider answers to who asks for a bucket; its own option goes before this name.
  if (await hook.isLeader())
    await relation.setApplication({ bucket: `${hook.model.name}-${hook.application}` });
  const { bucket, 'access-key': key, 'secret-key': secret, ...rest } = (await relation.application()).values;
  const secretOfAll = await repositoryPassword(hook);
  if (bucket === undefined || key === undefined || secret === undefined || secretOfAll === undefined) {
    const by = secretOfAll === undefined ? 'the leader' : await relation.remoteApplication();
    hook.status.add({ status: 'waiting', message: `waiting for ${by}` });
    return undefined;
  }
  hook.mask(secret);
  const folder = [bucket, rest.path, hook.model.uuid, hook.unit.replace('/', '-')];
  return {
    url: `s3:${rest.endpoint ?? 'https://s3.amazonaws.com'}/${folder.filter((part) => part).join('/')}`,
    region: rest.region,
    key,
    secret,
    password: secretOfAll,
  };
}

/** Of the application: the leader makes it, once, and every unit may read it. */
async function repositoryPassword(hook: Hook): Promise<string | undefined> {
  const known = await hook.secrets.get(password);
  if (known !== undefined || !(await hook.isLeader())) return known?.password;
  const made = randomBytes(24).toString('base64url');
  await hook.secrets.add({ password: made }, password);
  return made;
}

async function stop(machine: Machine): Promise<void> {
  if (!(await machine.has(files.timer))) return;
  await machine.run('systemctl', ['disable', '--now', 'restic-backup.timer']);
  for (const path of Object.values(files)) await machine.remove(path);
  await machine.run('systemctl', ['daemon-reload']);
}
