// The `certificates` endpoint, interface tls-certificates as the libraries v1 to v4 have it: web asks by signing requests in its unit's
// databag, and finds the answers by the same requests in the other application's.
import { json } from 'juju-ts-ops';
import { z } from 'zod';

export const certificatesUnit = z.object({
  certificate_signing_requests: json(
    z.array(z.object({ certificate_signing_request: z.string(), ca: z.boolean() })),
  ),
});
export const certificatesRemote = z.object({
  certificates: json(
    z.array(
      z.object({
        certificate: z.string(),
        certificate_signing_request: z.string(),
        ca: z.string().default(''),
        chain: z.array(z.string()).default([]),
        revoked: z.boolean().nullish(),
      }),
    ),
  ),
});
export type Answer = NonNullable<z.output<typeof certificatesRemote>['certificates']>[number];

/** A request with the key that never leaves the machine; on web's own disk, the latest last. */
export const requestsSchema = z.array(
  z.object({ names: z.array(z.string()), key: z.string(), csr: z.string(), madeAt: z.number() }),
);
export type SigningRequest = z.infer<typeof requestsSchema>[number];
