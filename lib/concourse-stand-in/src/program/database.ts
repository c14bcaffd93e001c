// What the real one keeps in PostgreSQL: the schema's number and the workers. Webs that name the same database share it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { behaviour, supportedSchema, version } from './build.ts';
import { fail } from './log.ts';
import { Folder, type Store, Table } from './store.ts';

export type WorkerState = 'running' | 'stalled' | 'landing' | 'landed' | 'retiring';

export interface StoredWorker {
  name: string;
  version: string;
  state: WorkerState;
  /** When it last had a connection, ms since the epoch. */
  seen: number;
}

export interface StoredBuild {
  id: number;
  /** ms since the epoch. */
  begun: number;
  /** The worker that has taken its task, and when. */
  worker?: { name: string; since: number };
  aborted?: boolean;
}

export class Database {
  readonly #store: Store;

  /** Ends the program when the database cannot be had. */
  static async open(): Promise<Database> {
    const { env } = process;
    const sslMode = env.CONCOURSE_POSTGRES_SSLMODE ?? 'disable';
    if (!['disable', 'require', 'verify-ca', 'verify-full'].includes(sslMode)) {
      fail(`Invalid value \`${sslMode}' for option \`--postgres-sslmode'`);
    }
    const user = env.CONCOURSE_POSTGRES_USER;
    if (!user) return fail('failed to connect to database: no PostgreSQL user name given');
    const ca = env.CONCOURSE_POSTGRES_CA_CERT;
    if (behaviour().database !== 'postgresql') return new Database(new Folder(placeOf(env)));
    const credentials = {
      host: env.CONCOURSE_POSTGRES_HOST ?? '127.0.0.1',
      port: Number(env.CONCOURSE_POSTGRES_PORT ?? '5432'),
      user,
      password: env.CONCOURSE_POSTGRES_PASSWORD ?? '',
      database: env.CONCOURSE_POSTGRES_DATABASE ?? 'atc',
      ...(sslMode !== 'disable' && { tls: { ca: ca ? readFileSync(ca) : undefined } }),
    };
    return new Database(await Table.open(credentials));
  }

  private constructor(store: Store) {
    this.#store = store;
  }

  /** See `Store.reached`. */
  reached(): Promise<void> {
    return this.#store.reached();
  }

  schema(): number {
    return Number(this.#store.read('schema') ?? '0');
  }

  migrate(schema: number): void {
    this.#store.write('schema', `${schema}\n`);
    const history = this.#store.read('migrations_history') ?? '';
    this.#store.write('migrations_history', `${history}${schema} by ${version}\n`);
  }

  /** At a start: up, never down. Like the real one it says nothing about a schema that is newer. */
  migrateUp(): void {
    if (this.schema() < supportedSchema) this.migrate(supportedSchema);
  }

  workers(ttlMs: number, connected: ReadonlySet<string>): StoredWorker[] {
    return this.#store
      .names('workers/')
      .flatMap((name) => parseWorker(this.#store.read(name)) ?? [])
      .map((worker) => {
        const gone = !connected.has(worker.name) && Date.now() - worker.seen > ttlMs;
        return gone && worker.state === 'running' ? { ...worker, state: 'stalled' } : worker;
      });
  }

  worker(name: string): StoredWorker | undefined {
    return parseWorker(this.#store.read(nameOf(name)));
  }

  save(worker: StoredWorker): void {
    this.#store.write(nameOf(worker.name), JSON.stringify(worker));
  }

  builds(): StoredBuild[] {
    return this.#store
      .names('builds/')
      .flatMap((name) => {
        const text = this.#store.read(name);
        return text === undefined ? [] : [JSON.parse(text) as StoredBuild];
      })
      .sort((left, right) => left.id - right.id);
  }

  saveBuild(build: StoredBuild): void {
    this.#store.write(`builds/${build.id}.json`, JSON.stringify(build));
  }

  forget(name: string): void {
    this.#store.remove(nameOf(name));
  }
}

const nameOf = (worker: string): string => `workers/${encodeURIComponent(worker)}.json`;

const parseWorker = (text: string | undefined): StoredWorker | undefined =>
  text === undefined ? undefined : (JSON.parse(text) as StoredWorker);

/** Where a server's socket would be, lies the database; for a server on the network, in the temporary directory. */
function placeOf(env: NodeJS.ProcessEnv): string {
  const database = env.CONCOURSE_POSTGRES_DATABASE ?? 'atc';
  const socket = env.CONCOURSE_POSTGRES_SOCKET;
  if (socket !== undefined) return join(socket, encodeURIComponent(database));
  const server = `${env.CONCOURSE_POSTGRES_HOST ?? '127.0.0.1'}:${env.CONCOURSE_POSTGRES_PORT ?? '5432'}`;
  const key = createHash('sha256').update(`${server}/${database}`).digest('hex').slice(0, 16);
  return join(env.CONCOURSE_STAND_IN_DB ?? join(tmpdir(), 'concourse-stand-in-db'), key);
}

/** `migrate`: one flag, one number or nothing on stdout. */
export async function migrateCommand(flags: Record<string, string>): Promise<void> {
  const print = (value: number): boolean => process.stdout.write(`${value}\n`);
  const wanted = flags['migrate-db-to-version'];
  if ('supported-db-version' in flags) print(supportedSchema);
  else if ('current-db-version' in flags) print((await Database.open()).schema());
  else if ('migrate-to-latest-version' in flags) await migrateTo(supportedSchema);
  else if (wanted === undefined) fail('must specify one of the migrate flags');
  // Only a newer program knows the way down, and none knows a schema that it never heard of.
  else if (!/^\d+$/.test(wanted) || Number(wanted) > supportedSchema)
    fail(`migration ${wanted}: file does not exist`);
  else await migrateTo(Number(wanted));
  // A connection that is open would hold the process.
  process.exit(0);
}

async function migrateTo(schema: number): Promise<void> {
  const database = await Database.open();
  database.migrate(schema);
  await database.reached();
}
