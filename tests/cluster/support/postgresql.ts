// The provider of the relation `postgresql` beside a deployment, with a database of which a test says what lacks in it.
import { type Ask, DatabaseFailure, type DatabaseLogin } from '../../../src/host/host.ts';
import { PostgresProvider } from '../../support/providers/postgresql.ts';
import { application, Deployment, type DeploymentOptions } from './deployment.ts';

export class PostgresCharm extends PostgresProvider {
  readonly d: Deployment;
  /** Who talked to the database. */
  readonly sessions: DatabaseLogin[] = [];
  /** Statements that change something there. */
  readonly statements: string[] = [];
  /** Tables that web may not write: `owner`, `name`. A GRANT ends it. */
  lacks: { owner: string; name: string; sequence: boolean }[] = [];
  /** Nobody answers. */
  away = false;

  /** The application without `postgres-uri`, integrated with it unless said otherwise. Nothing has run yet. */
  constructor(options: DeploymentOptions = {}) {
    const d = new Deployment({ units: 2, ...options, config: { 'postgres-uri': '', ...options.config } });
    super(d.stage);
    this.d = d;
    for (const unit of d.juju.units(application)) {
      d.machine(unit).onSession = async (login, _withinMs, work) => {
        this.sessions.push(login);
        if (this.away)
          throw new DatabaseFailure('connect ECONNREFUSED', { code: 'ECONNREFUSED', transient: true });
        return work(this.#answer);
      };
    }
  }

  /** Deployed, integrated, and at rest. */
  static async settled(options: DeploymentOptions = {}): Promise<PostgresCharm> {
    const charm = new PostgresCharm(options);
    charm.integrate();
    await charm.d.cluster.settle();
    return charm;
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
