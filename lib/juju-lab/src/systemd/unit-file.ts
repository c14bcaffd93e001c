// Reads the text of a unit file and of its drop-ins into sections of repeated keys, as systemd.syntax(7) has it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Assignment {
  section: string;
  key: string;
  value: string;
}

export interface UnitFile {
  /** Where the main file lies; undefined for a transient unit. */
  path: string | undefined;
  assignments: Assignment[];
  /** Lines that systemd would skip with a warning. */
  problems: string[];
  /** What was read, to see whether the files on disk have changed since. */
  source: string;
}

/** Values of a key in order; an empty assignment forgets what came before it. */
export function valuesOf(file: UnitFile, section: string, key: string): string[] {
  let values: string[] = [];
  for (const assignment of file.assignments) {
    if (assignment.section !== section || assignment.key !== key) continue;
    values = assignment.value === '' ? [] : [...values, assignment.value];
  }
  return values;
}

export function parseUnitText(text: string, name: string): Pick<UnitFile, 'assignments' | 'problems'> {
  const assignments: Assignment[] = [];
  const problems: string[] = [];
  let section = '';
  for (const line of logicalLines(text)) {
    const header = /^\[(.+)\]$/.exec(line);
    const equals = line.indexOf('=');
    if (header !== null) section = header[1] ?? '';
    else if (equals < 1) problems.push(`${name}: Missing '=', ignoring line: ${line}`);
    else if (section === '') problems.push(`${name}: Assignment outside of section. Ignoring: ${line}`);
    else
      assignments.push({ section, key: line.slice(0, equals).trim(), value: line.slice(equals + 1).trim() });
  }
  return { assignments, problems };
}

/** Lines without comments; a backslash at the end joins the next line by a space, skipping comments between. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let pending: string | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (/^[#;]/.test(line) || (line === '' && pending === undefined)) continue;
    const whole = pending === undefined ? line : `${pending}${line}`;
    pending = whole.endsWith('\\') ? `${whole.slice(0, -1)} ` : undefined;
    if (pending === undefined) lines.push(whole);
  }
  if (pending !== undefined) lines.push(pending.trim());
  return lines;
}

/** The unit's file in `directory` with its drop-ins (`NAME.d/*.conf`), or undefined when there is none. */
export function readUnit(directory: string, name: string): UnitFile | undefined {
  const template = name.includes('@') ? name.replace(/@.*\./, '@.') : name;
  for (const fileName of new Set([name, template])) {
    const path = join(directory, fileName);
    const text = readIfThere(path);
    if (text === undefined) continue;
    const texts = [text, ...dropIns(`${path}.d`)];
    const parsed = texts.map((each) => parseUnitText(each, name));
    return {
      path,
      assignments: parsed.flatMap((each) => each.assignments),
      problems: parsed.flatMap((each) => each.problems),
      source: texts.join('\0'),
    };
  }
  return undefined;
}

function dropIns(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  return names
    .filter((name) => name.endsWith('.conf'))
    .toSorted()
    .flatMap((name) => readIfThere(join(directory, name)) ?? []);
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** ENOENT, and what a process in /proc answers when it goes away meanwhile (ESRCH) or a path leads through a file. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'ESRCH'].includes(String(error.code))
  );
}
