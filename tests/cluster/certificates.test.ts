// The relation `certificates`: an authority that reads and writes the databags as the library tls_certificates (v4) does signs what web
// asks for; web renews in time, follows a revocation, and goes back to HTTP when the relation ends.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRequest } from '../support/authority.ts';
import { CertificatesProvider } from '../support/providers/certificates.ts';
import { application, Deployment, type DeploymentOptions, webService } from './support/deployment.ts';

const dayMs = 24 * 3_600_000;
class Signer extends CertificatesProvider {
  readonly d: Deployment;

  constructor(d: Deployment) {
    super(d.stage);
    this.d = d;
    this.integrate();
  }
}

async function signed(options: DeploymentOptions = {}): Promise<Signer> {
  const d = await Deployment.settled({ units: 2, ...options });
  const signer = new Signer(d);
  await d.cluster.settle();
  return signer;
}

const path = (d: Deployment, name: string, number = 0) => join(d.machine(d.unit(number)).paths.etc, name);
const file = (d: Deployment, name: string, number = 0) => readFileSync(path(d, name, number), 'utf8');
const serial = (d: Deployment) => new X509Certificate(file(d, 'tls_cert.pem')).serialNumber;
const starts = (d: Deployment) => d.machine(d.unit(0)).services.starts.length;

test('web asks for its address, and serves HTTPS with the answer; no other unit asks', async () => {
  const signer = await signed();
  const { d } = signer;
  const [csr = '', ...others] = signer.asked(d.unit(0));
  expect(others).toEqual([]);
  expect(signer.asked(d.unit(1))).toEqual([]);
  expect(readRequest(csr)).toMatchObject({ commonName: '10.0.0.10', names: ['10.0.0.10'] });
  expect(file(d, 'web.env')).toContain('CONCOURSE_EXTERNAL_URL="https://10.0.0.10"');
  expect(file(d, 'tls_cert.pem').match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(d.status(d.unit(0))).toBe('active: web 8.1.0 at https://10.0.0.10, 1 worker');
  expect(statSync(path(d, 'certificate_requests.json')).mode & 0o777).toBe(0o600);
  const told = JSON.stringify([d.juju.log, d.juju.databag(signer.relation, d.unit(0)), d.facts(d.unit(0))]);
  expect(told).not.toContain('PRIVATE KEY');
});

test('the name of external-url is what the certificate is for; another one is asked for anew', async () => {
  const signer = await signed({ config: { 'external-url': 'https://ci.example.com' } });
  const { d } = signer;
  expect(signer.asked(d.unit(0)).map((csr) => readRequest(csr).names)).toEqual([['ci.example.com']]);
  d.juju.configure(application, { 'external-url': 'https://builds.example.com' });
  await d.cluster.settle();
  expect(signer.asked(d.unit(0)).map((csr) => readRequest(csr).names)).toEqual([['builds.example.com']]);
  expect(file(d, 'web.env')).toContain('CONCOURSE_EXTERNAL_URL="https://builds.example.com"');
  expect(d.status(d.unit(0))).toMatch(/^active/);
});

test('it is renewed in time with another key, although nobody tells, and served until the new one is there', async () => {
  const signer = await signed();
  const { d } = signer;
  const [first, key, csrs] = [serial(d), file(d, 'tls_key.pem'), signer.asked(d.unit(0))];
  const begun = starts(d);
  await d.cluster.advance(89 * dayMs);
  expect([serial(d), starts(d)]).toEqual([first, begun]);
  signer.silent = true;
  await d.cluster.advance(2 * dayMs);
  expect(signer.asked(d.unit(0))).toHaveLength(2);
  expect(signer.asked(d.unit(0))[0]).toBe(csrs[0]);
  expect(serial(d)).toBe(first);
  d.juju.configure(application, { 'upgrade-hold': true });
  await d.cluster.settle();
  expect(d.status(d.unit(0))).toMatch(/^active: .*; the certificate expires on 2026-04-11$/);
  signer.silent = false;
  await signer.changes();
  expect(serial(d)).not.toBe(first);
  expect(file(d, 'tls_key.pem')).not.toBe(key);
  expect(signer.asked(d.unit(0))).toHaveLength(1);
  expect(d.status(d.unit(0))).toBe('active: web 8.1.0 at https://10.0.0.10, 1 worker');
  expect(starts(d)).toBe(begun + 1);
});

test('one that is revoked is replaced', async () => {
  const signer = await signed();
  const { d } = signer;
  const first = serial(d);
  await d.cluster.advance(dayMs);
  [signer.revoked] = signer.asked(d.unit(0));
  await signer.changes();
  expect(serial(d)).not.toBe(first);
  expect(signer.asked(d.unit(0))).not.toContain(signer.revoked);
  expect(d.status(d.unit(0))).toMatch(/^active/);
});

test('until it is signed, web says for whom it waits, and goes on by HTTP', async () => {
  const d = await Deployment.settled({ units: 1 });
  const begun = starts(d);
  const signer = new Signer(d);
  signer.silent = true;
  await d.cluster.settle();
  expect(d.status(d.unit(0))).toBe(
    "waiting: for authority to sign web's certificate (relation certificates)",
  );
  expect(starts(d)).toBe(begun);
  expect(await d.runs(d.unit(0), webService)).toBe('8.1.0');
});

test('a unit that becomes web asks for its own, and the one before neither asks nor keeps a key', async () => {
  const signer = await signed();
  const { d } = signer;
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  expect(signer.asked(d.unit(0))).toEqual([]);
  expect(existsSync(path(d, 'certificate_requests.json'))).toBe(false);
  expect(signer.asked(d.unit(1)).map((csr) => readRequest(csr).names)).toEqual([['10.0.0.11']]);
  expect(file(d, 'web.env', 1)).toContain('CONCOURSE_EXTERNAL_URL="https://10.0.0.11"');
});

test('when the relation ends, web serves HTTP again and no key is left', async () => {
  const signer = await signed();
  const { d } = signer;
  d.juju.removeRelation(signer.relation);
  await d.cluster.settle();
  expect(file(d, 'web.env')).not.toContain('TLS');
  for (const name of ['tls_key.pem', 'tls_cert.pem', 'certificate_requests.json'])
    expect(existsSync(path(d, name)), name).toBe(false);
  expect(d.status(d.unit(0))).toBe('active: web 8.1.0 at http://10.0.0.10:8080, 1 worker');
});
