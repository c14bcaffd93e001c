// A real PostgreSQL on the switch of the machines: a server of its own for a test, which can go away, come back, and let its
// user have another password.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Site } from 'juju-lab';

export interface SwitchPostgres {
  /** For the secret of `postgres-uri`, with the password of now. */
  uri(): string;
  /** As if the host were switched off: connections break, and nobody listens. */
  stop(): void;
  start(): void;
  /** Connections that are open stay so, as PostgreSQL has it. */
  changePassword(password: string): void;
  /** What one column of one row says. */
  ask(query: string): string;
  /** As a charm makes it for a relation: a login that is let in by TLS alone, and its database. Again: with another password. */
  makeLogin(login: { username: string; password: string; database: string }): void;
  /** From the next start on it listens there, and is known by this certificate; both in PEM. */
  moveTo(address: string, tls: { key: string; certificate: string }): void;
}

/** Debian keeps each version's programs in a folder of its own. */
const versions = '/usr/lib/postgresql';

export function postgresOnSwitch(site: Site): SwitchPostgres {
  const folder = join(site.folder, 'postgres');
  const cluster = join(folder, 'cluster');
  const [newest = ''] = readdirSync(versions).sort((one, other) => Number(other) - Number(one));
  const bin = join(versions, newest, 'bin');
  let password = 'first of all';
  let address = site.switchAddress;
  // PostgreSQL refuses to be root. An IPC namespace of its own takes its shared memory along, whatever ends it.
  const run = (program: string, ...args: string[]): string =>
    execFileSync(
      'nsenter',
      [
        ...[`--net=/run/netns/${site.switchNamespace}`, 'unshare', '--ipc'],
        ...['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'],
        ...[join(bin, program), ...args],
      ],
      { encoding: 'utf8', cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin' } },
    );
  const control = (...args: string[]) =>
    run('pg_ctl', '-D', cluster, '-s', '-w', '-l', join(folder, 'log'), ...args);
  const ask = (query: string): string =>
    run('psql', '-h', folder, '-U', 'postgres', '-d', 'atc', '-X', '-A', '-t', '-q', '-c', query).trim();
  const start = () => {
    const options = `-c listen_addresses=${address} -c unix_socket_directories=${folder} -c fsync=off`;
    control('-o', options, 'start');
  };

  mkdirSync(folder);
  execFileSync('chown', ['postgres:', folder]);
  run('initdb', '-D', cluster, '--no-sync', '-A', 'trust', '-U', 'postgres');
  appendFileSync(join(cluster, 'pg_hba.conf'), 'host all concourse 10.99.0.0/24 scram-sha-256\n');
  start();
  run('createdb', '-h', folder, '-U', 'postgres', 'atc');
  ask(`CREATE ROLE concourse LOGIN PASSWORD '${password}'`);
  ask('GRANT CREATE ON SCHEMA public TO concourse');

  return {
    uri: () =>
      `postgresql://concourse:${encodeURIComponent(password)}@${site.switchAddress}:5432/atc?sslmode=disable`,
    start,
    stop: () => {
      if (existsSync(join(cluster, 'postmaster.pid'))) control('-m', 'immediate', 'stop');
    },
    changePassword(next) {
      ask(`ALTER ROLE concourse PASSWORD '${next}'`);
      password = next;
    },
    ask,
    makeLogin({ username, password: secret, database }) {
      const known = ask(`SELECT 1 FROM pg_roles WHERE rolname = '${username}'`) !== '';
      ask(`${known ? 'ALTER' : 'CREATE'} ROLE "${username}" LOGIN PASSWORD '${secret}'`);
      if (known) return;
      appendFileSync(
        join(cluster, 'pg_hba.conf'),
        `hostssl ${database} "${username}" 10.99.0.0/24 scram-sha-256\n`,
      );
      ask('SELECT pg_reload_conf()');
      // Of a relation that has ended.
      ask(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      ask(`CREATE DATABASE ${database} OWNER "${username}"`);
    },
    moveTo(where, { key, certificate }) {
      address = where;
      for (const [name, text] of Object.entries({ 'server.key': key, 'server.crt': certificate })) {
        writeFileSync(join(cluster, name), text, { mode: 0o600 });
        execFileSync('chown', ['postgres:', join(cluster, name)]);
      }
      appendFileSync(join(cluster, 'postgresql.conf'), 'ssl = on\n');
    },
  };
}
