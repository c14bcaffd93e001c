// Log lines and last words, in the form of Concourse's own.

export type Fields = Record<string, string | number | boolean>;

/** One JSON object on a line of stdout; the source is the first part of the dotted message. */
export function log(message: string, data: Fields = {}, level: 'info' | 'error' = 'info'): void {
  const source = message.split('.')[0] ?? '';
  const line = {
    timestamp: new Date().toISOString(),
    level,
    source,
    message,
    data: { ...data, session: '1' },
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** How every error of configuration ends: a plain line on stderr, and 1. */
export function fail(message: string): never {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

export function required(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  const flag = variable
    .replace(/^CONCOURSE_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
  return fail(`the required flag \`--${flag}' was not specified`);
}

/** Go's durations, as far as anyone sets them: `500ms`, `30s`, `5m`, `1h`. */
export function durationMs(text: string): number {
  const parts = /^(\d+)(ms|s|m|h)$/.exec(text);
  if (!parts) return fail(`time: invalid duration "${text}"`);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[parts[2] ?? 's'] ?? 1000;
  return Number(parts[1]) * unit;
}
