// The documents hold what they promise: generated parts are current, nothing that a user meets is left out, links lead
// somewhere, headings included.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { charmFiles } from 'juju-ts-ops';
import { describe, expect, test } from 'vitest';
import { blocksOf, filledIn, marksOf, withSections } from '../../../scripts/reference/blocks.ts';
import { definition } from '../../../src/definition.ts';
import { statuses } from '../../../src/statuses.ts';
import { names } from '../../../src/storage/layout.ts';
import { factsSchema } from '../../../src/upgrade/facts.ts';
import { goalSchema } from '../../../src/upgrade/goal.ts';

const root = join(import.meta.dirname, '../../..');
const page = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the reference', () => {
  const blocks = blocksOf(charmFiles(definition));

  test.each(['options.md', 'actions.md'])('%s says what the definition says (npm run reference)', (name) => {
    const text = page(`docs/reference/${name}`);
    expect(text).toBe(filledIn(text, blocks));
  });

  test('has every block that there is, once', () => {
    const marks = ['options.md', 'actions.md'].flatMap((name) => marksOf(page(`docs/reference/${name}`)));
    expect(marks.sort()).toEqual([...blocks.keys()].sort());
  });

  test('a mark that names nothing is refused', () => {
    expect(() => filledIn('<!-- generated: action:gone -->\n<!-- end -->', blocks)).toThrow('action:gone');
  });

  test('a section that lacks is begun at its place, and what is there stays', () => {
    const wanted = ['a', 'b', 'c'].map((name) => ({ name, text: `of ${name}` }));
    const page = '# Page\n\n## b\n\nby hand\n\n## Other\n\nend\n';
    const grown = '# Page\n\n## a\n\nof a\n\n## b\n\nby hand\n\n## c\n\nof c\n\n## Other\n\nend\n';
    expect(withSections(page, wanted)).toBe(grown);
    expect(withSections(grown, wanted)).toBe(grown);
  });

  test.each([
    ['statuses.md', Object.keys(statuses)],
    ['databags.md', [...Object.keys(goalSchema.shape), ...Object.keys(factsSchema.shape)]],
    ['files.md', Object.values(names)],
  ])('%s leaves nothing out', (name, expected) => {
    const text = page(`docs/reference/${name}`);
    // In code, alone or as the last part of a path: a word in passing is not a description.
    const told = new Set(
      [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => [code, code.split('/').at(-1)]),
    );
    expect(expected.filter((each) => !told.has(each))).toEqual([]);
  });

  test.each([
    ['options.md', Object.keys(definition.declared.options)],
    ['actions.md', Object.keys(definition.declared.actions)],
  ])('%s has a section for each, in the order of the definition', (name, expected) => {
    const headings = [...page(`docs/reference/${name}`).matchAll(/^## (\S+)$/gm)].map(
      ([, heading]) => heading,
    );
    expect(headings).toEqual(expected);
  });
});

describe('links', () => {
  const documents = markdownBelow(root);

  test('there are documents', () => {
    expect(documents).toContain('README.md');
    expect(documents.length).toBeGreaterThan(20);
  });

  test.each(documents)('%s', (path) => {
    expect(brokenLinks(path)).toEqual([]);
  });
});

function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return isOurs(entry.name) ? markdownBelow(path) : [];
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

/** `build` is what other programs of the project leave while they run. */
const isOurs = (folder: string): boolean => !/^(node_modules|build|\..*)$/.test(folder);

/** Relative links whose file, or whose heading in that file, is not there. */
function brokenLinks(path: string): string[] {
  const prose = page(path).replace(/```[\s\S]*?```|`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', heading] = decodeURI(target).split('#', 2);
      const to = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(root, to))) return true;
      return heading !== undefined && to.endsWith('.md') && !anchorsOf(page(to)).includes(heading);
    });
}

/** As GitHub makes them: lower case, punctuation dropped, blanks to hyphens. */
function anchorsOf(text: string): string[] {
  return [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}
