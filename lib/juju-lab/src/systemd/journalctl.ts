// `journalctl` as charms use it: the lines of a unit or an invocation, filtered, oldest or newest first.
import type { SystemdClock } from './clock.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { type Options, readOptions, UsageError } from './options.ts';
import type { CommandOutput } from './systemd.ts';
import { parseSpan, UnitSyntaxError } from './words.ts';

const known = {
  values: {
    output: 'o',
    unit: 'u',
    since: 'S',
    until: 'U',
    grep: 'g',
    lines: 'n',
    identifier: 't',
    'case-sensitive': '',
  },
  flags: {
    'no-pager': '',
    reverse: 'r',
    quiet: 'q',
    all: 'a',
    utc: '',
    'no-hostname': '',
    system: '',
    boot: 'b',
    'pager-end': 'e',
  },
};

export function journalctl(journal: Journal, clock: SystemdClock, argv: readonly string[]): CommandOutput {
  try {
    const options = readOptions('journalctl', argv, known);
    const wanted = filters(options, clock.now());
    const matching = journal.entries().filter((entry) => wanted.every((holds) => holds(entry)));
    const lines = options.last('lines');
    const count = lines === undefined || lines === 'all' ? matching.length : Number(lines);
    if (!Number.isInteger(count) || count < 0) throw new UsageError(`Failed to parse lines '${lines}'`);
    const shown = matching.slice(matching.length - Math.min(count, matching.length));
    const format = formatter(options.last('output') ?? 'short');
    // As systemd 252 does: the newest matches are asked for, so they come first.
    const reversed = options.has('reverse') || (options.has('grep') && lines !== undefined);
    const text = (reversed ? shown.toReversed() : shown).map((entry) => `${format(entry)}\n`).join('');
    const stdout = text === '' && !options.has('quiet') ? '-- No entries --\n' : text;
    return { code: options.has('grep') && text === '' ? 1 : 0, stdout, stderr: '' };
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof UnitSyntaxError)) throw error;
    return { code: 1, stdout: '', stderr: `${error.message}\n` };
  }
}

function filters(options: Options, now: number): ((entry: JournalEntry) => boolean)[] {
  const units = options.all('unit').map((unit) => (/\.\w+$/.test(unit) ? unit : `${unit}.service`));
  const identifiers = options.all('identifier');
  const since = options.last('since');
  const until = options.last('until');
  const grep = options.last('grep');
  const tests = matchers(options.positionals);
  if (units.length > 0) tests.push((entry) => units.includes(entry.unit));
  if (identifiers.length > 0) tests.push((entry) => identifiers.includes(entry.identifier));
  if (since !== undefined) {
    const from = parseTime(since, now);
    tests.push((entry) => entry.timeMs >= from);
  }
  if (until !== undefined) {
    const to = parseTime(until, now);
    tests.push((entry) => entry.timeMs <= to);
  }
  if (grep !== undefined) {
    // All lower case: case does not count, as journalctl(1) has it.
    const insensitive =
      (options.last('case-sensitive') ?? (grep === grep.toLowerCase() ? 'no' : 'yes')) === 'no';
    const pattern = compile(grep, insensitive ? 'i' : '');
    tests.push((entry) => pattern.test(entry.message));
  }
  return tests;
}

/** FIELD=VALUE matches: the same field twice is "or", different fields are "and". */
function matchers(positionals: readonly string[]): ((entry: JournalEntry) => boolean)[] {
  const wanted = new Map<string, string[]>();
  for (const match of positionals) {
    const [, field = '', value = ''] = /^([A-Z_]+)=(.*)$/s.exec(match) ?? [];
    if (!(field in emptyFields))
      throw new UsageError(
        `journalctl: the match ${match} is not known to this stand-in (${Object.keys(emptyFields).join(' ')})`,
      );
    wanted.set(field, [...(wanted.get(field) ?? []), value]);
  }
  return [...wanted].map(
    ([field, values]) =>
      (entry) =>
        values.includes(fields(entry)[field] ?? ''),
  );
}

/** What a service prints carries trusted fields of its own; what systemd says about it names it in others. */
function fields(entry: JournalEntry): Record<string, string> {
  const common = {
    MESSAGE: entry.message,
    PRIORITY: String(entry.priority),
    SYSLOG_IDENTIFIER: entry.identifier,
    _PID: String(entry.pid),
    __REALTIME_TIMESTAMP: String(Math.round(entry.timeMs * 1000)),
  };
  return entry.from === 'service'
    ? { ...common, _SYSTEMD_UNIT: entry.unit, _SYSTEMD_INVOCATION_ID: entry.invocation, _TRANSPORT: 'stdout' }
    : {
        ...common,
        UNIT: entry.unit,
        INVOCATION_ID: entry.invocation,
        _SYSTEMD_UNIT: 'init.scope',
        _TRANSPORT: 'journal',
      };
}

const emptyEntry: Omit<JournalEntry, 'from'> = {
  timeMs: 0,
  unit: '',
  invocation: '',
  pid: 0,
  identifier: '',
  priority: 6,
  message: '',
};
const emptyFields = {
  ...fields({ ...emptyEntry, from: 'service' }),
  ...fields({ ...emptyEntry, from: 'systemd' }),
};

function formatter(output: string): (entry: JournalEntry) => string {
  const line = (time: string, { identifier, pid, message }: JournalEntry) =>
    `${time} localhost ${identifier}[${pid}]: ${message}`;
  switch (output) {
    case 'cat':
      return (entry) => entry.message;
    case 'json':
      return (entry) => JSON.stringify(fields(entry));
    case 'short':
      return (entry) =>
        line(
          new Date(entry.timeMs).toUTCString().replace(/^\w+, (\d+) (\w+) \d+ (\S+) GMT$/, '$2 $1 $3'),
          entry,
        );
    case 'short-iso':
      return (entry) => line(`${new Date(entry.timeMs).toISOString().slice(0, 19)}+0000`, entry);
    default:
      throw new UsageError(
        `journalctl: the output '${output}' is not known to this stand-in (cat, json, short, short-iso)`,
      );
  }
}

/** `@SECONDS`, `YYYY-MM-DD HH:MM:SS[.fff] [UTC]`, ISO with a zone, `-5min`, `now`. Times without a zone are UTC here. */
function parseTime(text: string, now: number): number {
  if (text === 'now') return now;
  if (/^@[0-9.]+$/.test(text)) return Number(text.slice(1)) * 1000;
  if (text.startsWith('-')) return now - parseSpan(text.slice(1));
  const plain = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(?: ?UTC)?$/.exec(text);
  const time = Date.parse(plain === null ? text : `${plain[1]}T${plain[2] ?? '00:00'}Z`);
  if (Number.isNaN(time)) throw new UsageError(`Failed to parse timestamp: ${text}`);
  return time;
}

function compile(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`Bad pattern "${pattern}": ${error.message}`);
  }
}
