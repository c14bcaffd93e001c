// Settings by extra-web-env and extra-worker-env: what is taken, what is refused, and which names a release has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpText } from 'concourse-stand-in';
import { describe, expect, test } from 'vitest';
import {
  extraSchema,
  type Program,
  secretEnvironment,
  unknownSetting,
} from '../../../src/concourse/extra-environment.ts';
import { optionVariables } from '../../../src/concourse/option-variables.ts';
import { nearest, settingNames, variableOf } from '../../../src/concourse/setting-names.ts';
import { webEnvironment } from '../../../src/concourse/web.ts';
import { workerEnvironment } from '../../../src/concourse/worker.ts';
import { web, worker } from './settings.ts';

const known = { web: settingNames(helpText('web')), worker: settingNames(helpText('worker')) };

function read(program: Program, text: string) {
  const parsed = extraSchema(program).safeParse(text);
  return parsed.success ? parsed.data : parsed.error.issues.map(({ message }) => message).join('; ');
}

describe('the names of a release', () => {
  test('are read from its help, although long ones are broken there', () => {
    const name = 'CONCOURSE_AWS_SECRETSMANAGER_PIPELINE_SECRET_TEMPLATE';
    expect(helpText('web')).not.toContain(name);
    expect(known.web).toContain(name);
    expect(known.web.every((found) => /^CONCOURSE_[A-Z0-9_]+$/.test(found))).toBe(true);
  });

  test('a variable that is no flag is one, too', () => {
    expect(
      settingNames(
        '      --no-proxy=        Left alone [$no_-\n                          proxy]\n  -t, --tag=  Tags\n',
      ),
    ).toEqual(['CONCOURSE_NO_PROXY', 'CONCOURSE_TAG', 'no_proxy']);
  });

  test('hold everything that the charm itself sets', () => {
    const own = (environment: object) => Object.keys(environment).filter((key) => /^CONCOURSE_/.test(key));
    expect(unknownSetting('web', own(webEnvironment(web)), known)).toBeUndefined();
    expect(unknownSetting('worker', own(workerEnvironment(worker)), known)).toBeUndefined();
  });

  test('hold everything that an option sets', () => {
    for (const program of ['web', 'worker'] as const) {
      const variables = Object.values(optionVariables[program]).filter((name) => /^CONCOURSE_/.test(name));
      expect(unknownSetting(program, variables, known)).toBeUndefined();
    }
  });

  test.each([
    ['web', 'CONCOURSE_GC_INTERVALL', 'there is no CONCOURSE_GC_INTERVALL; CONCOURSE_GC_INTERVAL?'],
    [
      'web',
      'CONCOURSE_ENABLE_GLOBL_RESOURCE',
      'there is no CONCOURSE_ENABLE_GLOBL_RESOURCE; CONCOURSE_ENABLE_GLOBAL_RESOURCES?',
    ],
    ['web', 'CONCOURSE_EPHEMERAL', 'CONCOURSE_EPHEMERAL is a setting of the worker: extra-worker-env'],
    ['worker', 'CONCOURSE_GC_INTERVAL', 'CONCOURSE_GC_INTERVAL is a setting of the web: extra-web-env'],
    ['worker', 'CONCOURSE_QUITE_ANOTHER', 'there is no CONCOURSE_QUITE_ANOTHER in concourse worker --help'],
  ] as const)('%s has no %s: %s', (program, name, message) => {
    expect(unknownSetting(program, [name], known)).toBe(message);
  });

  test('a name that is far from all is near to none', () => {
    expect(nearest('CONCOURSE_X', ['CONCOURSE_GC_INTERVAL'])).toBeUndefined();
  });
});

test('docs/how-to/login.md puts no setting where it would be refused, and names none that there is not', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/how-to/login.md'), 'utf8');
  const plain = [...new Set(page.match(/CONCOURSE_[A-Z_]+[A-Z]/g))].filter(
    (name) => !/^CONCOURSE_PASSWORD_CONNECTOR$/.test(name),
  );
  expect(plain.length).toBeGreaterThan(20);
  for (const name of plain) expect(read('web', `${name}=x`)).toEqual({ [name]: 'x' });
  expect(unknownSetting('web', plain, known)).toBeUndefined();
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  const secret = rows.flatMap((row) => /`([a-z-]+)` \|$/.exec(row)?.[1] ?? []);
  expect(secret).toHaveLength(7);
  for (const key of secret) expect(read('web', `${variableOf(key)}=x`)).toMatch(/is secret/);
  expect(unknownSetting('web', secret.map(variableOf), known)).toBeUndefined();
});

