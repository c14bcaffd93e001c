// Errors of file servers that Node has no name for, and that callers name.
import { getSystemErrorName } from 'node:util';
import { expect, it } from 'vitest';
import { hasCode } from '../../../src/host/errors.ts';
import { named, naming } from '../../../src/host/real/codes.ts';
import { volumeCodes } from '../../../src/storage/failures.ts';

/** As libuv makes it. */
function nameless(errno: number): Error {
  const code = `Unknown system error ${errno}`;
  return Object.assign(new Error(`${code}: ${code}, open '/v'`), { errno, code, syscall: 'open' });
}

it('what a file server answers is known by its name, although Node does not know it', async () => {
  for (const [errno, code] of [
    [-116, 'ESTALE'],
    [-122, 'EDQUOT'],
    [-77, 'EBADFD'],
    [-37, 'ENOLCK'],
  ] as const) {
    // Once Node knows it, the name need not be given here.
    expect(getSystemErrorName(errno)).toBe(`Unknown system error ${errno}`);
    const error = named(nameless(errno));
    expect(hasCode(error, code)).toBe(true);
    expect(String(error)).toBe(`Error: ${code}: ${code}, open '/v'`);
    const files = naming({ open: () => Promise.reject(nameless(errno)), sync: () => 1 });
    await expect(files.open()).rejects.toMatchObject({ code });
    expect(files.sync()).toBe(1);
  }
});

it('each code by which the charm knows a volume in trouble is one that Node or the adapter gives', () => {
  const given = Array.from({ length: 133 }, (_, index) => -1 - index).map((errno) => {
    const error = named(Object.assign(new Error(''), { errno, code: getSystemErrorName(errno) }));
    return error instanceof Error && 'code' in error ? error.code : undefined;
  });
  expect(volumeCodes.filter((code) => !given.includes(code))).toEqual([]);
});

it('any other error stays as it is', () => {
  const error = Object.assign(new Error('ENOENT: gone'), { errno: -2, code: 'ENOENT' });
  expect(named(error)).toBe(error);
  expect(error).toMatchObject({ code: 'ENOENT', message: 'ENOENT: gone' });
  expect(named('text')).toBe('text');
});
