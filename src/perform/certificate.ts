// A certificate signing request with a key of its own, made on the machine that is to serve with it.
import { readRequests, requestsPath } from '../observe/certificate-view.ts';
import type { Session } from '../session.ts';
import { makeEtc, replaceFile } from './files.ts';

/** The longest that X.509 lets a common name be. */
const commonNameAtMost = 64;

/** A key for each request: who renews a certificate has a new one. What is in use (`keep`) stays until the answer is there. */
export async function requestCertificate(
  { hook, host }: Session,
  { names, keep }: { names: readonly string[]; keep: readonly string[] },
): Promise<void> {
  const { privatePem: key } = await host.random.rsaKey();
  const request = { names: [...names], key, csr: await signingRequest(key, names), madeAt: host.clock.now() };
  const before = (await readRequests(host)).filter(({ csr }) => keep.includes(csr));
  await makeEtc(host);
  const content = `${JSON.stringify([...before, request])}\n`;
  await replaceFile(host.files, { path: requestsPath(host), content, mode: 0o600 });
  hook.log.info(`asks for a certificate for ${names.join(', ')}`);
}

/** PEM, PKCS#10. */
async function signingRequest(key: string, names: readonly string[]): Promise<string> {
  const { default: forge } = await import('node-forge');
  const privateKey = forge.pki.privateKeyFromPem(key);
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.setRsaPublicKey(privateKey.n, privateKey.e);
  const [commonName = ''] = names;
  request.setSubject(commonName.length > commonNameAtMost ? [] : [{ name: 'commonName', value: commonName }]);
  const altNames = names.map((name) =>
    name.includes(':') || /^[0-9]+(\.[0-9]+){3}$/.test(name)
      ? { type: 7, ip: name }
      : { type: 2, value: name },
  );
  request.setAttributes([{ name: 'extensionRequest', extensions: [{ name: 'subjectAltName', altNames }] }]);
  request.sign(privateKey, forge.md.sha256.create());
  return forge.pki.certificationRequestToPem(request).replaceAll('\r', '').trim();
}
