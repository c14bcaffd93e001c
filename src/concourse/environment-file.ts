// Environment files as systemd reads them: values from options and secrets may hold any printable character, and a
// value that systemd reads differently from how it was meant is a password that does not work, found days later.
//
// The grammar is that of systemd's src/basic/env-file.c (the parser behind EnvironmentFile=) and what it drops
// afterwards, with a warning only, by env_value_is_valid(): control characters.

export type Environment = Readonly<Record<string, string>>;

export interface EnvironmentProblem {
  /** The variable; its value is never repeated. */
  key: string;
  code: 'forbidden' | 'name' | 'character';
  message: string;
}

export type RenderedEnvironment = { ok: true; text: string } | { ok: false; problems: EnvironmentProblem[] };

/** Set in the environment, it makes every `concourse` command panic: go-flags binds it to the function of `--version`. */
export const FORBIDDEN_VARIABLE = 'CONCOURSE_VERSION';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// systemd drops a whole variable for one control character. It would keep a newline, but no setting of Concourse has one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** One `KEY="value"` line for each variable, sorted by name, so that equal settings are equal bytes. */
export function renderEnvironmentFile(environment: Environment): RenderedEnvironment {
  const entries = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  const problems = entries.flatMap(([key, value]) => problemWith(key, value) ?? []);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, text: entries.map(([key, value]) => `${key}=${quote(value)}\n`).join('') };
}

function problemWith(key: string, value: string): EnvironmentProblem | undefined {
  if (key === FORBIDDEN_VARIABLE) {
    return { key, code: 'forbidden', message: `${key} must not be set: every concourse command would panic` };
  }
  if (!NAME.test(key))
    return { key, code: 'name', message: `${key} is not a name for an environment variable` };
  if (CONTROL.test(value) || !value.isWellFormed()) {
    return { key, code: 'character', message: `${key} holds a line break or another control character` };
  }
  return undefined;
}

/** Within double quotes only these four are special, and a backslash takes that away (SHELL_NEED_ESCAPE). */
const quote = (value: string): string => `"${value.replace(/["\\`$]/g, '\\$&')}"`;

/** Reads an environment file as systemd does: comments, both quotes, escapes, continued lines. Later lines win. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const skipped = /^(?:\s+|[#;][^\n\r]*)/.exec(rest);
    if (skipped) {
      rest = rest.slice(skipped[0].length);
      continue;
    }
    const key = /^[^=\n\r]*/.exec(rest)?.[0] ?? '';
    rest = rest.slice(key.length);
    if (!rest.startsWith('=')) continue; // A line without `=` says nothing.
    const { value, length } = readValue(rest.slice(1));
    rest = rest.slice(1 + length);
    if (NAME.test(key.trimEnd())) variables[key.trimEnd()] = value;
  }
  return variables;
}

/** The value that begins here, and how many characters it takes. A quote is one only before the first bare character. */
function readValue(text: string): { value: string; length: number } {
  let value = '';
  let kept = 0; // Bare blanks at the end do not count; quoted and escaped ones do.
  let bare = false;
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    if (/^[\n\r]/.test(rest)) break;
    const quoted = bare ? null : /^(?:"((?:\\.|[^"\\])*)"?|'([^']*)'?)/s.exec(rest);
    if (quoted) {
      value += quoted[2] ?? unquote(quoted[1] ?? '');
      kept = value.length;
      at += quoted[0].length;
    } else if (rest.startsWith('\\')) {
      bare = true;
      if (!/^\\[\n\r]/.test(rest)) value += rest.slice(1, 2);
      kept = value.length;
      at += 2;
    } else {
      const blank = /^\s/.test(rest);
      if (!blank) bare = true;
      if (bare) value += text.charAt(at);
      if (!blank) kept = value.length;
      at += 1;
    }
  }
  return { value: value.slice(0, kept), length: at };
}

const unquote = (quoted: string): string =>
  quoted.replace(/\\(.)/gs, (whole, next: string) =>
    '"\\`$'.includes(next) ? next : next === '\n' ? '' : whole,
  );
