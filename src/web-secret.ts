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
  /** What web encrypts the database's rows with, and what it did before: 32 characters each. There since the first
   * `rotate-encryption-key`. */
  'encryption-key': z.string().optional(),
  'old-encryption-key': z.string().optional(),
  /** One more each time that an action changes what is in here. */
  revision: z.coerce.number().int().default(1),
});

export type WebSecret = z.infer<typeof webSecretSchema>;

export async function makeWebSecret(random: Random): Promise<Record<string, string>> {
  const [host, session] = await Promise.all([random.rsaKey(), random.rsaKey()]);
  return {
    'tsa-host-key': host.privatePem,
    'tsa-host-key-pub': host.publicSsh,
    'session-signing-key': session.privatePem,
    // Letters and digits only: Concourse reads `:` and `,` as separators.
    'admin-password': random.bytes(24).toString('hex'),
  };
}
