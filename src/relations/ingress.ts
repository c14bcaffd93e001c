// The `ingress` endpoint, interface ingress v2 as traefik_k8s.v2.ingress has it: every value is JSON, and the other side takes an
// application only when each of its units tells a host.
import { json } from 'juju-ts-ops';
import { z } from 'zod';

export const ingressApplication = z.object({
  model: json(z.string()),
  name: json(z.string()),
  port: json(z.int()),
  /** Of the requests that ingress sends to web. */
  scheme: json(z.enum(['http', 'https'])),
  'strip-prefix': json(z.boolean()),
  'redirect-https': json(z.boolean()),
});
export const ingressUnit = z.object({ host: json(z.string()), ip: json(z.string()) });
export const ingressRemote = z.object({ ingress: json(z.object({ url: z.url({ protocol: /^https?$/ }) })) });

/** The URL that people use behind an ingress, without its last slash; or why it cannot be that of Concourse. */
export function ingressUrl(url: string): { url: string } | { problem: string } {
  const { pathname, origin } = new URL(url);
  if (pathname === '/') return { url: origin };
  return {
    problem: `Concourse cannot be served below ${pathname}: give it a name of its own (traefik: routing_mode=subdomain)`,
  };
}
