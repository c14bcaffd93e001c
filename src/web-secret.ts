// The application's secret: web's private keys and the admin's password, made once by the leader, read by web units.
import { z } from 'zod';
import type { Random } from './host/host.ts';

export const webSecretSchema = z.object({
  /** PEM; the SSH gateway's host key, and its public line for workers. */
  'tsa-host-key': z.string(),
  'tsa-host-key-pub': z.string(),
  /** PEM; signs sessions. */
  'session-signing-key': z.string(),
  'admin-password': z.string(),
});

export type WebSecret = z.infer<typeof webSecretSchema>;

export async function makeWebSecret(random: Random): Promise<WebSecret> {
  const [host, session] = await Promise.all([random.rsaKey(), random.rsaKey()]);
  return {
    'tsa-host-key': host.privatePem,
    'tsa-host-key-pub': host.publicSsh,
    'session-signing-key': session.privatePem,
    // Letters and digits only: Concourse reads `:` and `,` as separators.
    'admin-password': random.bytes(24).toString('hex'),
  };
}
