import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linkRefusal, releasePath } from '../../../src/release/paths.ts';

const component = fc.constantFrom('concourse', 'a', 'bin', '..', '.', '', 'b', 'x\u0000', '…', 'c\n');
const path = fc.array(component, { minLength: 1, maxLength: 7 }).map((parts) => parts.join('/'));

describe('entry names', () => {
  test('that are accepted stay inside the release, whatever they are made of', () => {
    fc.assert(
      fc.property(path, (name) => {
        const rule = releasePath(name);
        if ('refused' in rule) return;
        const resolved = posix.resolve('/release', rule.path);
        expect(resolved === '/release' || resolved.startsWith('/release/')).toBe(true);
        expect(rule.path).toBe(posix.normalize(rule.path === '' ? '.' : rule.path).replace(/^\.$/, ''));
        expect(rule.path).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['concourse/bin/concourse', 'bin/concourse'],
    ['./concourse/bin/', 'bin'],
    ['concourse/', ''],
    ['concourse//a/./b', 'a/b'],
  ])('%j is %j in the release', (name, expected) => {
    expect(releasePath(name)).toEqual({ path: expected });
  });

  test.each([
    ['/concourse/bin', 'absolute'],
    ['concourse/../../etc/passwd', "'..'"],
    ['..', "'..'"],
    ['bin/concourse', 'outside'],
    ['concourse2/bin', 'outside'],
    ['', 'no name'],
    ['./', 'no name'],
    ['concourse/.manifest.json', 'keeps for itself'],
    ['concourse/a\nb', 'control character'],
    ['concourse/\ufffd', 'UTF-8'],
    [`concourse/${'a'.repeat(256)}`, 'too long'],
  ])('%j is refused', (name, reason) => {
    expect(releasePath(name)).toEqual({ refused: expect.stringContaining(reason) });
  });
});

describe('symbolic links', () => {
  test('that are accepted lead inside, also through one another', () => {
    // Two accepted links and a walk over real folders: resolved as the kernel does, component by component.
    const link = fc.tuple(fc.constantFrom('a/l', 'l', 'a/b/l'), path);
    fc.assert(
      fc.property(link, link, ([firstPath, firstTarget], [secondPath, secondTarget]) => {
        const links = new Map<string, string>();
        for (const [at, target] of [
          [firstPath, firstTarget],
          [secondPath, secondTarget],
        ] as const) {
          if (linkRefusal(at, target) === undefined) links.set(at, target);
        }
        for (const at of links.keys()) expect(escapes(at, links)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['bin/runc', '/usr/bin/runc'],
    ['bin/runc', '../../etc/passwd'],
    ['l', '..'],
    ['a/l', 'x/../../..'],
    ['l', ''],
    ['l', 'a\u0007'],
  ])('%j → %j is refused', (at, target) => {
    expect(linkRefusal(at, target)).toBeDefined();
  });

  test.each([
    ['bin/runc', 'gdn'],
    ['bin/runc', '../tools/runc'],
    ['a/b/l', '../..'],
    ['l', './a'],
  ])('%j → %j is accepted', (at, target) => {
    expect(linkRefusal(at, target)).toBeUndefined();
  });
});

/** Whether opening `at` leaves the tree, as path_resolution(7) has it. */
function escapes(at: string, links: Map<string, string>): boolean {
  let rest = at.split('/');
  let here: string[] = [];
  for (let steps = 0; steps < 40 && rest.length > 0; steps += 1) {
    const [next = '', ...others] = rest;
    rest = others;
    if (next === '' || next === '.') continue;
    if (next === '..') {
      if (here.length === 0) return true;
      here = here.slice(0, -1);
      continue;
    }
    const target = links.get([...here, next].join('/'));
    if (target === undefined) here = [...here, next];
    else rest = [...target.split('/'), ...rest];
  }
  return false;
}
