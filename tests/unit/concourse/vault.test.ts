// What web gets for Vault: nothing without one, the caching that spares it, and of a relation all that reaches it.
import { expect, test } from 'vitest';
import { vaultEnvironment, vaultPrefix } from '../../../src/concourse/vault.ts';

const relation = {
  url: 'https://vault:8200',
  mount: 'charm-ci-concourse',
  roleId: 'role',
  roleSecretId: 'word',
};
const given = { extra: {}, relation, caPath: '/etc/concourse/vault_ca.pem', mountCache: false };

test('without a Vault nothing is added', () => {
  const extra = { CONCOURSE_GC_INTERVAL: '1m' };
  expect(vaultEnvironment({ ...given, relation: undefined, extra })).toEqual(extra);
});

test('a relation gives all of it', () => {
  expect(vaultEnvironment(given)).toEqual({
    CONCOURSE_VAULT_URL: 'https://vault:8200',
    CONCOURSE_VAULT_CA_CERT: '/etc/concourse/vault_ca.pem',
    CONCOURSE_VAULT_AUTH_BACKEND: 'approle',
    CONCOURSE_VAULT_AUTH_PARAM: 'role_id:role,secret_id:word',
    CONCOURSE_VAULT_PATH_PREFIX: '/charm-ci-concourse',
    CONCOURSE_SECRET_CACHE_ENABLED: 'true',
    CONCOURSE_SECRET_CACHE_DURATION: '5m',
    CONCOURSE_SECRET_CACHE_DURATION_NOTFOUND: '1m',
  });
});

test('prefix, caching and lookup may be set beside it; how that Vault is reached may not', () => {
  const extra = {
    CONCOURSE_VAULT_URL: 'https://another:8200',
    CONCOURSE_VAULT_CLIENT_TOKEN: 'another',
    CONCOURSE_VAULT_PATH_PREFIX: '/ours',
    CONCOURSE_VAULT_SHARED_PATH: 'shared',
    CONCOURSE_SECRET_CACHE_DURATION: '1m',
  };
  const environment = vaultEnvironment({ ...given, extra, mountCache: true });
  expect(environment).toMatchObject({
    CONCOURSE_VAULT_URL: 'https://vault:8200',
    CONCOURSE_VAULT_PATH_PREFIX: '/ours',
    CONCOURSE_VAULT_SHARED_PATH: 'shared',
    CONCOURSE_SECRET_CACHE_DURATION: '1m',
    CONCOURSE_VAULT_ENABLE_KV_MOUNT_CACHE: 'true',
  });
  expect(environment).not.toHaveProperty('CONCOURSE_VAULT_CLIENT_TOKEN');
});

test('a Vault by options has the caching and its authority, and its own prefix', () => {
  const extra = { CONCOURSE_VAULT_URL: 'https://vault:8200', CONCOURSE_VAULT_CLIENT_TOKEN: 'token' };
  expect(vaultEnvironment({ ...given, relation: undefined, extra })).toEqual({
    ...extra,
    CONCOURSE_VAULT_CA_CERT: '/etc/concourse/vault_ca.pem',
    CONCOURSE_SECRET_CACHE_ENABLED: 'true',
    CONCOURSE_SECRET_CACHE_DURATION: '5m',
    CONCOURSE_SECRET_CACHE_DURATION_NOTFOUND: '1m',
  });
});

test.each([
  ['/concourse', '/concourse'],
  ['ci/builds', '/ci/builds'],
])('the prefix %j is %j', (text, prefix) => {
  expect(vaultPrefix.parse(text)).toBe(prefix);
});

test.each(['', '/', 'a//b', 'a b', '/a/'])('%j is no prefix', (text) => {
  expect(vaultPrefix.safeParse(text).success).toBe(false);
});
