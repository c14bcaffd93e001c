// Reads command lines strictly: an option that the stand-in does not know is an error, never passed over.
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** A command line that is refused; its message is what the program prints. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export interface Options {
  /** All values of an option, in order; of a flag 'yes' for each time it was given. */
  all(name: string): string[];
  last(name: string): string | undefined;
  has(name: string): boolean;
  positionals: string[];
}

/** `values` and `flags`: long names, each with its short letter or ''. */
export function readOptions(
  program: string,
  argv: readonly string[],
  known: { values: Record<string, string>; flags: Record<string, string> },
): Options {
  const config: ParseArgsOptionsConfig = {};
  for (const [type, names] of [
    ['string', known.values],
    ['boolean', known.flags],
  ] as const) {
    for (const [name, short] of Object.entries(names))
      config[name] = { type, multiple: true, ...(short === '' ? {} : { short }) };
  }
  try {
    const { values, positionals } = parseArgs({
      args: joinValues(argv, known.values),
      options: config,
      allowPositionals: true,
      strict: true,
    });
    const all = (name: string) =>
      [values[name] ?? []].flat().map((value) => (value === true ? 'yes' : String(value)));
    return { all, last: (name) => all(name).at(-1), has: (name) => all(name).length > 0, positionals };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(
      `${program}: ${error.message} (this stand-in knows ${Object.keys(config)
        .map((name) => `--${name}`)
        .join(' ')})`,
    );
  }
}

/** `--since -5min` to `--since=-5min`: getopt takes the next word for the value whatever it looks like, parseArgs does not. */
function joinValues(argv: readonly string[], values: Record<string, string>): string[] {
  const joined: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    const next = argv[at + 1];
    if (word === '--' || next === undefined) return [...joined, ...argv.slice(at)];
    const long = word.startsWith('--') && word.slice(2) in values;
    const short = word.length === 2 && word.startsWith('-') && Object.values(values).includes(word.slice(1));
    joined.push(long ? `${word}=${next}` : short ? `${word}${next}` : word);
    if (long || short) at += 1;
  }
  return joined;
}
