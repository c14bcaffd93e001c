// The `vault-kv` endpoint, as Vault's charms have it: each unit asks with a nonce of its own, and is answered by the URI of a secret.
import { json } from 'juju-ts-ops';
import { z } from 'zod';

export const vaultApplication = z.object({ mount_suffix: z.string() });
export const vaultUnit = z.object({ egress_subnet: z.string(), nonce: z.string() });
export const vaultRemote = z.object({
  vault_url: z.url({ protocol: /^https?$/ }),
  ca_certificate: z.string(),
  mount: z.string().regex(/^[^\s/]+(?:\/[^\s/]+)*\/?$/),
  /** By nonce. */
  credentials: json(z.record(z.string(), z.string())),
});

/** Of the unit's own secret in which the nonce outlives a change of roles. */
export const NONCE_LABEL = 'vault-kv-nonce';
