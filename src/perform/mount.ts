// Effects on the mount unit of a shared volume.
import { mountUnitName } from '../concourse/mount-unit.ts';
import { SystemdFailure } from '../host/errors.ts';
import type { Host } from '../host/host.ts';
import { mountSecretPath } from '../observe/filesystem-view.ts';
import type { MountPlan } from '../observed.ts';
import type { Session } from '../session.ts';
import { fail } from './failure.ts';
import { makeEtc, replaceFile } from './files.ts';

/** Bounded by the unit's own TimeoutSec. A volume that is mounted already stays so: what is new counts from its next mount on. */
export async function mountVolume({ hook, host }: Session, plan: MountPlan): Promise<void> {
  const name = mountUnitName(host.paths.volume);
  if (plan.key !== undefined) {
    await makeEtc(host);
    await replaceFile(host.files, { path: mountSecretPath(host), content: `${plan.key}\n`, mode: 0o600 });
  }
  await host.services.install(name, plan.unit);
  await host.services.enable(name);
  try {
    await host.services.start(name);
  } catch (error) {
    if (!(error instanceof SystemdFailure)) throw error;
    hook.log.warning(error.message);
    fail('mount', `mount ${plan.what}: ${await reason(host, name, error)}`, true);
  }
  hook.log.info(`${plan.what} is mounted at ${host.paths.volume}`);
}

/** What mount(8) said; in a container that may not mount, that is all that there is to say. */
async function reason(host: Host, name: string, failure: SystemdFailure): Promise<string> {
  const invocation = (await host.services.show([name]))[name]?.invocation ?? '';
  const lines = await host.services.log(name, { invocation, containing: ['mount'] });
  const said = lines.findLast((line) => /^mount\b/.test(line)) ?? failure.message;
  const virtual = await host.commands.run('systemd-detect-virt', ['--container'], { timeoutMs: 5_000 });
  const container = virtual.stdout.trim();
  return virtual.code === 0 && container !== 'none'
    ? `${said} (a container, ${container}, may not mount)`
    : said;
}

/** Fails while somebody uses it. */
export async function unmountVolume({ hook, host }: Pick<Session, 'hook' | 'host'>): Promise<void> {
  await host.services.uninstall(mountUnitName(host.paths.volume));
  await host.files.remove(mountSecretPath(host));
  hook.log.info(`${host.paths.volume} is not mounted any more`);
}
