// The relation `vault-kv`: a Vault that reads and writes the databags and secrets as the library vault_kv (v0) of vault-k8s does gives
// web its credentials, whichever unit is web, and takes them back.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Authority } from '../support/authority.ts';
import { playSilentVault, VaultProvider } from '../support/providers/vault.ts';
import { application, Deployment, type DeploymentOptions, webService } from './support/deployment.ts';

const authority = new Authority('Vault', Date.UTC(2026, 0, 1)).certificate;
class Vault extends VaultProvider {
  readonly d: Deployment;

  constructor(d: Deployment) {
    super(d.stage, authority);
    this.d = d;
    this.integrate();
  }
}

async function related(options: DeploymentOptions = {}): Promise<Vault> {
  const d = await Deployment.settled({ units: 2, ...options });
  const vault = new Vault(d);
  await d.cluster.settle();
  return vault;
}

const path = (d: Deployment, name: string, number = 0) => join(d.machine(d.unit(number)).paths.etc, name);
const environment = (d: Deployment, number = 0) => readFileSync(path(d, 'web.env', number), 'utf8');
const told = (d: Deployment, vault: Vault) =>
  JSON.stringify([
    d.cluster.history.map(({ message }) => message),
    d.juju.log,
    d.juju.units(application).map((unit) => [d.facts(unit), vault.bag(unit)]),
    d.goal(),
  ]);

test('web alone asks, and gets what it needs to read secrets; nothing of it is told to anybody', async () => {
  const vault = await related();
  const { d } = vault;
  expect(vault.bag(application)).toMatchObject({ mount_suffix: 'concourse' });
  expect(vault.asking()).toEqual([d.unit(0)]);
  expect(vault.bag(d.unit(0))['egress_subnet']).toBe('10.0.0.10/32');
  expect(vault.bag(d.unit(0))['nonce']).toMatch(/^[0-9a-f]{32}$/);
  const text = environment(d);
  expect(text).toContain('CONCOURSE_VAULT_URL="https://10.0.8.8:8200"');
  expect(text).toContain('CONCOURSE_VAULT_AUTH_BACKEND="approle"');
  expect(text).toContain(
    'CONCOURSE_VAULT_AUTH_PARAM="role_id:role-of-concourse-ci-0,secret_id:hushhush-10.0.0.10/32-1"',
  );
  expect(text).toContain('CONCOURSE_VAULT_PATH_PREFIX="/charm-concourse-ci-concourse"');
  expect(text).toContain('CONCOURSE_SECRET_CACHE_DURATION_NOTFOUND="1m"');
  expect(readFileSync(path(d, 'vault_ca.pem'), 'utf8').trim()).toBe(authority.trim());
  expect(d.status(d.unit(0))).toMatch(/^active/);
  expect(told(d, vault)).not.toContain('hushhush');
});

test('credentials that change restart web with them, and no worker', async () => {
  const vault = await related();
  const { d } = vault;
  const workers = d.machine(d.unit(1)).services.starts.length;
  vault.generation = 2;
  await vault.changes();
  expect(environment(d)).toContain('secret_id:hushhush-10.0.0.10/32-2');
  expect(d.machine(d.unit(1)).services.starts).toHaveLength(workers);
});

test('another address of Vault is followed', async () => {
  const vault = await related();
  vault.url = 'https://10.0.8.9:8200';
  await vault.changes();
  expect(environment(vault.d)).toContain('CONCOURSE_VAULT_URL="https://10.0.8.9:8200"');
});

test('a unit that becomes web asks for its own, leader or not, and the one before asks no more', async () => {
  const vault = await related();
  const { d } = vault;
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  expect(vault.asking()).toEqual([d.unit(1)]);
  expect(environment(d, 1)).toContain('role_id:role-of-concourse-ci-1,secret_id:hushhush-10.0.0.11/32-1');
  expect(d.juju.leader(application)).toBe(d.unit(0));
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(0) });
  await d.cluster.settle();
  expect(vault.asking()).toEqual([d.unit(0)]);
  expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
});

test('until Vault answers, web says for what it waits, and goes on as it is', async () => {
  const d = await Deployment.settled({ units: 1 });
  const starts = d.machine(d.unit(0)).services.starts.length;
  playSilentVault(d.stage);
  d.juju.integrate(`${application}:vault-kv`, 'vault:vault-kv');
  await d.cluster.settle();
  expect(d.status(d.unit(0))).toBe('waiting: for vault to give web its credentials (relation vault-kv)');
  expect(d.machine(d.unit(0)).services.starts).toHaveLength(starts);
});

test('when the relation ends, all of it goes, the nonce as well', async () => {
  const vault = await related();
  const { d } = vault;
  d.juju.removeRelation(vault.relation);
  await d.cluster.settle();
  expect(environment(d)).not.toMatch(/VAULT|SECRET_CACHE/);
  expect(existsSync(path(d, 'vault_ca.pem'))).toBe(false);
  const again = d.juju.integrate(`${application}:vault-kv`, 'vault:vault-kv');
  await d.cluster.settle();
  expect(d.juju.databag(again, d.unit(0))['nonce']).toMatch(/^[0-9a-f]{32}$/);
});

test('vault-path-prefix goes before the mount of the relation', async () => {
  const { d } = await related({ config: { 'vault-path-prefix': 'ours' } });
  expect(environment(d)).toContain('CONCOURSE_VAULT_PATH_PREFIX="/ours"');
});

test('a Vault by options: its URL, its authority as a file, and its token by extra-web-secrets', async () => {
  const d = await Deployment.settled({ units: 1 });
  const token = d.juju.addSecret('token', { 'vault-client-token': 'hushhush-token' });
  d.juju.grantSecret('token', application);
  d.juju.configure(application, {
    'vault-url': 'https://vault.example.com:8200',
    'vault-ca-cert': authority,
    'extra-web-secrets': token,
  });
  await d.cluster.settle();
  expect(environment(d)).toContain('CONCOURSE_VAULT_CLIENT_TOKEN="hushhush-token"');
  expect(environment(d)).toContain(`CONCOURSE_VAULT_CA_CERT="${path(d, 'vault_ca.pem')}"`);
  expect(environment(d)).toContain('CONCOURSE_SECRET_CACHE_ENABLED="true"');
  d.juju.configure(application, { 'vault-url': '', 'extra-web-secrets': '' });
  await d.cluster.settle();
  expect(environment(d)).not.toMatch(/VAULT|SECRET_CACHE/);
  expect(existsSync(path(d, 'vault_ca.pem'))).toBe(false);
  d.juju.configure(application, { 'vault-ca-cert': 'ca.pem' });
  await d.cluster.settle();
  expect(d.status(d.unit(0))).toMatch(/vault-ca-cert=…: 'ca\.pem' is not certificates in PEM form/);
});
