import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeOf, root, sources } from './sources.ts';

const shipped = sources(
  /^(charm\.ts|(src|scripts|lib\/[^/]+\/(src|testing|pack|cli)|examples\/[^/]+\/src)\/.*\.(ts|mjs))$/,
);
const code = sources(/^(charm\.ts|(src|lib|tests|scripts|examples)\/.*\.(ts|mjs))$/);
const tests = code.filter(({ path }) => /\.test\.ts$/.test(path));
const everything = sources(/\.(ts|mjs|md|ya?ml|json|sh)$|^\.ci\/|^lib\/juju-ts-ops\/pack\/dispatch$/);

/** `path:line: text` of every line that `pattern` matches. */
function matches(from: typeof code, pattern: RegExp): string[] {
  return from.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

describe('a source file', () => {
  test('opens with a sentence on why it exists', () => {
    const without = shipped.filter(
      ({ lines }) => !/^(\/\/|\/\*\*?)\s*\S/.test(lines.find((line) => !line.startsWith('#!')) ?? ''),
    );
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  test('has at most 300 lines, or says in its first ones why it has more', () => {
    const long = shipped.filter(
      ({ lines }) => lines.length > 300 && !/300 lines/.test(lines.slice(0, 6).join(' ')),
    );
    expect(long.map(({ path, lines }) => `${path}: ${lines.length} lines`)).toEqual([]);
  });

  const empty = new RegExp(`^(${['manager', 'helper', 'util'].join('|')})s?$`, 'i');

  test('is not named after nothing', () => {
    expect(
      code.map(({ path }) => path).filter((path) => path.split(/[/.\-_]/).some((word) => empty.test(word))),
    ).toEqual([]);
  });

  test('names nothing after nothing', () => {
    const names = code.flatMap(({ path, text }) =>
      [...new Set(codeOf(text).match(/[A-Za-z_$][\w$]*/g))]
        .filter((name) => name.split(/_|(?<=[a-z])(?=[A-Z])/).some((word) => empty.test(word)))
        .map((name) => `${path}: ${name}`),
    );
    expect(names).toEqual([]);
  });
});

test('no test is singled out, left out or postponed; a condition on the machine is fine (skipIf)', () => {
  expect(matches(tests, /\b(test|it|describe|suite)(\.\w+)*\.(only|skip|todo|fails)\b(?!If)/)).toEqual([]);
});

test('no file names a place on the machine where it was written, or a registry', () => {
  const machine = new RegExp(
    `(^|[\\s'"\`(=:,])/${'work'}/(main|shared|\\.library)|https?://${'registry'}\\.`,
  );
  expect(matches(everything, machine)).toEqual([]);
});

test('relative links in the documents lead somewhere', () => {
  const broken = sources(
    /^(README\.md|docs\/.*\.md|lib\/[^/]+\/.*\.md|CHANGELOG\.md|CONTRIBUTING\.md)$/,
  ).flatMap(({ path, text }) => {
    const prose = text.replace(/```[\s\S]*?```|`[^`\n]*`/g, '');
    return [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^([a-z]+:|#)/.test(target))
      .filter((target) => !existsSync(join(root, dirname(path), decodeURI(target.split('#', 1)[0] ?? ''))))
      .map((target) => `${path}: ${target}`);
  });
  expect(broken).toEqual([]);
});
