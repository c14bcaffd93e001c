// The endpoints that web uses of other applications.
import { requires } from 'juju-ts-ops';
import { certificatesRemote, certificatesUnit } from './certificates.ts';
import { ingressApplication, ingressRemote, ingressUnit } from './ingress.ts';
import { vaultApplication, vaultRemote, vaultUnit } from './vault.ts';

export const webEndpoints = {
  // Written by self-signed-certificates, vault, lego and others.
  certificates: requires({
    interface: 'tls-certificates',
    limit: 1,
    optional: true,
    app: { remote: certificatesRemote },
    unit: { local: certificatesUnit },
  }),
  // Written by traefik-k8s, haproxy and others.
  ingress: requires({
    interface: 'ingress',
    limit: 1,
    optional: true,
    app: { local: ingressApplication, remote: ingressRemote },
    unit: { local: ingressUnit },
  }),
  // Written by vault and vault-k8s.
  'vault-kv': requires({
    interface: 'vault-kv',
    limit: 1,
    optional: true,
    app: { local: vaultApplication, remote: vaultRemote },
    unit: { local: vaultUnit },
  }),
};
