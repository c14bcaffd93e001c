// A provider of postgresql_client for tests: it writes the databags and secrets of the charm postgresql, grants them when it is
// told to, and has a database of which a test says what lacks in it.
import { charmFiles, defineCharm, json, option, provides } from 'juju-ts-ops';
import { z } from 'zod';
import { type Ask, DatabaseFailure, type DatabaseLogin } from '../../../src/host/host.ts';
import { application, Deployment, type DeploymentOptions } from './deployment.ts';

const text = z.string();
const provider = defineCharm({
  name: 'postgresql',
  summary: 'provides',
  description: 'provides',
  options: { turn: option.int({ default: 0, description: 'Another value is another hook.' }) },
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
type Relations = Parameters<Parameters<typeof provider.implement>[0]['reconcile']>[0];

export class PostgresCharm {
  readonly d: Deployment;
  primary = '10.1.0.5';
  password = 'first-password-of-it';
  tls = { tls: 'False', 'tls-ca': '' };
  /** False: the secrets are named, and not granted yet. */
  grants = true;
  /** As before there were secrets. */
  openly = false;
  /** The requests as they came, by relation. */
  readonly requests = new Map<string, unknown>();
  /** Who talked to the database. */
  readonly sessions: DatabaseLogin[] = [];
  /** Statements that change something there. */
  readonly statements: string[] = [];
  /** Tables that web may not write: `owner`, `name`. A GRANT ends it. */
  lacks: { owner: string; name: string; sequence: boolean }[] = [];
  /** Nobody answers. */
  away = false;
  #turn = 0;

  /** The application without `postgres-uri`, integrated with it unless said otherwise. Nothing has run yet. */
  constructor(options: DeploymentOptions = {}) {
    this.d = new Deployment({ units: 2, ...options, config: { 'postgres-uri': '', ...options.config } });
    for (const unit of this.d.juju.units(application)) {
      this.d.machine(unit).onSession = async (login, _withinMs, work) => {
        this.sessions.push(login);
        if (this.away)
          throw new DatabaseFailure('connect ECONNREFUSED', { code: 'ECONNREFUSED', transient: true });
        return work(this.#answer);
      };
    }
    this.d.cluster.deploy('postgresql', {
      files: charmFiles(provider),
      charm: () =>
        provider.implement({
          reconcile: (hook) => this.#provide(hook),
          teardown: async () => {},
          actions: {},
        }),
    });
  }

  integrate(): number {
    return this.d.juju.integrate(`${application}:postgresql`, 'postgresql:database');
  }

  /** Deployed, integrated, and at rest. */
  static async settled(options: DeploymentOptions = {}): Promise<PostgresCharm> {
    const charm = new PostgresCharm(options);
    charm.integrate();
    await charm.d.cluster.settle();
    return charm;
  }

  /** Its next hook, in which it writes what has changed. */
  async look(): Promise<void> {
    this.#turn += 1;
    this.d.juju.configure('postgresql', { turn: this.#turn });
    await this.d.cluster.settle();
  }

  async #provide(hook: Relations): Promise<void> {
    for (const relation of await hook.relations('database')) {
      if (hook.event.kind === 'relation-broken' && hook.event.relation.id === relation.id) continue;
      const { values: asked } = await relation.application();
      if (asked.database === undefined) continue;
      this.requests.set(relation.id, Object.fromEntries(Object.entries(asked).filter(([, value]) => value)));
      const user = `relation-${relation.id.split(':')[1]}`;
      const uris = `postgresql://${user}:${this.password}@${this.primary}:5432/${asked.database}`;
      const login = { username: user, password: this.password, uris };
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

  readonly #answer: Ask = async (sql) => {
    if (sql.includes('session_user::text')) return [{ session: 'relation-0', acting: 'relation-0' }];
    if (sql.includes('has_table_privilege')) return this.lacks;
    if (sql.includes('pg_has_role')) return [{ role: '"relation-0"' }, { role: 'charmed_concourse_dml' }];
    this.statements.push(sql);
    if (/^SET ROLE operator$/.test(sql))
      throw new DatabaseFailure('permission denied to set role', { code: '42501', transient: false });
    if (sql.startsWith('GRANT')) this.lacks = this.lacks.filter(({ name }) => !sql.includes(name));
    return [];
  };
}

/** Juju takes no empty value in a secret. */
const filled = (content: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== ''));
