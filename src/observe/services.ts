// A service as it really runs: which release and which configuration, by the environment of its process; and whose it is.
import path from 'node:path';
import { CONFIGURATION_MARK, RELEASE_MARK } from '../concourse/configuration-hash.ts';
import { ownerOf } from '../concourse/unit-file.ts';
import type { ServiceState } from '../host/host.ts';
import type { ServiceView } from '../observed.ts';
import type { Session } from '../session.ts';
import { folderOfUnit } from '../storage/layout.ts';

export async function viewService(
  session: Pick<Session, 'hook' | 'host'>,
  name: string,
  state: ServiceState | undefined,
): Promise<ServiceView> {
  const up = state !== undefined && ['active', 'activating', 'reloading'].includes(state.active);
  return {
    up,
    enabled: state?.enabled ?? false,
    runningVersion: state?.environment?.[RELEASE_MARK],
    runningConfiguration: state?.environment?.[CONFIGURATION_MARK],
    restarts: state?.restarts ?? 0,
    invocation: state?.invocation ?? '',
    otherUnit: await otherUnit(session, name),
  };
}

/** The unit file names its owner. One whose agent is gone from this machine owns nothing any more. */
export async function otherUnit(
  { hook, host }: Pick<Session, 'hook' | 'host'>,
  service: string,
): Promise<string | undefined> {
  const text = await host.files.readText(path.join(host.paths.systemd, service));
  const owner = ownerOf(text);
  if (owner === undefined || owner === hook.unit || !/^[a-z0-9-]+\/[0-9]+$/.test(owner)) return undefined;
  const agent = path.join(host.paths.root, 'var/lib/juju/agents', `unit-${folderOfUnit(owner)}`);
  return (await host.files.stat(agent)) === undefined ? undefined : owner;
}
