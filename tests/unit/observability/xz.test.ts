// The .xz writer: an independent reader gets the content back, and the bytes are those that `xz -dc` (5.4) and Python's lzma
// were seen to read.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { xzStored } from '../../../src/observability/xz.ts';
import { xzContent } from './xz-content.ts';

test.each([
  [0, '730e758631466c57'],
  [1, 'bb040ce54f747756'],
  [2, 'f289b76965804b34'],
  [3, '55ec2409c6caecc0'],
  [4, 'd906870dd03d65ce'],
  [100, 'c7cc0f0aa777308b'],
  [65_535, '49af3dcaafad0aac'],
  [65_536, 'f62321d76206b437'],
  [65_537, '54bd4e56bc49cbfc'],
  [200_000, 'e2ce26353d6425ab'],
])('%i bytes', (count, digest) => {
  const content = Buffer.alloc(count, 'abcdefg');
  const stream = xzStored(content);
  expect(xzContent(stream)).toEqual(content);
  expect(createHash('sha256').update(stream).digest('hex').slice(0, 16)).toBe(digest);
});
