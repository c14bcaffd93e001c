// Where a database keeps its texts, by name: in a directory, or in a PostgreSQL that is really there.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { fail, log } from './log.ts';
import { Connection, type Credentials, literal, PostgresError } from './postgresql.ts';

export interface Store {
  read(name: string): string | undefined;
  write(name: string, content: string): void;
  remove(name: string): void;
  /** Names that begin so. */
  names(prefix: string): string[];
  /** Resolves when the server has answered, after all that was written before. While it is away, that takes long. */
  reached(): Promise<void>;
}

export class Folder implements Store {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    for (const kind of ['workers', 'builds']) mkdirSync(join(directory, kind), { recursive: true });
  }

  read(name: string): string | undefined {
    try {
      return readFileSync(join(this.#directory, name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  write(name: string, content: string): void {
    const path = join(this.#directory, name);
    writeFileSync(`${path}.${process.pid}`, content);
    renameSync(`${path}.${process.pid}`, path);
  }

  remove(name: string): void {
    rmSync(join(this.#directory, name), { force: true });
  }

  names(prefix: string): string[] {
    const folder = dirname(`${prefix}x`);
    return readdirSync(join(this.#directory, folder))
      .map((name) => `${folder}/${name}`)
      .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
      .sort();
  }

  reached(): Promise<void> {
    return Promise.resolve();
  }
}

/** As Concourse does: a server that is away is tried for so long at a start, and for ever later. */
const patienceMs = 19_000;
const retryMs = 500;

/** One table, which is read once: there is one web. What is written goes out in its order, however long that takes. */
export class Table implements Store {
  readonly #credentials: Credentials;
  readonly #rows: Map<string, string>;
  #connection: Connection | undefined;
  #work: Promise<void> = Promise.resolve();

  static async open(credentials: Credentials): Promise<Table> {
    const start = performance.now();
    for (;;) {
      try {
        const connection = await Connection.open(credentials);
        await connection.query(
          'CREATE TABLE IF NOT EXISTS stand_in (name text PRIMARY KEY, content text NOT NULL)',
        );
        const rows = await connection.query('SELECT name, content FROM stand_in');
        return new Table(
          credentials,
          connection,
          new Map(rows.map(([name = '', text = '']) => [name, text])),
        );
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // Of a database that does not exist the real one says nothing, and waits for ever.
        const silent = error instanceof PostgresError && error.code === '3D000';
        const starting = error instanceof PostgresError && error.code.startsWith('57');
        if (error instanceof PostgresError && !silent && !starting)
          fail(`failed to connect to database: ${error.message}`);
        if (!silent && performance.now() - start > patienceMs)
          fail(
            `failed to connect to database: dial tcp ${credentials.host}:${credentials.port}: ${error.message}`,
          );
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  private constructor(credentials: Credentials, connection: Connection, rows: Map<string, string>) {
    this.#credentials = credentials;
    this.#connection = connection;
    this.#rows = rows;
  }

  read(name: string): string | undefined {
    return this.#rows.get(name);
  }

  write(name: string, content: string): void {
    this.#rows.set(name, content);
    void this.#run(
      `INSERT INTO stand_in VALUES (${literal(name)}, ${literal(content)}) ON CONFLICT (name) DO UPDATE SET content = excluded.content`,
    );
  }

  remove(name: string): void {
    this.#rows.delete(name);
    void this.#run(`DELETE FROM stand_in WHERE name = ${literal(name)}`);
  }

  names(prefix: string): string[] {
    return [...this.#rows.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  reached(): Promise<void> {
    return this.#run('SELECT 1');
  }

  #run(query: string): Promise<void> {
    this.#work = this.#work.then(() => this.#untilDone(query));
    return this.#work;
  }

  async #untilDone(query: string): Promise<void> {
    for (let said = ''; ; ) {
      try {
        this.#connection ??= await Connection.open(this.#credentials);
        await this.#connection.query(query);
        return;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (error.message !== said) log('atc.db.failed-to-query', { error: error.message }, 'error');
        said = error.message;
        this.#connection?.close();
        this.#connection = undefined;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }
}
