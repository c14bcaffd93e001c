// What documents tell people to type: Juju's commands are replayed against a fake Juju with the charm's own definition, npm's
// and the project's programs are looked up, and the rest is listed with a reason.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jujuCommands } from 'juju-lab';
import { afterAll, describe, expect, test } from 'vitest';
import { Authority } from '../../support/authority.ts';
import { root, sources } from '../tidy/sources.ts';
import { notExecuted } from './commands/not-executed.ts';
import { type Typed, typedIn } from './commands/typed.ts';
import { World } from './commands/world.ts';

/** The framework's documents have tests of their own: first-charm.test.ts. */
const pages = sources(
  /^(README|CONTRIBUTING|ARCHITECTURE)\.md$|^docs\/.*\.md$|^lib\/juju-lab\/README\.md$/,
).filter(({ path }) => !/^docs\/.*\/(your-first-charm-in-typescript|juju-ts-ops.*)\.md$/.test(path));
const scripts: Record<string, string> = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts;
const listed = new Set<RegExp>();

/** What a reader is said to have beforehand. */
const files = {
  'concourse-8.2.5-linux-amd64.tgz': 'an archive',
  'fullchain.pem': 'a certificate',
  'privkey.pem': 'a key',
  'ca.pem': new Authority('documents', Date.now()).certificate,
  'web.env': 'CONCOURSE_GC_INTERVAL=1m\n',
};

function folderOfReader(): string {
  const folder = mkdtempSync(join(tmpdir(), 'concourse-docs-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe('every command is carried out, or listed with the reason', () => {
  test.each(pages)('$path', async ({ text }) => {
    const folder = folderOfReader();
    folders.push(folder);
    const world = new World(folder);
    const problems: string[] = [];
    for (const typed of typedIn(text, folder, root)) {
      // What stands in a sentence is not typed after what the blocks say.
      const problem = await problemOf(typed, typed.inline ? new World(folder) : world);
      if (problem !== undefined) problems.push(`${typed.words.join(' ')}\n    ${problem}`);
    }
    expect(problems.join('\n')).toBe('');
  });

  test('the list has nothing that no document says', () => {
    expect(notExecuted.filter(([pattern]) => !listed.has(pattern)).map(String)).toEqual([]);
  });

  test('each reason is one', () => {
    expect(notExecuted.filter(([, reason]) => reason.length < 15)).toEqual([]);
  });
});

async function problemOf({ words, inline }: Typed, world: World): Promise<string | undefined> {
  const [program = '', ...rest] = words;
  const found = notExecuted.filter(([pattern]) => pattern.test(words.join(' ')));
  for (const [pattern] of found) listed.add(pattern);
  if (found.length > 0) return undefined;
  if (program === 'juju') return jujuProblem(rest, inline, world);
  if (program === 'npm') return npmProblem(rest);
  const path = program.replace(/^\.\//, '');
  if (path.includes('/') && existsSync(join(root, path))) return undefined;
  return 'is neither carried out nor listed';
}

async function jujuProblem(words: readonly string[], inline: boolean, world: World) {
  const [command = '', ...rest] = words;
  // A name in passing, or shortened.
  const isName = inline && (rest.length === 0 || rest.some((word) => word.includes('…')));
  if (isName && jujuCommands.includes(command)) return undefined;
  return world.refused(words);
}

/** The script is there, and its source knows each option and has each file. */
function npmProblem(words: readonly string[]): string | undefined {
  const [name = '', ...rest] = words[0] === 'run' ? words.filter((word) => word !== '-s').slice(1) : words;
  const script = scripts[name];
  if (script === undefined) return `package.json has no script ${name}`;
  const unknown = rest
    .filter((word) => word.startsWith('--') && word !== '--')
    .filter((word) => !sourceOf(script).includes(word.replace(/^--/, '')));
  const gone = rest.filter((word) => word.startsWith('tests/') && !exists(word));
  return (
    [...unknown.map((word) => `no option ${word}`), ...gone.map((word) => `there is no ${word}`)].join() ||
    undefined
  );
}

/** vitest takes the beginning of a path. */
const exists = (start: string): boolean => sources(/^tests\//).some(({ path }) => path.startsWith(start));

function sourceOf(script: string): string {
  const [, stem = ''] = /scripts\/([\w-]+)\.ts$/.exec(script) ?? [];
  return sources(new RegExp(`^scripts/${stem}(\\.ts$|/)`))
    .map(({ text }) => text)
    .join('\n');
}
