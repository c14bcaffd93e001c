// The commands that a document tells its reader to type: a real shell reads the blocks, with every program but a few
// replaced by a note of how it was called.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface Typed {
  /** As the shell split them. */
  words: string[];
  /** Within a sentence: it may be a name, or shortened by `…`. */
  inline: boolean;
}

/** What a reader puts in for these words. */
const stands: Readonly<Record<string, string>> = {
  UNIT: 'concourse-ci/1',
  INSTALLER: 'concourse-ci/0',
  'WEB-UNIT': 'concourse-ci/0',
  'HOST:PORT': 'ci.example.com:2222',
};

/** Programs that are really run: they make what later commands read. */
const realPrograms = ['cat', 'cut', 'sha256sum'];

/** Every call of a program is noted as its number of words and the words, each ended by NUL. */
const prelude = `
exec 9>>"$NOTES"
note() { printf '%s\\0' "$#" "$@" >&9; }
command_not_found_handle() { note "$@"; }
`;

/** Blocks marked `sh` first to last, then what stands in code within sentences. */
export function typedIn(page: string, folder: string, root: string): Typed[] {
  const blocks = [...page.matchAll(/^```(?:sh|bash|shell|console)\n(.*?)^```$/gms)].map(
    ([, block = '']) => block,
  );
  const prose = page.replace(/^```.*?^```$/gms, '');
  const spans = [...prose.matchAll(/`((?:juju|npm|fly|lxc|charmcraft|terraform|sudo) [^`\n]+)`/g)];
  return [
    ...blocks.flatMap((block) => run(block, folder, root).map((words) => ({ words, inline: false }))),
    ...spans.map(([, code = '']) => ({ words: filledIn(code).trim().split(/\s+/), inline: true })),
  ];
}

function filledIn(text: string): string {
  return Object.entries(stands).reduce(
    (filled, [word, value]) => filled.replace(new RegExp(`(?<![\\w-])${word}(?![\\w-])`, 'g'), value),
    text,
  );
}

function run(block: string, folder: string, root: string): string[][] {
  const programs = join(folder, '.programs');
  const notes = join(folder, '.notes');
  mkdirSync(programs, { recursive: true });
  for (const name of realPrograms) link(`/usr/bin/${name}`, join(programs, name));
  for (const [, path = ''] of block.matchAll(/(?<![^\s])(?:\.\/)?([\w.-]+\/[\w./-]+)/g))
    if (isProgram(join(root, path))) stub(join(folder, path));
  writeFileSync(notes, '');
  const { stderr, status, error } = spawnSync(
    '/bin/bash',
    ['--noprofile', '--norc', '-u', '-c', prelude + filledIn(block)],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: programs, NOTES: notes, HOME: folder, MIRROR: 'http://mirror.example' },
    },
  );
  if (error !== undefined) throw error;
  if (status !== 0 || stderr !== '')
    throw new Error(`the shell says, with code ${status}: ${stderr}\n${block}`);
  return notedIn(notes);
}

function notedIn(path: string): string[][] {
  const words = readNotes(path);
  const calls: string[][] = [];
  for (let at = 0; at < words.length; ) {
    const length = Number(words[at]);
    calls.push(words.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return calls;
}

const readNotes = (path: string): string[] => readFileSync(path, 'utf8').split('\0').slice(0, -1);

function link(to: string, at: string): void {
  if (!existsSync(at)) symlinkSync(to, at);
}

function isProgram(path: string): boolean {
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    // EACCES: a file that is no program.
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return false;
    throw error;
  }
}

/** A program of the project, by its path. */
function stub(at: string): void {
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, `#!/bin/bash\nprintf '%s\\0' "$(($# + 1))" "$0" "$@" >&9\n`, { mode: 0o755 });
}
