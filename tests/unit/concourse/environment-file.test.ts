import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseEnvironmentFile, renderEnvironmentFile } from '../../../src/concourse/environment-file.ts';

const render = (environment: Record<string, string>): string => {
  const rendered = renderEnvironmentFile(environment);
  if (!rendered.ok) throw new Error(rendered.problems.map((problem) => problem.message).join());
  return rendered.text;
};

/** Printable characters of every kind, the dangerous ones often. */
const value = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...' \t"\'\\`$%#;=!*~{}()[]<>|&é€😀'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).filter((text) => !/[\p{Cc}]/u.test(text)),
  ),
  maxLength: 40,
});
const name = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/)
  .filter((key) => key !== 'CONCOURSE_VERSION' && key !== '__proto__');

describe('an environment file', () => {
  test('gives every value back as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), (environment) => {
        expect(parseEnvironmentFile(render(environment))).toEqual({ ...environment });
      }),
    );
  });

  test('has one line for each variable, in order, whatever order they came in', () => {
    expect(render({ B: 'a "b" \\c $d `e` %f', A: '' })).toBe('A=""\nB="a \\"b\\" \\\\c \\$d \\`e\\` %f"\n');
  });

  test.each([
    ['a line break', 'Q\nQ'],
    ['a carriage return', 'Q\rQ'],
    ['NUL', 'Q\0Q'],
    ['an escape character', 'Q\u001bQ'],
    ['half a surrogate pair', 'Q\ud800Q'],
  ])('refuses %s, names the key and does not repeat the value', (_, bad) => {
    const rendered = renderEnvironmentFile({ GOOD: 'x', SECRET: bad });
    expect(rendered).toMatchObject({ ok: false, problems: [{ key: 'SECRET', code: 'character' }] });
    expect(JSON.stringify(rendered)).not.toContain('Q');
  });

  test.each(['1A', 'A B', 'A-B', '', 'A=B'])('refuses the name %j', (key) => {
    expect(renderEnvironmentFile({ [key]: 'x' })).toMatchObject({
      ok: false,
      problems: [{ key, code: 'name' }],
    });
  });
});

// Each case was checked against systemd 252 by the test below.
const AS_SYSTEMD_READS: readonly (readonly [string, string, Record<string, string>])[] = [
  ['comments and blank lines', '# a=1\n\n; b=2\n  c=3\n', { c: '3' }],
  ['blanks around a bare value', 'a =  b c \t\n', { a: 'b c' }],
  ['a # within a value', 'a=b # c\n', { a: 'b # c' }],
  ['both quotes side by side', 'a=\'b "\'"c\'"\n', { a: 'b "c\'' }],
  ['blanks behind a quote', 'a="b "  \n', { a: 'b ' }],
  ['a quote within a bare value', 'a=b"c"\n', { a: 'b"c"' }],
  ['a backslash before an ordinary character in quotes', 'a="b\\nc"\n', { a: 'b\\nc' }],
  ['a backslash in a bare value', 'a=b\\c\\\\\n', { a: 'bc\\' }],
  ['a continued line', 'a=b\\\nc\nd="e\\\nf"\n', { a: 'bc', d: 'ef' }],
  ['a line without =', 'nonsense\na=b\n', { a: 'b' }],
  ['an empty value', 'a=\nb=""\n', { a: '', b: '' }],
  ['the last of two', 'a=1\na=2\n', { a: '2' }],
  ['no line break at the end', 'a=b', { a: 'b' }],
];

test.each(AS_SYSTEMD_READS)('%s is read as systemd does', (_, text, expected) => {
  expect(parseEnvironmentFile(text)).toEqual(expected);
});

// The same parser of systemd's, in a program that prints what it has read. It expands `$` afterwards, which EnvironmentFile=
// does not: so there is no `$` here. And it prints no empty variable, and a tab as `\t`.
const GENERATOR = '/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator';

describe.skipIf(!existsSync(GENERATOR))("systemd's own parser", () => {
  const read = (text: string): Record<string, string> => {
    const home = mkdtempSync(join(tmpdir(), 'environment-'));
    try {
      mkdirSync(join(home, 'environment.d'));
      writeFileSync(join(home, 'environment.d', '99-test.conf'), text);
      return parseEnvironmentFile(
        execFileSync(GENERATOR, {
          env: { XDG_CONFIG_HOME: home },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
    } finally {
      rmSync(home, { recursive: true });
    }
  };

  test.each(AS_SYSTEMD_READS)('reads %s like ours', (_, text, expected) => {
    const kept = Object.entries(expected).filter(([, content]) => content !== '');
    expect(read(text)).toMatchObject(Object.fromEntries(kept));
  });

  test('reads what we write', () => {
    const plain = value.filter((text) => text !== '' && !/[\t$]/.test(text));
    fc.assert(
      fc.property(plain, (text) => {
        expect(read(render({ PROBE: text }))).toMatchObject({ PROBE: text });
      }),
      { numRuns: 40 },
    );
  });
});
