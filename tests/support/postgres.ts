// A real PostgreSQL of a test's own: below a temporary folder, on a loopback port, as a user without privileges, and gone with it.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian keeps each version's programs in a folder of its own. */
const versions = '/usr/lib/postgresql';

/** Of the package postgresql. The tier of machines installs it. */
export const hasPostgres = existsSync(versions) && readdirSync(versions).length > 0;

export interface TestPostgres {
  port: number;
  /** Runs statements as the superuser. */
  run(statements: string, database?: string): void;
  stop(): void;
  start(): void;
  /** TLS from the next start on, with a key and certificate as PEM. */
  certify(pem: { key: string; certificate: string }): void;
  /** Stops it and removes everything. */
  remove(): void;
}

/** Every login but the superuser's over its socket needs its password. */
export async function startPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'test-postgres-'));
  const cluster = join(folder, 'cluster');
  const [newest = ''] = readdirSync(versions).sort((one, other) => Number(other) - Number(one));
  // PostgreSQL refuses to be root.
  const ids = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  const own = (path: string) => ids.uid !== undefined && chownSync(path, ids.uid, ids.gid);
  const call = (program: string, args: readonly string[], input = ''): string =>
    execFileSync(join(versions, newest, 'bin', program), args, {
      ...ids,
      input,
      encoding: 'utf8',
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', PGOPTIONS: '-c client_min_messages=warning' },
    });
  own(folder);
  const port = await freePort();
  call('initdb', ['-D', cluster, '--no-sync', '-A', 'trust', '-U', 'postgres']);
  writeFileSync(
    join(cluster, 'pg_hba.conf'),
    'local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n',
  );
  appendFileSync(
    join(cluster, 'postgresql.conf'),
    `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = '${folder}'\nfsync = off\n`,
  );
  const control = (...args: string[]) =>
    call('pg_ctl', ['-D', cluster, '-s', '-w', '-l', join(folder, 'log'), ...args]);
  control('start');
  const stop = () => existsSync(join(cluster, 'postmaster.pid')) && control('-m', 'immediate', 'stop');
  return {
    port,
    run: (statements, database = 'postgres') =>
      void call(
        'psql',
        [
          '-h',
          folder,
          '-p',
          `${port}`,
          '-U',
          'postgres',
          '-d',
          database,
          '-X',
          '-q',
          '-v',
          'ON_ERROR_STOP=1',
          '-f',
          '-',
        ],
        statements,
      ),
    stop,
    start: () => void control('start'),
    certify({ key, certificate }) {
      for (const [name, text] of Object.entries({ 'server.key': key, 'server.crt': certificate })) {
        writeFileSync(join(cluster, name), text, { mode: 0o600 });
        own(join(cluster, name));
      }
      appendFileSync(join(cluster, 'postgresql.conf'), 'ssl = on\n');
    },
    remove() {
      stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const idOf = (which: '-u' | '-g'): number =>
  Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
