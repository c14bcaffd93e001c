// What the tests found on each file system, as the table of docs/reference/volumes.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const page = join(import.meta.dirname, '../../../docs/reference/volumes.md');
const [begin, end] = ['<!-- made by npm run test:volumes -->', '<!-- end -->'];

/** Rows. A promise is kept or not, and the page is held to it; a measure is whatever it was on the machine that wrote the page. */
const rows = {
  mount: { text: 'as tested', promise: false },
  flock: { text: 'flock keeps other machines out', promise: true },
  oneHolder: { text: 'the install lock has one holder at a time', promise: true },
  named: { text: 'who is refused the lock learns who has it', promise: true },
  selfTest: { text: 'the self-test tells whether flock excludes', promise: true },
  fresh: { text: 'a file just replaced on another machine is read anew', promise: true },
  whole: { text: 'a reader during a switch sees whole releases only', promise: true },
  seen: { text: 'a switch is seen by another machine within', promise: false },
  firstSeen: { text: 'the first installation is seen within', promise: false },
  crashFlock: { text: 'flock of a holder that died is free after', promise: false },
  crashLock: { text: 'the install lock of a holder that died is taken over', promise: true },
  frozen: { text: 'a frozen holder keeps the lock', promise: true },
  cutOff: { text: 'the lock of a holder that is cut off is taken over', promise: true },
  cutOffAfter: { text: '… after', promise: false },
  lateWrite: {
    text: 'the server refuses a late write of that holder to a file that it has open',
    promise: false,
  },
  silence: {
    text: 'a hook sees within 15 s that the server is gone, instead of waiting with it',
    promise: true,
  },
  lateRename: { text: 'a late rename of an old holder changes nothing (the fence)', promise: true },
} as const;

type Row = keyof typeof rows;
const keys = Object.keys(rows) as Row[];

const found = new Map<string, Partial<Record<Row, string>>>();

/** Notes a cell. A promise that is found more than once on one file system is kept only if it was kept each time. */
export function note(fileSystem: string, row: Row, cell: string | boolean): void {
  const cells = found.get(fileSystem) ?? {};
  found.set(fileSystem, cells);
  if (cells[row] === 'no') return;
  cells[row] = typeof cell === 'string' ? cell : cell ? 'yes' : 'no';
}

/** `0.3 s`, `12 s`; below that a number says more about the machine of the tests. */
export function seconds(ms: number): string {
  if (ms < 100) return '0.1 s';
  return ms < 10_000 ? `${(Math.ceil(ms / 100) / 10).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

/** For a terminal. */
export function printed(): string {
  const names = [...found.keys()];
  const lines = keys.map((key) => [rows[key].text, ...names.map((name) => found.get(name)?.[key] ?? '–')]);
  const table = [['', ...names], ...lines];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Puts what was found into the page's table; what was not looked for stays as it is there. */
export function writePage(): void {
  const written = readPage();
  const names = [...new Set([...found.keys(), ...written.names])];
  const cell = (key: Row, name: string): string => {
    const text = found.get(name)?.[key] ?? written.says(name, key) ?? '–';
    return rows[key].promise && text === 'no' ? '**no**' : text;
  };
  const lines = [
    ['', ...names],
    ['---', ...names.map(() => '---')],
    ...keys.map((key) => [rows[key].text, ...names.map((name) => cell(key, name))]),
  ];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const [before = '', rest = ''] = readFileSync(page, 'utf8').split(begin);
  writeFileSync(page, `${before}${begin}\n${table}\n${end}${rest.split(end)[1] ?? ''}`);
}

interface Page {
  names: string[];
  says(fileSystem: string, key: Row): string | undefined;
}

function readPage(): Page {
  const table = (readFileSync(page, 'utf8').split(begin)[1] ?? '').split(end)[0] ?? '';
  const [head = [], , ...body] = table
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return {
    names: head.slice(1),
    says: (fileSystem, key) =>
      body.find(([text]) => text === rows[key].text)?.[head.indexOf(fileSystem)]?.replaceAll('*', ''),
  };
}

/** Promises of the page that were found otherwise: `file system: promise: the page says …, found: …`. */
export function differences(): string[] {
  const { says } = readPage();
  const word = (cell: string | undefined) => cell?.split(',')[0];
  return [...found].flatMap(([fileSystem, cells]) =>
    keys
      .filter((key) => rows[key].promise && cells[key] !== undefined)
      .filter((key) => word(cells[key]) !== word(says(fileSystem, key)))
      .map(
        (key) =>
          `${fileSystem}: ${rows[key].text}: the page says ${says(fileSystem, key)}, found: ${cells[key]}`,
      ),
  );
}
