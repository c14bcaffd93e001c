// The endpoint `postgresql` as it is declared to Juju: provided by the charms postgresql, postgresql-k8s, pgbouncer and
// pgbouncer-k8s. What the keys mean: docs/reference/databags.md.
import { json, requires } from 'juju-ts-ops';
import { z } from 'zod';

const text = z.string();

export const postgresql = requires({
  interface: 'postgresql_client',
  limit: 1,
  optional: true,
  app: {
    local: z.object({ database: text, 'requested-secrets': json(z.array(text)) }),
    remote: z.object({
      'secret-user': text,
      'secret-tls': text,
      endpoints: text,
      'read-only-endpoints': text,
      database: text,
      version: text,
      username: text,
      password: text,
      uris: text,
      tls: text,
      'tls-ca': text,
    }),
  },
  unit: { remote: z.object({ host: text, port: text, database: text, user: text, password: text }) },
});
