// HTTPS by a certificate of the operator's own: served, followed when it changes, and refused before anything is touched.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Authority } from '../support/authority.ts';
import { fixedKey } from '../support/fake-random.ts';
import { application, Deployment, type DeploymentOptions, webService } from './support/deployment.ts';

const start = Date.UTC(2026, 0, 1);
const dayMs = 24 * 3_600_000;
const root = new Authority('Root', start);
const middle = new Authority('Middle', start, root);

/** A certificate for `name` as an operator puts it into a secret. */
function content(name: string, days = 90, key = fixedKey(2).privatePem): Record<string, string> {
  const certificate = middle.issue(key, {
    names: [name],
    notBefore: start - dayMs,
    notAfter: start + days * dayMs,
  });
  return { certificate, 'private-key': key, chain: middle.certificate, ca: root.certificate };
}

async function served(secret: Record<string, string>, options: DeploymentOptions = {}): Promise<Deployment> {
  const d = await Deployment.settled({ units: 1, ...options });
  const uri = d.juju.addSecret('tls', secret);
  d.juju.grantSecret('tls', application);
  d.juju.configure(application, { 'tls-certificate': uri });
  await d.cluster.settle();
  return d;
}

const path = (d: Deployment, name: string) => join(d.machine(d.unit(0)).paths.etc, name);
const file = (d: Deployment, name: string) => readFileSync(path(d, name), 'utf8');
const starts = (d: Deployment) => d.machine(d.unit(0)).services.starts.length;
const ports = (d: Deployment) =>
  d.juju.status().applications[application]?.units[d.unit(0)]?.['open-ports']?.toSorted();
const told = (d: Deployment) =>
  JSON.stringify([d.cluster.history.map(({ message }) => message), d.juju.log, d.facts(d.unit(0)), d.goal()]);

