// Each way in which an action fails is met by a test: the first words of every message stand in one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const textsIn = (folder: string, pattern: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'));

/** How many words in a row are taken for the same message. */
const enough = 4;

/** Of each failure that an action names in words of its own, the first words in a row. */
const messages = textsIn('src/actions', /\.ts$/)
  .flatMap((text) => text.match(/new ActionFailure\((?:[^()]|\([^()]*\))*/g) ?? [])
  .flatMap((call) => call.match(/`[^`]*`|'(?:[^'\\]|\\.)*'|"[^"]*"/g) ?? [])
  .flatMap((literal) => {
    const pieces = literal.slice(1, -1).split(/\$\{(?:[^{}]|\{[^}]*\})*\}/);
    const words = pieces.map((piece) => piece.trim().split(/\s+/)).find(({ length }) => length >= enough);
    return words === undefined ? [] : [words.slice(0, enough).join(' ')];
  });

const tests = textsIn('tests/cluster', /\.test\.ts$/)
  .map((text) => text.replaceAll('\\', ''))
  .join('\n');

test('there are as many as there were, or more', () => {
  expect(messages.length).toBeGreaterThan(40);
});

test.each([...new Set(messages)])('%s …', (words) => {
  expect(tests.includes(words)).toBe(true);
});
