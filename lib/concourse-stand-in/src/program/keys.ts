// RSA keys as Concourse takes them: a PEM file for the private one, an `ssh-rsa` line for the public one.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

import { fail } from './log.ts';

/** The public line of a private key's file; whatever is not RSA in PEM ends the program, as it does Concourse. */
export function publicLine(path: string): string {
  return sshLine(createPublicKey(privateKey(path)));
}

export function privateKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch (error) {
    // Anything: a missing file and bytes that are no key both end in the line below.
    if (!(error instanceof Error)) throw error;
  }
  return fail(`failed to parse private key '${path}': asn1: structure error`);
}

function sshLine(key: KeyObject): string {
  const { e = '', n = '' } = key.export({ format: 'jwk' });
  const fields = [Buffer.from('ssh-rsa'), number(e), number(n)];
  const body = fields.flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  });
  return `ssh-rsa ${Buffer.concat(body).toString('base64')}`;
}

/** An SSH number is signed: a zero byte goes before a set highest bit. */
function number(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
}

/** `type and body` of each line of a file of public keys. */
export const readPublicKeys = (path: string): Set<string> =>
  new Set(
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('ssh-'))
      .map((line) => line.split(' ').slice(0, 2).join(' ')),
  );

/** `generate-key -t rsa|ssh -f FILE [-b BITS]`. Like the real one it leaves the mode to the umask. */
export function generateKey(flags: Record<string, string>): void {
  const { t: type = '', f: path = '', b: bits = '4096' } = flags;
  if (type !== 'rsa' && type !== 'ssh') fail(`Invalid value \`${type}' for option \`-t, --type'`);
  if (path === '') fail("the required flag `-f, --filename' was not specified");
  const pair = generateKeyPairSync('rsa', { modulusLength: Number(bits) });
  writeFileSync(path, pair.privateKey.export({ type: 'pkcs1', format: 'pem' }));
  if (type === 'ssh') writeFileSync(`${path}.pub`, `${sshLine(pair.publicKey)} \n`);
}
