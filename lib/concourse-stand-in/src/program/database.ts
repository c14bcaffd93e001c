// What the real one keeps in PostgreSQL, in a directory: the schema's number and the workers. Webs that name the same
// database share it, as they would.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { supportedSchema, version } from './build.ts';
import { fail } from './log.ts';

export type WorkerState = 'running' | 'stalled' | 'landing' | 'landed' | 'retiring';

export interface StoredWorker {
  name: string;
  version: string;
  state: WorkerState;
  /** When it last had a connection, ms since the epoch. */
  seen: number;
}

export class Database {
  readonly directory: string;

  constructor() {
    const { env } = process;
    const sslMode = env.CONCOURSE_POSTGRES_SSLMODE ?? 'disable';
    if (!['disable', 'require', 'verify-ca', 'verify-full'].includes(sslMode)) {
      fail(`Invalid value \`${sslMode}' for option \`--postgres-sslmode'`);
    }
    if (!env.CONCOURSE_POSTGRES_USER) fail('failed to connect to database: no PostgreSQL user name given');
    this.directory = placeOf(env);
    mkdirSync(join(this.directory, 'workers'), { recursive: true });
  }

  schema(): number {
    return Number(readIfThere(join(this.directory, 'schema')) ?? '0');
  }

  migrate(schema: number): void {
    this.#write('schema', `${schema}\n`);
    appendFileSync(join(this.directory, 'migrations_history'), `${schema} by ${version}\n`);
  }

  /** At a start: up, never down. Like the real one it says nothing about a schema that is newer. */
  migrateUp(): void {
    if (this.schema() < supportedSchema) this.migrate(supportedSchema);
  }

  workers(ttlMs: number, connected: ReadonlySet<string>): StoredWorker[] {
    return readdirSync(join(this.directory, 'workers'))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .flatMap((file) => this.worker(decodeURIComponent(file.slice(0, -'.json'.length))) ?? [])
      .map((worker) => {
        const gone = !connected.has(worker.name) && Date.now() - worker.seen > ttlMs;
        return gone && worker.state === 'running' ? { ...worker, state: 'stalled' } : worker;
      });
  }

  worker(name: string): StoredWorker | undefined {
    const text = readIfThere(join(this.directory, this.#file(name)));
    return text === undefined ? undefined : (JSON.parse(text) as StoredWorker);
  }

  save(worker: StoredWorker): void {
    this.#write(this.#file(worker.name), JSON.stringify(worker));
  }

  forget(name: string): void {
    rmSync(join(this.directory, this.#file(name)), { force: true });
  }

  #file(name: string): string {
    return `workers/${encodeURIComponent(name)}.json`;
  }

  #write(name: string, content: string): void {
    const path = join(this.directory, name);
    writeFileSync(`${path}.${process.pid}`, content);
    renameSync(`${path}.${process.pid}`, path);
  }
}

/** Where a server's socket would be, lies the database; for a server on the network, in the temporary directory. */
function placeOf(env: NodeJS.ProcessEnv): string {
  const database = env.CONCOURSE_POSTGRES_DATABASE ?? 'atc';
  const socket = env.CONCOURSE_POSTGRES_SOCKET;
  if (socket !== undefined) return join(socket, encodeURIComponent(database));
  const server = `${env.CONCOURSE_POSTGRES_HOST ?? '127.0.0.1'}:${env.CONCOURSE_POSTGRES_PORT ?? '5432'}`;
  const key = createHash('sha256').update(`${server}/${database}`).digest('hex').slice(0, 16);
  return join(env.CONCOURSE_STAND_IN_DB ?? join(tmpdir(), 'concourse-stand-in-db'), key);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `migrate`: one flag, one number or nothing on stdout. */
export function migrateCommand(flags: Record<string, string>): void {
  const print = (value: number): boolean => process.stdout.write(`${value}\n`);
  const wanted = flags['migrate-db-to-version'];
  if ('supported-db-version' in flags) print(supportedSchema);
  else if ('current-db-version' in flags) print(new Database().schema());
  else if ('migrate-to-latest-version' in flags) new Database().migrate(supportedSchema);
  else if (wanted === undefined) fail('must specify one of the migrate flags');
  // Only a newer program knows the way down, and none knows a schema that it never heard of.
  else if (!/^\d+$/.test(wanted) || Number(wanted) > supportedSchema)
    fail(`migration ${wanted}: file does not exist`);
  else new Database().migrate(Number(wanted));
}
