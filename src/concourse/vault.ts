// Vault as the source of pipelines' secrets: from a relation or from options, with the caching without which Concourse asks Vault at
// every look at every pipeline.
import { z } from 'zod';
import type { Environment } from './environment-file.ts';

/** What the other side of the relation `vault-kv` gives web. */
export interface VaultAccess {
  url: string;
  /** Of the store that is this application's: `charm-concourse-ci-concourse`. */
  mount: string;
  roleId: string;
  roleSecretId: string;
}

/** Ours with a relation: whatever else is set would belong to another Vault. */
const ofRelation =
  /^CONCOURSE_VAULT_(URL|CA_CERT|SERVER_NAME|AUTH_BACKEND|AUTH_PARAM|CLIENT_TOKEN|CLIENT_TOKEN_PATH|CLIENT_CERT|CLIENT_KEY)$/;

/** `extra` with Vault's settings; as it is where there is no Vault. What `extra` sets counts, but for how a relation's Vault is reached. */
export function vaultEnvironment(given: {
  extra: Environment;
  relation: VaultAccess | undefined;
  /** The path of the file with the authority that vouches for Vault. */
  caPath: string | undefined;
  /** The release knows that setting. */
  mountCache: boolean;
}): Environment {
  const { extra, relation, caPath, mountCache } = given;
  if (relation === undefined && extra['CONCOURSE_VAULT_URL'] === undefined) return extra;
  const defaults: Environment = {
    CONCOURSE_SECRET_CACHE_ENABLED: 'true',
    CONCOURSE_SECRET_CACHE_DURATION: '5m',
    CONCOURSE_SECRET_CACHE_DURATION_NOTFOUND: '1m',
    ...(mountCache && { CONCOURSE_VAULT_ENABLE_KV_MOUNT_CACHE: 'true' }),
    ...(caPath !== undefined && { CONCOURSE_VAULT_CA_CERT: caPath }),
  };
  if (relation === undefined) return { ...defaults, ...extra };
  const others = Object.fromEntries(Object.entries(extra).filter(([name]) => !ofRelation.test(name)));
  return {
    ...defaults,
    CONCOURSE_VAULT_PATH_PREFIX: `/${relation.mount}`,
    ...others,
    CONCOURSE_VAULT_URL: relation.url,
    CONCOURSE_VAULT_AUTH_BACKEND: 'approle',
    CONCOURSE_VAULT_AUTH_PARAM: `role_id:${relation.roleId},secret_id:${relation.roleSecretId}`,
  };
}

/** `/concourse`: with the slash, which people leave out. */
export const vaultPrefix = z
  .string()
  .trim()
  .regex(/^\/?[^\s/]+(?:\/[^\s/]+)*$/, 'a path in Vault, such as /concourse')
  .transform((text) => (text.startsWith('/') ? text : `/${text}`));
