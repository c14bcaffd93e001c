// Reads `EnvironmentFile=` with systemd's own quoting rules, which are neither a shell's nor those of dotenv.

const blank = /[ \t\r]/;
const validName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The assignments of an environment file, in order, after `parse_env_file_internal()` of systemd (systemd.exec(5)):
 * an unquoted value takes a backslash as "the next character itself" and keeps quotes that are not its first
 * character; `'…'` is verbatim; in `"…"` a backslash escapes only `" \ ` $` and a newline; both may span lines.
 * Names that are not environment variable names are left out and reported in `ignored`.
 */
export function parseEnvironmentFile(text: string): { assignments: [string, string][]; ignored: string[] } {
  const assignments: [string, string][] = [];
  const ignored: string[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (/\s/.test(char)) at += 1;
    else if (char === '#' || char === ';') at = endOfComment(text, at);
    else {
      const line = readAssignment(text, at);
      at = line.end;
      if (line.value === undefined) continue; // a line without "="
      if (validName.test(line.name)) assignments.push([line.name, line.value]);
      else ignored.push(line.name);
    }
  }
  return { assignments, ignored };
}

/** A comment goes on in the next line when a backslash ends it. */
function endOfComment(text: string, start: number): number {
  let at = start;
  while (at < text.length && text.charAt(at) !== '\n') at += text.charAt(at) === '\\' ? 2 : 1;
  return at;
}

function readAssignment(
  text: string,
  start: number,
): { name: string; value: string | undefined; end: number } {
  const lineEnd = text.indexOf('\n', start);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const equals = text.indexOf('=', start);
  if (equals < 0 || equals > end) return { name: text.slice(start, end).trim(), value: undefined, end };
  const name = text.slice(start, equals).trimEnd();
  return { name, ...readValue(text, equals + 1) };
}

function readValue(text: string, start: number): { value: string; end: number } {
  let value = '';
  let kept = 0; // how much of `value` trailing white space may not take away
  let at = start;
  let begun = false; // in the middle of unquoted text, where quotes are ordinary characters
  while (at < text.length && text.charAt(at) !== '\n') {
    const char = text.charAt(at);
    if (!begun && (char === '"' || char === "'")) {
      const quoted = char === '"' ? readDoubleQuoted(text, at + 1) : readSingleQuoted(text, at + 1);
      value += quoted.value;
      kept = value.length;
      at = quoted.end;
    } else if (char === '\\') {
      begun = true;
      if (text.charAt(at + 1) !== '\n') value += text.charAt(at + 1);
      kept = value.length;
      at += 2;
    } else {
      const isBlank = blank.test(char);
      if (!isBlank) begun = true;
      if (begun) value += char;
      if (!isBlank) kept = value.length;
      at += 1;
    }
  }
  return { value: value.slice(0, kept), end: at };
}

function readSingleQuoted(text: string, start: number): { value: string; end: number } {
  const close = text.indexOf("'", start);
  const end = close < 0 ? text.length : close;
  return { value: text.slice(start, end), end: end + 1 };
}

function readDoubleQuoted(text: string, start: number): { value: string; end: number } {
  let value = '';
  let at = start;
  while (at < text.length && text.charAt(at) !== '"') {
    const char = text.charAt(at);
    if (char !== '\\') {
      value += char;
      at += 1;
      continue;
    }
    const next = text.charAt(at + 1);
    if ('"\\`$'.includes(next)) value += next;
    else if (next !== '\n') value += `\\${next}`;
    at += 2;
  }
  return { value, end: at + 1 };
}
