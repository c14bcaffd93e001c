// What web has from Vault's side of the relation `vault-kv`.
import { NotFound, PermissionDenied } from 'juju-ts-ops';
import type { VaultAccess } from '../concourse/vault.ts';
import type { Status } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';

/** `access` is undefined without the relation. */
export type Vault = { access: VaultAccess | undefined; ca: string | undefined } | { missing: Status };

export async function readVault({ hook, memory }: Session): Promise<Vault> {
  if (memory.related?.includes('vault-kv') !== true) return { access: undefined, ca: undefined };
  const [relation] = await hook.relations('vault-kv');
  const missing = statuses.vaultSilent((await relation?.remoteApplication()) ?? 'vault');
  const told = (await relation?.application())?.values;
  const { nonce } = (await relation?.local())?.values ?? {};
  const uri = told?.credentials?.[nonce ?? ''];
  if (told?.vault_url === undefined || told.mount === undefined || uri === undefined) return { missing };
  const credentials = await granted(hook, uri);
  const { 'role-id': roleId, 'role-secret-id': roleSecretId } = credentials ?? {};
  // Each would cut the list of parameters.
  if (roleId === undefined || roleSecretId === undefined || /[,:\n]/.test(roleId + roleSecretId))
    return { missing };
  const mount = told.mount.replace(/\/$/, '');
  return { access: { url: told.vault_url, mount, roleId, roleSecretId }, ca: told.ca_certificate };
}

/** Undefined as long as it was not granted: the databag may come before the grant. */
async function granted(hook: Session['hook'], uri: string) {
  try {
    return await hook.secrets.get(uri, 'refresh');
  } catch (error) {
    if (error instanceof PermissionDenied || error instanceof NotFound) return undefined;
    throw error;
  }
}
