// Unpredictable bytes from the kernel, and RSA keys in the two forms that Concourse reads.
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '../host.ts';

/** What Concourse's own `generate-key` makes: RSA, 4096 bits. */
const keyBits = 4096;

/** Loaded when first used: it takes 8 ms, and most hooks need neither. */
const crypto = () => process.getBuiltinModule('node:crypto');

export const realRandom: Random = {
  bytes: (count) => crypto().randomBytes(count),
  uuid: () => crypto().randomUUID(),
  rsaKey: async () => {
    const { privateKey, publicKey } = await promisify(crypto().generateKeyPair)('rsa', {
      modulusLength: keyBits,
    });
    return {
      privatePem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      publicSsh: sshLine(publicKey),
    };
  },
};

/** RFC 4253, 6.6: the name, the exponent and the modulus, each with its length before it. */
export function sshLine(publicKey: KeyObject): string {
  const { e, n } = publicKey.export({ format: 'jwk' });
  const fields = [Buffer.from('ssh-rsa'), positive(e), positive(n)];
  const blob = Buffer.concat(fields.flatMap((field) => [length(field), field]));
  return `ssh-rsa ${blob.toString('base64')}`;
}

/** An mpint is signed: a leading one bit needs a zero byte before it. */
function positive(base64url: string | undefined): Buffer {
  const bytes = Buffer.from(base64url ?? '', 'base64url');
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function length(field: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(field.length);
  return bytes;
}
