// Random bytes from a seed, and RSA keys that are made once for all tests of a process.
import { generateKeyPairSync } from 'node:crypto';
import type { Random } from '../../src/host/host.ts';
import { sshLine } from '../../src/host/real/random.ts';

/** As many different keys as a test may need; the next one after these is the first again. */
const differentKeys = 16;
/** The least that the charm takes for a worker key. */
const keyBits = 2048;

const keys: { privatePem: string; publicSsh: string }[] = [];

/** The n-th of the fixed keys. */
export function fixedKey(n: number): { privatePem: string; publicSsh: string } {
  for (let made = keys.length; made <= n % differentKeys; made += 1) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: keyBits });
    const privatePem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    keys.push({ privatePem, publicSsh: sshLine(publicKey) });
  }
  const key = keys[n % differentKeys];
  if (key === undefined) throw new Error('no key was made');
  return key;
}

/** mulberry32: the same seed, the same bytes. */
export class FakeRandom implements Random {
  private state: number;
  private nextKey: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
    this.nextKey = seed >>> 0;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.byte()));
  }

  uuid(): string {
    const hex = this.bytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  async rsaKey(): Promise<{ privatePem: string; publicSsh: string }> {
    const key = fixedKey(this.nextKey);
    this.nextKey += 1;
    return key;
  }

  private byte(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) & 0xff;
  }
}