describe('a certificate by secret', () => {
  test('makes web serve HTTPS under its name, with the key where only web reads it', async () => {
    const d = await served(content('ci.example.com'));
    const environment = file(d, 'web.env');
    expect(environment).toContain('CONCOURSE_TLS_BIND_PORT="443"');
    expect(environment).toContain(`CONCOURSE_TLS_CERT="${path(d, 'tls_cert.pem')}"`);
    expect(environment).toContain(`CONCOURSE_TLS_KEY="${path(d, 'tls_key.pem')}"`);
    expect(environment).toContain('CONCOURSE_EXTERNAL_URL="https://ci.example.com"');
    expect(environment).toContain('CONCOURSE_COOKIE_SECURE="true"');
    expect(file(d, 'tls_cert.pem').match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    // 0640 for web's group, where there is one.
    expect(statSync(path(d, 'tls_key.pem')).mode & 0o777).toBe(0o600);
    expect(d.status(d.unit(0))).toBe('active: no worker yet: juju add-unit concourse-ci');
    expect(ports(d)).toEqual(['2222/tcp', '443/tcp']);
    expect(d.facts(d.unit(0))['web-url']).toBe('https://ci.example.com');
    expect(told(d)).not.toMatch(/PRIVATE KEY/);
  });

  test('another port stands in the URL', async () => {
    const d = await served(content('ci.example.com'), { config: { 'tls-port': 8443 } });
    expect(file(d, 'web.env')).toContain('CONCOURSE_EXTERNAL_URL="https://ci.example.com:8443"');
  });

  test('that is renewed restarts web with it; cleared, it leaves nothing behind', async () => {
    const d = await served(content('ci.example.com'));
    const plain = starts(d);
    d.juju.updateSecret('tls', content('ci.example.com', 180, fixedKey(3).privatePem));
    await d.cluster.settle();
    expect(starts(d)).toBe(plain + 1);
    expect(file(d, 'tls_key.pem')).not.toBe('');
    d.juju.configure(application, { 'tls-certificate': '' });
    await d.cluster.settle();
    expect(file(d, 'web.env')).not.toContain('TLS');
    expect(file(d, 'web.env')).toContain('CONCOURSE_EXTERNAL_URL="http://10.0.0.10:8080"');
    expect([existsSync(path(d, 'tls_key.pem')), existsSync(path(d, 'tls_cert.pem'))]).toEqual([false, false]);
    expect(ports(d)).toEqual(['2222/tcp', '8080/tcp']);
  });

  test.each<[string, Record<string, string>, Record<string, string | number>, RegExp]>([
    [
      'without a key',
      { certificate: 'x' },
      {},
      /^blocked: secret of tls-certificate: it has no key private-key$/,
    ],
    ['without a certificate', { 'private-key': 'hunter2-hunter2' }, {}, /it has no key certificate$/],
    [
      'that is nonsense',
      { certificate: 'x', 'private-key': 'hunter2-hunter2' },
      {},
      /private-key is no private key in PEM form/,
    ],
    ['that has expired', content('ci.example.com', -0.5), {}, /the certificate expired on 2025-12-31$/],
    [
      'for another name',
      content('other.example.com'),
      { 'external-url': 'https://ci.example.com' },
      /is not for ci\.example\.com, but for DNS:other\.example\.com$/,
    ],
    [
      'with a plain external-url',
      content('ci.example.com'),
      { 'external-url': 'http://ci.example.com' },
      /^blocked: juju config concourse-ci external-url=https:\/\/…: with a certificate Concourse takes no http:\/\/ci\.example\.com$/,
    ],
    [
      'on the port of HTTP',
      content('ci.example.com'),
      { 'tls-port': 8080 },
      /^blocked: juju config concourse-ci tls-port=…/,
    ],
  ])('%s is named, and web goes on as it is', async (_what, secret, config, message) => {
    const d = await Deployment.settled({ units: 1, config });
    const [before, environment] = [starts(d), file(d, 'web.env')];
    d.juju.configure(application, { 'tls-certificate': d.juju.addSecret('tls', secret) });
    d.juju.grantSecret('tls', application);
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(message);
    expect([starts(d), file(d, 'web.env')]).toEqual([before, environment]);
    expect(told(d)).not.toMatch(/PRIVATE KEY|hunter2/);
  });

  test('that was not granted: the command is named', async () => {
    const d = await Deployment.settled({ units: 1 });
    d.juju.configure(application, { 'tls-certificate': d.juju.addSecret('tls', content('ci.example.com')) });
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: juju grant-secret secret:\S+ concourse-ci: it was not granted$/,
    );
  });

  test('is told of two weeks before its end, although nobody tells, and web goes on after it', async () => {
    const d = await served(content('ci.example.com', 20));
    expect(d.status(d.unit(0))).not.toContain('expires');
    await d.cluster.advance(7 * dayMs);
    expect(d.status(d.unit(0))).toMatch(/^active: .*; the certificate expires on 2026-01-21$/);
    const before = starts(d);
    await d.cluster.advance(14 * dayMs);
    expect(d.status(d.unit(0))).toMatch(
      /^blocked: secret of tls-certificate: the certificate expired on 2026-01-21; /,
    );
    expect(starts(d)).toBe(before);
    expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
    // Workers come all the same, and upgrades go through.
    const added = d.juju.addUnit(application);
    await d.cluster.settle();
    expect(d.status(added)).toBe('active: worker 8.1.0');
    d.juju.configure(application, { version: '8.2.0' });
    await d.cluster.settle();
    expect(await d.runs(d.unit(0), webService)).toBe('8.2.0');
    d.juju.updateSecret('tls', content('ci.example.com', 200));
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toMatch(/^active/);
  });

  test('goes with web to another unit', async () => {
    const d = await served(content('ci.example.com'), { units: 2 });
    await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
    await d.cluster.settle();
    const etc = d.machine(d.unit(1)).paths.etc;
    expect(readFileSync(join(etc, 'web.env'), 'utf8')).toContain('CONCOURSE_TLS_BIND_PORT="443"');
    expect(existsSync(join(etc, 'tls_key.pem'))).toBe(true);
  });
});