describe('what is taken', () => {
  test('lines as in an environment file: quotes, comments, blanks, any printable character', () => {
    const text = '\n# why\nCONCOURSE_GC_INTERVAL=1m\n CONCOURSE_CLUSTER="a b"\r\nCONCOURSE_X=%$=\'"\n';
    expect(read('web', text)).toEqual({
      CONCOURSE_GC_INTERVAL: '1m',
      CONCOURSE_CLUSTER: 'a b',
      CONCOURSE_X: '%$=\'"',
    });
  });

  test('names of files with keys, and settings that merely sound secret, are no secrets', () => {
    const text = [
      'CONCOURSE_VAULT_CLIENT_KEY=/etc/vault.key',
      'CONCOURSE_POSTGRES_CA_CERT=/etc/ssl/database.pem',
      'CONCOURSE_SECRET_CACHE_ENABLED=true',
      'CONCOURSE_OIDC_GROUPS_KEY=groups',
      'CONCOURSE_AWS_SECRETSMANAGER_REGION=eu-west-1',
    ].join('\n');
    expect(Object.keys(read('web', text))).toHaveLength(5);
  });
});

describe('what is refused', () => {
  test.each([
    ['web', 'GC_INTERVAL=1m', 'line 1: GC_INTERVAL does not begin with CONCOURSE_'],
    ['web', 'CONCOURSE_X=1\nhunter2', 'line 2 is not CONCOURSE_NAME=VALUE'],
    ['web', 'CONCOURSE_X=1\nCONCOURSE_X=2', 'CONCOURSE_X is there twice'],
    ['web', 'CONCOURSE_BIND_PORT=80', 'CONCOURSE_BIND_PORT is set by the option web-port'],
    ['web', 'CONCOURSE_POSTGRES_HOST=x', 'CONCOURSE_POSTGRES_HOST is set by the option postgres-uri'],
    ['worker', 'CONCOURSE_TAG=x', 'CONCOURSE_TAG is set by the option tag'],
    ['web', 'CONCOURSE_TSA_HOST_KEY=/x', "CONCOURSE_TSA_HOST_KEY is the charm's own"],
    ['web', 'CONCOURSE_VERSION=8', 'with CONCOURSE_VERSION, no command of Concourse would start'],
    ['worker', 'CONCOURSE_BAGGAGECLAIM_BIND_IP=0.0.0.0', "CONCOURSE_BAGGAGECLAIM_BIND_IP is the charm's own"],
    ['worker', 'CONCOURSE_RUNTIME=guardian', 'CONCOURSE_RUNTIME is set by the option worker-runtime'],
  ] as const)('%s: %s: %s', (program, text, message) => {
    expect(read(program, text)).toBe(message);
  });

  test.each([
    'CONCOURSE_OIDC_CLIENT_SECRET=hunter2',
    'CONCOURSE_LDAP_BIND_PW=hunter2',
    'CONCOURSE_VAULT_CLIENT_TOKEN=hunter2',
    'CONCOURSE_ENCRYPTION_KEY=hunter2',
    'CONCOURSE_SOME_URL=https://me:hunter2@example.com/',
  ])('a secret: %s', (line) => {
    const message = read('web', line);
    expect(message).toMatch(/is secret: juju add-secret NAME [a-z-]+=…, grant it, and set extra-web-secrets/);
    expect(message).not.toContain('hunter2');
  });

  test('nothing that the charm sets can be set in its place, but what it only recommends', () => {
    const settable = Object.keys({ ...webEnvironment(web) }).filter(
      (name) => typeof read('web', `${name}=x`) !== 'string',
    );
    expect(settable).toEqual(['CONCOURSE_ENABLE_RERUN_WHEN_WORKER_DISAPPEARS']);
    const worker_ = Object.keys(workerEnvironment(worker)).filter(
      (name) => typeof read('worker', `${name}=x`) !== 'string',
    );
    expect(worker_).toEqual(['CONCOURSE_CERTS_DIR']);
  });
});

describe('a secret with settings', () => {
  test('its keys are named as the flags are', () => {
    expect(secretEnvironment({ 'oidc-client-secret': 'x', 'ldap-bind-pw': 'y' })).toEqual({
      environment: { CONCOURSE_OIDC_CLIENT_SECRET: 'x', CONCOURSE_LDAP_BIND_PW: 'y' },
    });
  });

  test.each([
    [{ 'postgres-password': 'x' }, 'CONCOURSE_POSTGRES_PASSWORD is set by the option postgres-uri'],
    [{ 'encryption-key': 'too-short' }, 'encryption-key is not 16, 24 or 32 bytes long'],
    [{ 'old-encryption-key': 'é'.repeat(16) + 'x' }, 'old-encryption-key is not 16, 24 or 32 bytes long'],
  ])('%j is refused', (content, problem) => {
    expect(secretEnvironment(content)).toEqual({ problem });
  });

  test.each([16, 24, 32])('an encryption key of %d bytes is taken', (length) => {
    expect(secretEnvironment({ 'encryption-key': 'k'.repeat(length) })).toHaveProperty('environment');
  });
});
