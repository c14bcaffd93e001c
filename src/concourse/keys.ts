// The files of public keys that web and workers trust each other by, made only from keys that Concourse can use: one bad
// line in the authorized keys stops web.
import { createHash } from 'node:crypto';

export interface WorkerKey {
  /** The Juju unit, `concourse-ci/1`: the comment behind its key. */
  unit: string;
  /** `ssh-rsa AAAA…`, without a comment. */
  publicSsh: string;
}

export type KeyProblem =
  | 'not an ssh-rsa key'
  | 'not base64'
  | 'not an RSA public key'
  | 'shorter than 2048 bits';

/** Undefined for a good key. Concourse takes RSA only; others are refused as "asn1: structure error". */
export function keyProblem(publicSsh: string): KeyProblem | undefined {
  const parts = /^ssh-rsa ([^\s]+)(?: [^\r\n]*)?$/.exec(publicSsh.trimEnd());
  if (!parts) return 'not an ssh-rsa key';
  const [, encoded = ''] = parts;
  const body = Buffer.from(encoded, 'base64');
  if (body.length === 0 || body.toString('base64') !== encoded) return 'not base64';
  const fields = sshFields(body);
  const [type, exponent, modulus] = fields ?? [];
  if (
    fields?.length !== 3 ||
    type?.toString('latin1') !== 'ssh-rsa' ||
    !exponent?.length ||
    !modulus?.length
  ) {
    return 'not an RSA public key';
  }
  const digits = modulus.toString('hex').replace(/^0+/, '');
  return digits.length * 4 < 2048 ? 'shorter than 2048 bits' : undefined;
}

/** Length-prefixed strings (RFC 4251, section 5); undefined where a length leads out of the buffer. */
function sshFields(body: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let at = 0;
  while (at < body.length) {
    if (at + 4 > body.length) return undefined;
    const end = at + 4 + body.readUInt32BE(at);
    if (end > body.length) return undefined;
    fields.push(body.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** `ssh-rsa AAAA…` without a comment: what is compared and published. */
export const bareKey = (publicSsh: string): string => publicSsh.trim().split(/\s+/).slice(0, 2).join(' ');

/** The file for `CONCOURSE_TSA_AUTHORIZED_KEYS`, the same bytes for the same keys. Bad keys are left out and named. */
export function authorizedKeysFile(keys: readonly WorkerKey[]): {
  text: string;
  refused: { unit: string; problem: KeyProblem }[];
} {
  const lines = new Set<string>();
  const refused: { unit: string; problem: KeyProblem }[] = [];
  for (const key of keys) {
    const problem = keyProblem(key.publicSsh);
    if (problem) refused.push({ unit: key.unit, problem });
    else lines.add(`${bareKey(key.publicSsh)} ${key.unit.replace(/\s+/g, ' ')}\n`);
  }
  return { text: [...lines].sort().join(''), refused };
}

/** The file for `CONCOURSE_TSA_PUBLIC_KEY`: the host keys that a worker accepts, in the form of authorized keys. */
export const hostKeyFile = (hostKeys: readonly string[]): string =>
  [...new Set(hostKeys.map(bareKey))]
    .sort()
    .map((key) => `${key}\n`)
    .join('');

/** 16 hexadecimal digits by which people and databags can compare keys. */
export const fingerprint = (publicSsh: string): string =>
  createHash('sha256').update(bareKey(publicSsh)).digest('hex').slice(0, 16);
