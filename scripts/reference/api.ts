// What juju-ts-ops exports, from its declarations: names, docstrings and types, as the compiler sees them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const framework = join(root, 'lib/juju-ts-ops');

const entries = [
  { module: 'juju-ts-ops', index: 'src/index.ts' },
  { module: 'juju-ts-ops/testing', index: 'testing/index.ts' },
  { module: 'juju-ts-ops/pack', index: 'pack/index.ts' },
];

interface Declaration {
  name: string;
  doc: string;
  code: string;
}

/** The page docs/reference/juju-ts-ops.md. */
export function apiPage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'declarations-'));
  try {
    declare(folder);
    const sections = entries.map(({ module, index }) => `## ${module}\n\n${section(folder, index)}`);
    return `# What juju-ts-ops exports

Written by \`npm run reference\` from the docstrings in [lib/juju-ts-ops](../../lib/juju-ts-ops/README.md), which explains how it all goes
together. [Your first charm in TypeScript](../tutorial/your-first-charm-in-typescript.md) shows it.

${sections.join('\n')}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function declare(folder: string): void {
  const project = join(framework, 'tsconfig.build.json');
  const options = ['-p', project, '--emitDeclarationOnly', '--outDir', folder];
  const { status, stdout, error } = spawnSync(process.execPath, [
    join(root, 'node_modules/.bin/tsc'),
    ...options,
  ]);
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`tsc ended with ${status}: ${stdout}`);
}

function section(folder: string, index: string): string {
  const text = readFileSync(join(framework, index), 'utf8');
  const exports = [...text.matchAll(/^export ((?:type )?\*|\{[^}]*\}) from '([^']+)';$/gms)];
  const byFile = new Map<string, string[]>();
  for (const [, names = '', from = ''] of exports) {
    const file = join(dirname(index), from);
    const words = names === 'type *' ? [names] : names.split(/[{},\s]+/);
    byFile.set(file, [...(byFile.get(file) ?? []), ...words]);
  }
  return [...byFile].map(([file, names]) => fileSection(folder, file, names)).join('\n');
}

function fileSection(folder: string, file: string, names: readonly string[]): string {
  const declared = declarationsIn(readFileSync(join(folder, file.replace(/\.ts$/, '.d.ts')), 'utf8'));
  const wanted = declared.filter(
    ({ name, code }) =>
      names.includes('*') ||
      names.includes(name) ||
      (names.includes('type *') && /^(type|interface) /.test(code)),
  );
  const why = /^\/\/ (.*(?:\n\/\/ .*)*)/.exec(readFileSync(join(framework, file), 'utf8'))?.[1] ?? '';
  const parts = wanted.map(
    ({ name, doc, code }) => `#### ${name}\n\n${doc === '' ? '' : `${doc}\n\n`}\`\`\`ts\n${code}\n\`\`\`\n`,
  );
  return `### ${file}\n\n${why.replace(/\n\/\/ /g, '\n')}\n\n${parts.join('\n')}`;
}

/** The exported statements of a declaration file: the compiler begins each at the line's start, and indents what is in it. */
export function declarationsIn(text: string): Declaration[] {
  const statements = text.split(
    /^(?=\/\*\*|(?<!\*\/\n)(?:export|declare|import|interface|type|const|class|function)\b)/m,
  );
  return statements.flatMap((statement) => {
    const [, comment = '', code = ''] = /^(\/\*\*.*?\*\/\n)?(.*)$/s.exec(statement) ?? [];
    const name = /^export (?:declare )?(?:abstract )?(?:const|class|function|interface|type) (\w+)/.exec(
      code,
    )?.[1];
    return name === undefined ? [] : [{ name, doc: textOf(comment), code: shown(code) }];
  });
}

const textOf = (comment: string): string =>
  comment
    .replace(/^\/\*\*|\*\/$/gm, '')
    .replace(/^ *\* ?/gm, '')
    .trim();

/** Without what says only that it is a declaration, and without what is private. */
const shown = (code: string): string =>
  code
    .replace(/^export (declare )?/, '')
    .replace(/^ +(#private|private .*);\n/gm, '')
    .replace(/^( {4})+/gm, (blanks) => blanks.slice(blanks.length / 2))
    .trim();
