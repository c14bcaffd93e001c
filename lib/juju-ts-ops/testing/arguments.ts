// Command lines as Juju's tools read them (gnuflag): options anywhere, `--` ends them, the same words when one is wrong.
import { NotModelled, ToolError } from './errors.ts';
import { type Format, render, type Value } from './formats.ts';

export interface Spec {
  /** Boolean options: every spelling (without dashes) → its canonical name. */
  flags?: Record<string, string>;
  /** Options with a value: every spelling → its canonical name. */
  options?: Record<string, string>;
  /** Throws the reason (a plain Error) why a value is refused; called while parsing, as Juju does. */
  check?: (name: string, value: string) => void;
  /** How many positionals there may be; more are `unrecognized args`. */
  most?: number;
  /** The formats of `--format`, the first is the default; none: the option is accepted and warned about or unknown. */
  formats?: readonly Format[];
}

export interface Parsed {
  flags: Set<string>;
  options: Map<string, string>;
  rest: string[];
  format: Format;
}

export const formats: readonly Format[] = ['smart', 'json', 'yaml'];

export function parse(argv: readonly string[], spec: Spec): Parsed {
  const flags = new Set<string>();
  const options = new Map<string, string>();
  const rest: string[] = [];
  const known: Record<string, string> = { ...spec.options };
  if (spec.formats) Object.assign(known, { format: 'format', o: 'output', output: 'output' });
  const queue = [...argv];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      rest.push(...queue);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word);
      continue;
    }
    if (word === '--help' || word === '-h') throw new NotModelled('help');
    const [name, attached, dashed] = split(word);
    const flag = spec.flags?.[name];
    const option = known[name];
    if (flag !== undefined) {
      if (attached !== undefined && word.startsWith('--') && /^(?:false|0|f|F|FALSE|False)$/.test(attached))
        flags.delete(flag);
      else flags.add(flag);
      if (attached !== undefined && !word.startsWith('--')) queue.unshift(`-${attached}`);
      continue;
    }
    if (option === undefined) throw new ToolError(2, `option provided but not defined: ${dashed}`);
    const value = attached ?? queue.shift();
    if (value === undefined) throw new ToolError(2, `option needs an argument: ${dashed}`);
    refuseValue(dashed, option, value, spec);
    options.set(option, value);
  }
  const most = spec.most ?? Number.POSITIVE_INFINITY;
  if (rest.length > most)
    throw new ToolError(2, `unrecognized args: [${rest.slice(most).map(quote).join(' ')}]`);
  const format = spec.formats?.find((each) => each === options.get('format')) ?? spec.formats?.[0] ?? 'smart';
  return { flags, options, rest, format };
}

/** `--name=value` → name, value; `-rvalue` → r, value. */
function split(word: string): [name: string, value: string | undefined, dashed: string] {
  if (word.startsWith('--')) {
    const at = word.indexOf('=');
    const name = at < 0 ? word.slice(2) : word.slice(2, at);
    return [name, at < 0 ? undefined : word.slice(at + 1), `--${name}`];
  }
  const name = word.slice(1, 2);
  return [name, word.length > 2 ? word.slice(2) : undefined, `-${name}`];
}

function refuseValue(dashed: string, option: string, value: string, spec: Spec): void {
  if (option === 'format' && spec.formats && !spec.formats.some((each) => each === value)) {
    throw new ToolError(2, `invalid value "${value}" for option ${dashed}: unknown format "${value}"`);
  }
  try {
    spec.check?.(option, value);
  } catch (reason) {
    if (reason instanceof ToolError) throw reason;
    if (reason instanceof Error) {
      throw new ToolError(2, `invalid value "${value}" for option ${dashed}: ${reason.message}`);
    }
    throw reason;
  }
}

/** Go's %q for the plain strings of command lines. */
export const quote = (text: string): string => JSON.stringify(text);

/** `a=1 b=2` as Juju reads settings: both sides trimmed, each key once. */
export function keyValues(words: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const key = word.slice(0, Math.max(at, 0)).trim();
    if (at < 0 || key === '') throw new ToolError(2, `expected "key=value", got ${quote(word)}`);
    if (values.has(key)) throw new ToolError(2, `key ${quote(key)} specified more than once`);
    values.set(key, word.slice(at + 1).trim());
  }
  return values;
}

/** The text of a result in the format that was asked for. */
export const output = (parsed: Parsed, value: Value): string => render(value, parsed.format);
