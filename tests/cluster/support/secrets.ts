// Every secret that the charm handles, in one table: how it comes into a deployment, and where alone it may be read. A new
// secret is one more entry; the scan in tests/cluster/secrets.test.ts does the rest.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../support/authority.ts';
import { fixedKey } from '../../support/fake-random.ts';
import { application, type Deployment } from './deployment.ts';

export interface Given {
  /** What must not be read elsewhere. Each is long enough not to be found by chance. */
  values: readonly string[];
  /** Something is wrong with it from now on: what is said of that must not tell it either. */
  spoil?: () => void;
  /** And mended. */
  mend?: () => void;
}

export interface Secret {
  name: string;
  /** Called before the deployment settles. */
  configure?(d: Deployment): void;
  /** Called when it has settled. */
  given(d: Deployment): Promise<Given> | Given;
  /** Files in which it may be, by the ends of their paths; by root or by web's group alone. */
  homes: readonly string[];
  /** An action's result is what was asked for; Juju's action-set takes it as an argument only. */
  asked?: boolean;
}

/** Fake machines draw their keys from a few, so that one's may be another's. */
const keys = ['etc/concourse/tsa_host_key', 'etc/concourse/session_signing_key', 'etc/concourse/worker_key'];

const file = (d: Deployment, unit: string, name: string) =>
  readFileSync(join(d.machine(unit).paths.etc, name), 'utf8');

/** The lines of a PEM between its first and its last. */
const body = (pem: string) => pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));

/** A user's secret, granted to the application. */
function secret(d: Deployment, name: string, content: Record<string, string>): string {
  const uri = d.juju.addSecret(name, content);
  d.juju.grantSecret(name, application);
  return uri;
}

export const secrets: readonly Secret[] = [
  {
    name: 'the password of the database',
    given: (d) => ({
      values: ['hunter2hunter2'],
      spoil: () => d.juju.updateSecret('postgres', { uri: 'mysql://concourse:hunter2hunter2@db' }),
      mend: () =>
        d.juju.updateSecret('postgres', { uri: 'postgresql://concourse:hunter2hunter2@db:5432/concourse' }),
    }),
    homes: ['etc/concourse/web.env'],
  },
  {
    name: 'the administrator’s password',
    configure: (d) => d.juju.configure(application, { 'enable-metrics': true }),
    given: async (d) => {
      const { results } = await d.cluster.action(d.unit(0), 'get-admin-password');
      return { values: [String(results['password'])] };
    },
    homes: ['etc/concourse/web.env', 'etc/concourse/exporter.json'],
    asked: true,
  },
  ...['tsa_host_key', 'session_signing_key'].map(
    (name): Secret => ({
      name: `web’s ${name}`,
      given: (d) => ({ values: body(file(d, d.unit(0), name)) }),
      homes: keys,
    }),
  ),
  {
    name: 'the private keys of workers',
    given: (d) => ({ values: [1, 2].flatMap((number) => body(file(d, d.unit(number), 'worker_key'))) }),
    homes: keys,
  },
  {
    name: 'the passwords of local users',
    configure: (d) =>
      d.juju.configure(application, {
        'local-users': secret(d, 'users', { users: 'alice:first-password\nbob:other-password' }),
      }),
    given: (d) => ({
      values: ['first-password', 'other-password'],
      spoil: () => d.juju.updateSecret('users', { users: 'alice:first-password:again\nother-password' }),
      mend: () => d.juju.updateSecret('users', { users: 'alice:first-password\nbob:other-password' }),
    }),
    homes: ['etc/concourse/web.env'],
  },
  {
    name: 'the private key of web’s certificate',
    configure: (d) => {
      const key = fixedKey(2).privatePem;
      const now = d.clock.now();
      const certificate = new Authority('Root', now).issue(key, {
        names: ['ci.example.com'],
        notBefore: now - 1000,
        notAfter: now + 90 * 24 * 3_600_000,
      });
      d.juju.configure(application, {
        'tls-certificate': secret(d, 'tls', { certificate, 'private-key': key }),
      });
    },
    given: (d) => ({ values: body(file(d, d.unit(0), 'tls_key.pem')) }),
    homes: ['etc/concourse/tls_key.pem', ...keys],
  },
  {
    name: 'what extra-web-secrets has',
    configure: (d) =>
      d.juju.configure(application, {
        'extra-web-secrets': secret(d, 'extra', {
          'oidc-client-secret': 'client-secret-value',
          'encryption-key': 'key of 16 bytes!',
        }),
      }),
    given: (d) => ({
      values: ['client-secret-value', 'key of 16 bytes!'],
      spoil: () =>
        d.juju.updateSecret('extra', {
          'bind-ip': 'client-secret-value',
          'encryption-key': 'key of 16 bytes! and more',
        }),
      mend: () =>
        d.juju.updateSecret('extra', {
          'oidc-client-secret': 'client-secret-value',
          'encryption-key': 'key of 16 bytes!',
        }),
    }),
    homes: ['etc/concourse/web.env'],
  },
];
