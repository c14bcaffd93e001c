// The recording of `npm start`: lines with their seconds, a picture that any SVG viewer reads, and the one that is committed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordingOf } from '../../../scripts/record/recording.ts';
import { asSvg } from '../../../scripts/record/svg.ts';
import { root } from '../tidy/sources.ts';

const picture = readFileSync(join(root, 'docs/pictures/start.svg'), 'utf8');

test('a line came when it says, or with the one before it', () => {
  const output = `Packing\n   1.5s  app/0  active: a\nWhat was shown\n  12.0s  app/1  in /home/me/x/.lab\n${'w'.repeat(200)}`;
  const lines = recordingOf(output, '/home/me/x');
  expect(lines.map(({ at }) => at)).toEqual([0, 1.5, 1.5, 12, 12]);
  expect(lines[3]?.text).toBe('  12.0s  app/1  in .lab');
  expect(lines[4]?.text).toHaveLength(112);
});

test('what was printed stands in it, escaped, at its time, and it is the same each time', () => {
  const lines = [
    { at: 0, text: 'a <b> & "c"' },
    { at: 2, text: 'app/0 active: x' },
  ];
  const svg = asSvg('npm start', lines);
  expect(svg).toContain('>a &lt;b&gt; &amp; &quot;c&quot;</text>');
  expect(svg).toContain('25.00%,100%{opacity:1}');
  expect(svg).toContain('class="a1 g"');
  expect(asSvg('npm start', lines)).toBe(svg);
});

test.each([
  ['the committed one', picture],
  ['that of the upgrade', readFileSync(join(root, 'docs/pictures/upgrade.svg'), 'utf8')],
  ['one of nothing', asSvg('nothing', [])],
])('%s opens and closes each of its elements', (_what, svg) => {
  const open: string[] = [];
  for (const [, close = '', name = '', empty = ''] of svg.matchAll(/<(\/?)([a-zA-Z]+)[^>]*?(\/?)>/g)) {
    if (close === '/') expect(open.pop()).toBe(name);
    else if (empty === '') open.push(name);
  }
  expect(open).toEqual([]);
});

test('the committed one shows the whole story, and README shows it', () => {
  const story = [
    '1. Deploy: one web and 2 workers',
    '2. A worker more',
    '3. Upgrade all together',
    'What was shown',
  ];
  for (const chapter of story) expect(picture).toContain(chapter);
  expect(picture).not.toMatch(/(?<![\w.-])\/(tmp|home|root|work)\//);
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('(docs/pictures/start.svg)');
});
