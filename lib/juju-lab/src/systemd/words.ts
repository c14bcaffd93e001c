// Splits and unquotes the values of unit files the way systemd.syntax(7) and its `extract_first_word()` do.

/** A value that systemd would refuse; the message names the value. */
export class UnitSyntaxError extends Error {
  override name = 'UnitSyntaxError';
}

const simpleEscapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Words of `text`: white space separates, `'` and `"` join (anywhere in a word), C escapes count in both kinds of quotes. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') {
      const [piece, length] = readEscape(text.slice(at));
      word = (word ?? '') + piece;
      at += length - 1;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) throw new UnitSyntaxError(`unbalanced ${quote} in: ${text}`);
  if (word !== undefined) words.push(word);
  return words;
}

/** The text that the escape at the start of `text` stands for, and its length. An unknown escape stays as it is. */
function readEscape(text: string): [string, number] {
  const char = text.charAt(1);
  if (char === '') throw new UnitSyntaxError('a backslash ends the value');
  const simple = simpleEscapes[char];
  if (simple !== undefined) return [simple, 2];
  const coded = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(text);
  if (coded === null) return [text.slice(0, 2), 2];
  const hexadecimal = coded[1] ?? coded[2] ?? coded[3];
  const code =
    hexadecimal === undefined ? Number.parseInt(coded[4] ?? '', 8) : Number.parseInt(hexadecimal, 16);
  return [String.fromCodePoint(code), coded[0].length];
}

/** `%n`, `%N`, `%p`, `%i`, `%%`, as systemd.unit(5) lists them; any other specifier is refused, not guessed. */
export function expandSpecifiers(text: string, unit: string): string {
  const bare = unit.replace(/\.[a-z]+$/, '');
  const [prefix = bare, instance = ''] = bare.split('@', 2);
  const known: Record<string, string> = { n: unit, N: bare, p: prefix, i: instance, '%': '%' };
  return text.replace(/%(.?)/g, (whole, letter: string) => {
    const value = known[letter];
    if (value === undefined)
      throw new UnitSyntaxError(`the specifier ${whole} is not known to this stand-in: ${text}`);
    return value;
  });
}

/** Variables in one command's words: `${X}` anywhere, never split; `$X` as a word of its own, split; `$$` a dollar.
 * An unset variable is the empty text, or no word. */
export function expandVariables(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): string[] {
  return words.flatMap((word) => {
    const alone = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(word);
    if (alone !== null) return splitWords(environment[alone[1] ?? ''] ?? '');
    return [
      word.replace(/\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string | undefined) =>
        whole === '$$' || name === undefined ? '$' : (environment[name] ?? ''),
      ),
    ];
  });
}

const unitMs: Record<string, number> = {
  us: 0.001,
  usec: 0.001,
  ms: 1,
  msec: 1,
  '': 1000,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
};

/** A time span of systemd.time(7) in ms: `90`, `2min 30s`, `100ms`, `infinity`. */
export function parseSpan(text: string): number {
  const trimmed = text.trim();
  if (trimmed === 'infinity') return Number.POSITIVE_INFINITY;
  const parts = [...trimmed.matchAll(/\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)/gy)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('').length !== trimmed.length) {
    throw new UnitSyntaxError(`not a time span: ${text}`);
  }
  return parts.reduce((sum, [, number = '', unit = '']) => {
    const factor = unitMs[unit];
    if (factor === undefined) throw new UnitSyntaxError(`not a unit of time: ${unit} in ${text}`);
    return sum + Number(number) * factor;
  }, 0);
}

/** A span as systemctl prints it: `1min 30s`, `100ms`, `infinity`. */
export function formatSpan(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity';
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join(' ') || '0';
}
