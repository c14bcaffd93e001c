// The endpoints that web uses of other applications.
import { requires } from 'juju-ts-ops';
import { ingressApplication, ingressRemote, ingressUnit } from './ingress.ts';

export const webEndpoints = {
  // Written by traefik-k8s, haproxy and others.
  ingress: requires({
    interface: 'ingress',
    limit: 1,
    optional: true,
    app: { local: ingressApplication, remote: ingressRemote },
    unit: { local: ingressUnit },
  }),
};
