// A provider of postgresql_client: it writes the databags and secrets of the charm postgresql, and grants them when it is told to.
import { defineCharm, json, provides } from 'juju-ts-ops';
import { z } from 'zod';
import { Provider, type Stage } from './stage.ts';

const text = z.string();
const charm = defineCharm({
  name: 'postgresql',
  summary: 'provides',
  description: 'provides',
  provides: {
    database: provides({
      interface: 'postgresql_client',
      app: {
        local: z.object({
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
        remote: z.object({
          database: text,
          'requested-secrets': json(z.array(text)),
          'extra-user-roles': text,
        }),
      },
    }),
  },
});
type Hook = Parameters<Parameters<typeof charm.implement>[0]['reconcile']>[0];

export interface Granted {
  username: string;
  password: string;
  database: string;
}

export class PostgresProvider extends Provider {
  primary = '10.1.0.5';
  password = 'first-password-of-it';
  tls = { tls: 'False', 'tls-ca': '' };
  /** False: the secrets are named, and not granted yet. */
  grants = true;
  /** As before there were secrets. */
  openly = false;
  /** The requests as they came, by relation. */
  readonly requests = new Map<string, unknown>();
  /** Makes the login real, before it is told. */
  make: (login: Granted) => void = () => {};

  constructor(stage: Stage) {
    super(stage, 'postgresql', 'postgresql:database');
    const reconcile = (hook: Hook) => this.#provide(hook);
    stage.play('postgresql', charm.implement({ reconcile, teardown: async () => {}, actions: {} }));
  }

  async #provide(hook: Hook): Promise<void> {
    for (const relation of await hook.relations('database')) {
      if (hook.event.kind === 'relation-broken' && hook.event.relation.id === relation.id) continue;
      const { values: asked } = await relation.application();
      if (asked.database === undefined) continue;
      this.requests.set(relation.id, Object.fromEntries(Object.entries(asked).filter(([, value]) => value)));
      const user = `relation-${relation.id.split(':')[1]}`;
      const uris = `postgresql://${user}:${this.password}@${this.primary}:5432/${asked.database}`;
      const login = { username: user, password: this.password, uris };
      this.make({ username: user, password: this.password, database: asked.database });
      const said = {
        database: asked.database,
        version: '16.9',
        endpoints: `${this.primary}:5432`,
        'read-only-endpoints': '10.1.0.6:5432',
      };
      if (this.openly) {
        await relation.setApplication({ ...said, ...login, ...this.tls });
        continue;
      }
      const told = (await relation.localApplication()).values;
      const secret = async (key: 'secret-user' | 'secret-tls', content: Record<string, string>) => {
        const known = told[key];
        if (known === undefined) return hook.secrets.add(content, { label: `${relation.id}.${key}` });
        await hook.secrets.set(known, content);
        return known;
      };
      const secrets = {
        'secret-user': await secret('secret-user', login),
        'secret-tls': await secret('secret-tls', filled(this.tls)),
      };
      if (this.grants) for (const uri of Object.values(secrets)) await hook.secrets.grant(uri, relation);
      await relation.setApplication({ ...said, ...secrets });
    }
  }
}

/** Juju takes no empty value in a secret. */
const filled = (content: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== ''));
