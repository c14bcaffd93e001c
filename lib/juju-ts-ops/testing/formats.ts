// What hook tools print: Juju's smart, YAML and JSON output, byte for byte.
// Objects keep their key order here (Go structs); maps are sorted by whoever builds them (`sorted`).

export type Format = 'smart' | 'yaml' | 'json';
export type Value =
  | null
  | undefined
  | string
  | number
  | boolean
  | readonly Value[]
  | { readonly [key: string]: Value };

/** A map as Go prints it: keys in byte order (JSON) and, for keys with numbers in them, almost so in YAML. */
export function sorted<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

export function render(value: Value, format: Format): string {
  if (format === 'json') return `${json(value)}\n`;
  if (value === null || value === undefined) return '';
  if (format === 'yaml') return `${yaml(value)}\n`;
  if (typeof value === 'string') return value === '' ? '' : `${value}\n`;
  if (typeof value === 'boolean') return value ? 'True\n' : 'False\n';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return value.map((item) => `${item}\n`).join('');
  }
  return `${yaml(value)}\n`;
}

function json(value: Value): string {
  const text = JSON.stringify(value === undefined ? null : value);
  return text.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function yaml(value: Value, indent = ''): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return value.map((item) => `${indent}- ${yaml(item, `${indent}  `).trimStart()}`).join('\n');
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length === 0) return '{}';
    return entries
      .map(([key, item]) => `${indent}${scalar(key, indent)}:${yamlEntry(item, indent)}`)
      .join('\n');
  }
  return scalar(value, indent);
}

/** Lists in a map stand at the map's own indent, maps two further in (go-yaml v2). */
function yamlEntry(value: Value, indent: string): string {
  if (Array.isArray(value) && value.length > 0) return `\n${yaml(value, indent)}`;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    return `\n${yaml(value, `${indent}  `)}`;
  }
  return ` ${yaml(value, indent)}`;
}

/** What YAML 1.1 as go-yaml reads it would take for something else than a string. */
const notAString =
  /^(?:|~|null|Null|NULL|y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|true|True|TRUE|false|False|FALSE|<<|[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[0-9][0-9_]*|(?:[0-9][0-9_]*)?\.?[0-9_]+(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*\.)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\d{4}-\d{1,2}-\d{1,2}(?:[Tt].*)?)$/;
const notPlain = /^[-?:](?:\s|$)|^[,[\]{}#&*!|>'"%@`]|:(?:\s|$)|\s#|^\s|\s$/;
const unprintable = /[^\P{Cc}\n\u0085]|\ufeff/u;

function scalar(value: string | number | boolean | null | undefined, indent: string): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return goFloat(value);
  if (unprintable.test(value)) return JSON.stringify(value);
  if (value.includes('\n')) return literal(value, indent);
  if (notAString.test(value)) return `"${value}"`;
  if (notPlain.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return value;
}

function literal(value: string, indent: string): string {
  const chomping = !value.endsWith('\n') ? '-' : value.endsWith('\n\n') || value === '\n' ? '+' : '';
  const lines = (value.endsWith('\n') ? value.slice(0, -1) : value).split('\n');
  const hint = /^\s/.test(value) ? '2' : '';
  const margin = `${indent}  `;
  return `|${hint}${chomping}\n${lines.map((line) => (line === '' ? '' : margin + line)).join('\n')}`;
}

/** Go's `%g` with the shortest digits: an exponent from 10⁶ on and below 10⁻⁴. */
export function goFloat(value: number): string {
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
