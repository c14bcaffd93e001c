// The page on what juju-ts-ops exports is what its docstrings say now.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as framework from 'juju-ts-ops';
import * as pack from 'juju-ts-ops/pack';
import * as testing from 'juju-ts-ops/testing';
import { expect, test } from 'vitest';
import { apiPage, declarationsIn } from '../../../scripts/reference/api.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/juju-ts-ops.md'), 'utf8');

test('it is current (npm run reference)', () => {
  expect(page).toBe(apiPage());
});

test('it has everything that can be imported', () => {
  const headings = new Set([...page.matchAll(/^#### (\w+)$/gm)].map(([, name]) => name));
  const names = [framework, testing, pack].flatMap((module) => Object.keys(module));
  expect(names.filter((name) => !headings.has(name))).toEqual([]);
});

test('a declaration has its own docstring, and nothing private', () => {
  const text = `import type { X } from './x.ts';
/** Says it. */
export declare class A {
    #private;
    /** Of b. */
    b(): void;
}
declare const hidden: X;
export type C = typeof hidden;
`;
  expect(declarationsIn(text)).toEqual([
    { name: 'A', doc: 'Says it.', code: 'class A {\n  /** Of b. */\n  b(): void;\n}' },
    { name: 'C', doc: '', code: 'type C = typeof hidden;' },
  ]);
});
