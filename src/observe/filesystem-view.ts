// What the relation `filesystem` wants mounted at the volume's path, and what the charm has put there for it.
import path from 'node:path';
import { NotFound, PermissionDenied } from 'juju-ts-ops';
import { isMountUnitOf, mountUnitFile, mountUnitName } from '../concourse/mount-unit.ts';
import type { Host } from '../host/host.ts';
import type { FilesystemView, MountPlan, Status } from '../observed.ts';
import { parseEndpoint, type Source } from '../relations/filesystem.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';

/** A CephFS user's key. */
export const mountSecretPath = (host: Host): string => path.join(host.paths.etc, 'volume_key');
export const mountUnitPath = (host: Host): string =>
  path.join(host.paths.systemd, mountUnitName(host.paths.volume));

export async function viewFilesystem(session: Session): Promise<FilesystemView> {
  const { hook, host } = session;
  const wanted = session.memory.filesystem === true ? await wantedMount(session) : undefined;
  const text = await host.files.readText(mountUnitPath(host));
  const ours = isMountUnitOf(hook.application, text);
  return {
    wanted,
    ours,
    current: wanted !== undefined && 'unit' in wanted && ours && text === wanted.unit,
  };
}

async function wantedMount(session: Session): Promise<MountPlan | { missing: Status }> {
  const { hook, host } = session;
  const [relation] = await hook.relations('filesystem');
  const endpoint = (await relation?.application())?.values.endpoint;
  const remote = await relation?.remoteApplication();
  if (endpoint === undefined) return { missing: statuses.filesystemUnknownYet(remote ?? 'the file server') };
  const parsed = parseEndpoint(endpoint, mountSecretPath(host));
  if (!parsed.ok) return { missing: statuses.filesystemUnfit(`${remote}: ${parsed.problem}`) };
  const { source } = parsed;
  if (!(await hasProgram(host, source))) {
    return { missing: statuses.mountProgramMissing(hook.application, source.package, source.program) };
  }
  const key = await keyOf(session, source);
  if (typeof key === 'object') return key;
  return { unit: mountUnitFile(hook.application, host.paths.volume, source), what: source.what, key };
}

async function hasProgram({ files, paths }: Host, { program }: Source): Promise<boolean> {
  for (const directory of ['usr/sbin', 'sbin'])
    if ((await files.stat(path.join(paths.root, directory, program))) !== undefined) return true;
  return false;
}

async function keyOf({ hook }: Session, { auth }: Source): Promise<string | undefined | { missing: Status }> {
  if (auth === undefined) return undefined;
  if ('plain' in auth) {
    hook.mask(auth.plain);
    return auth.plain;
  }
  const unreadable = { missing: statuses.filesystemUnfit('the key for cephfs was not granted to us') };
  try {
    return (await hook.secrets.get(auth.secret, 'refresh'))?.['key'] ?? unreadable;
  } catch (error) {
    if (error instanceof PermissionDenied || error instanceof NotFound) return unreadable;
    throw error;
  }
}
