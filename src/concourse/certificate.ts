// A certificate with its private key, as web serves HTTPS with it: held against each other, the clock and the name that people
// type, before anything is touched.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

export interface CertificatePair {
  /** PEM: web's own certificate first, then those that lead to an authority, which itself is left out. */
  certificate: string;
  /** PEM, PKCS#8. */
  key: string;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
  /** The first name that is in it and is no pattern: for whom no external-url is set. */
  name: string | undefined;
}

export interface PairParts {
  /** PEM, in any order and number. */
  certificates: readonly string[];
  /** PEM, without a passphrase. */
  key: string;
  now: number;
  /** What it must be for; undefined: anything. */
  host: string | undefined;
}

/** No problem repeats a part of the key. `outOfDate`: what the clock says against it; web starts with it all the same. */
export function certificatePair(
  parts: PairParts,
): { pair: CertificatePair; outOfDate: string | undefined } | { problem: string } {
  const key = readKey(parts.key);
  if (key === undefined) return { problem: 'private-key is no private key in PEM form without a passphrase' };
  const blocks = parts.certificates.flatMap(pemCertificates);
  const certificates = blocks.map(readCertificate);
  const broken = certificates.indexOf(undefined);
  if (broken !== -1) return { problem: `certificate ${broken + 1} of ${blocks.length} cannot be read` };
  const read = certificates.filter((each) => each !== undefined);
  if (read.length === 0) return { problem: 'there is no certificate in PEM form in it' };
  const own = read.find((each) => each.checkPrivateKey(key));
  if (own === undefined) return { problem: 'private-key is not that of the certificate' };
  const notBefore = Date.parse(own.validFrom);
  const notAfter = Date.parse(own.validTo);
  if (parts.host !== undefined && !isFor(own, parts.host))
    return {
      problem: `the certificate is not for ${parts.host}, but for ${own.subjectAltName ?? 'no name'}`,
    };
  const expired = parts.now >= notAfter ? `the certificate expired on ${day(notAfter)}` : undefined;
  const early = parts.now < notBefore ? `the certificate is not valid before ${day(notBefore)}` : undefined;
  return {
    outOfDate: expired ?? early,
    pair: {
      certificate: [own, ...chainOf(own, read)].map(String).join(''),
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      notBefore,
      notAfter,
      name: /DNS:([^,*"]+)(?:,|$)/.exec(own.subjectAltName ?? '')?.[1],
    },
  };
}

/** `2026-12-24`, UTC. */
export const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Certificates in PEM form and nothing that is none. */
export function areCertificates(text: string): boolean {
  const blocks = pemCertificates(text);
  return (
    blocks.length > 0 &&
    blocks.every((pem) => readCertificate(pem) !== undefined) &&
    !text.includes('PRIVATE KEY')
  );
}

/** The PEM blocks of a text, whatever stands between them. */
const pemCertificates = (text: string): string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    // OpenSSL's errors, and Node's for what is no PEM at all: their words name no cause that an operator would know.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined; // OpenSSL's, likewise.
    throw error;
  }
}

const isAddress = (host: string): boolean => host.includes(':') || /^[0-9]+(\.[0-9]+){3}$/.test(host);

/** As browsers and `fly` look: by the alternative names alone. */
function isFor(certificate: X509Certificate, host: string): boolean {
  if (isAddress(host)) return certificate.checkIP(host) !== undefined;
  return certificate.checkHost(host, { subject: 'never' }) !== undefined;
}

/** From issuer to issuer, in the order in which TLS wants them; an authority that vouches for itself is the client's to know. */
function chainOf(own: X509Certificate, all: readonly X509Certificate[]): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let last = own;
  for (;;) {
    const issuer = all.find((each) => !chain.includes(each) && each !== own && last.checkIssued(each));
    if (issuer === undefined || issuer.checkIssued(issuer)) return chain;
    chain.push(issuer);
    last = issuer;
  }
}
