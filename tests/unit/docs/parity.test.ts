// docs/reference/parity.md has a row for everything that the Python charm offers, each with what it is here and a test that shows it.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { helpText } from 'concourse-stand-in';
import { describe, expect, test } from 'vitest';
import { settingNames } from '../../../src/concourse/setting-names.ts';
import { definition } from '../../../src/definition.ts';
import { pythonCharm } from './python-charm.ts';

const page = join(import.meta.dirname, '../../../docs/reference/parity.md');

interface Row {
  there: string[];
  here: string;
  shown: string;
}

/** The rows below each heading. */
const tables = new Map<string, Row[]>(
  readFileSync(page, 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [heading = '', ...lines] = part.split('\n');
      const rows = lines.filter((line) => line.startsWith('| ') && !/^\| (?:---|there)/.test(line));
      return [heading.toLowerCase(), rows.map(rowOf)];
    }),
);

function rowOf(line: string): Row {
  const [there = '', here = '', shown = ''] = line.slice(2, -2).split(' | ');
  return { there: codesIn(there), here, shown };
}

function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

test.each(Object.keys(pythonCharm))(
  '%s: one row each, and none that the Python charm does not have',
  (kind) => {
    const told = (tables.get(kind) ?? []).flatMap(({ there }) => there);
    expect(told.sort()).toEqual([...(pythonCharm[kind] ?? [])].sort());
  },
);

const everyRow = [...tables].flatMap(([kind, rows]) =>
  rows.map((row) => ({ ...row, kind, name: row.there.join(', ') })),
);

describe('what it is here', () => {
  const { options, actions } = definition.declared;
  const settings = settingNames([helpText('web'), helpText('worker')].join('\n'));

  test.each(everyRow)('$kind: $name: is said, by names that there are', ({ here }) => {
    expect(here.trim()).not.toBe('');
    const codes = codesIn(here);
    const named = codes.filter((code) => /^CONCOURSE_[A-Z0-9_]*[A-Z0-9]$/.test(code));
    expect(named.filter((name) => !settings.includes(name))).toEqual([]);
    const links = [...here.matchAll(/\[`([a-z-]+)`\]\((options|actions)\.md#([a-z-]+)\)/g)];
    for (const [, name = '', where, anchor] of links) {
      expect(anchor).toBe(name);
      expect(Object.keys(where === 'options' ? options : actions)).toContain(name);
    }
  });

  // What is left out has a reason instead.
  test.each(everyRow)('$kind: $name: is shown by a test, or left out with the reason', ({ here, shown }) => {
    const links = [...shown.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)];
    if (links.length === 0) return expect(here).toMatch(/^(?:Left out|Not needed): .{20,}/);
    for (const [, title = '', path = ''] of links) {
      expect(readFileSync(join(dirname(page), path), 'utf8'), `${path}: ${title}`).toContain(title);
    }
  });
});
