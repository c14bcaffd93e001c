// Certificate authorities for tests: certificates that say whatever a test needs, signed over a key or a request.
import forge from 'node-forge';
import { fixedKey } from './fake-random.ts';

const dayMs = 24 * 3_600_000;

export interface Wanted {
  /** DNS names and IPv4 addresses. */
  names: readonly string[];
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
}

let serial = 0;

export class Authority {
  readonly name: string;
  readonly certificate: string;
  readonly #key: forge.pki.rsa.PrivateKey;
  readonly #pem: string;
  readonly #parent: Authority | undefined;

  constructor(name: string, now: number, parent?: Authority) {
    this.name = name;
    this.#pem = fixedKey(parent === undefined ? 0 : 1).privatePem;
    this.#key = forge.pki.privateKeyFromPem(this.#pem);
    this.#parent = parent;
    const wanted = { names: [], notBefore: now - 365 * dayMs, notAfter: now + 3650 * dayMs };
    this.certificate = signed(publicKeyOf(this.#pem), name, wanted, {
      issuer: parent?.name ?? name,
      key: parent === undefined ? this.#key : parent.#key,
      authority: true,
    });
  }

  /** For the key in PEM. */
  issue(keyPem: string, wanted: Wanted): string {
    return this.#sign(publicKeyOf(keyPem), wanted);
  }

  /** For a certificate signing request, whose own signature is checked; with the names that it asks for. */
  answer(csrPem: string, life: Pick<Wanted, 'notBefore' | 'notAfter'>): string {
    const { publicKey, names } = readRequest(csrPem);
    return this.#sign(publicKey, { names, ...life });
  }

  /** From this one upwards, as providers hand it out. */
  chain(): string[] {
    return [this.certificate, ...(this.#parent?.chain() ?? [])];
  }

  #sign(publicKey: forge.pki.PublicKey, wanted: Wanted): string {
    return signed(publicKey, wanted.names[0] ?? 'nobody', wanted, {
      issuer: this.name,
      key: this.#key,
      authority: false,
    });
  }
}

/** What a request asks for; throws when it is not signed by its own key. */
export function readRequest(pem: string): {
  publicKey: forge.pki.PublicKey;
  commonName: string;
  names: string[];
} {
  const request = forge.pki.certificationRequestFromPem(pem);
  if (!request.verify() || request.publicKey === null)
    throw new Error('the request is not signed by its own key');
  const attribute = request.getAttribute({ name: 'extensionRequest' });
  const extensions: { name: string; altNames?: { type: number; value: string; ip?: string }[] }[] =
    attribute?.extensions ?? [];
  const alternatives = extensions.find(({ name }) => name === 'subjectAltName')?.altNames ?? [];
  const names = alternatives.map(({ type, value, ip }) => (type === 7 ? (ip ?? addressOf(value)) : value));
  const commonName = String(request.subject.getField('CN')?.value ?? '');
  return { publicKey: request.publicKey, commonName, names };
}

const addressOf = (bytes: string): string => [...Buffer.from(bytes, 'latin1')].join('.');

function publicKeyOf(keyPem: string): forge.pki.PublicKey {
  const { n, e } = forge.pki.privateKeyFromPem(keyPem);
  return forge.pki.setRsaPublicKey(n, e);
}

function signed(
  publicKey: forge.pki.PublicKey,
  subject: string,
  { names, notBefore, notAfter }: Wanted,
  by: { issuer: string; key: forge.pki.rsa.PrivateKey; authority: boolean },
): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  serial += 1;
  certificate.serialNumber = `01${serial.toString(16).padStart(6, '0')}`;
  certificate.validity.notBefore = new Date(notBefore);
  certificate.validity.notAfter = new Date(notAfter);
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: by.issuer }]);
  const altNames = names.map((name) =>
    /^[0-9.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name },
  );
  certificate.setExtensions([
    { name: 'basicConstraints', cA: by.authority },
    ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName', altNames }]),
  ]);
  certificate.sign(by.key, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}
