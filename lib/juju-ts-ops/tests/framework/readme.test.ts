import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

it("the README's example is a file that the compiler checks", async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const example = await readFile(new URL('fixtures/example.ts', import.meta.url), 'utf8');
  expect(readme.match(/```ts\n(.*?)```/s)?.[1]).toBe(example);
});
