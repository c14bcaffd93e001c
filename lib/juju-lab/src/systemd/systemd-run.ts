// `systemd-run` as charms use it: a command once, later or now, as a transient unit.
import { randomBytes } from 'node:crypto';
import { type Options, readOptions, UsageError } from './options.ts';
import type { CommandOutput, Systemd } from './systemd.ts';
import { type Assignment, parseUnitText } from './unit-file.ts';
import { parseSpan, UnitSyntaxError } from './words.ts';

const known = {
  values: {
    unit: 'u',
    'on-active': '',
    property: 'p',
    'timer-property': '',
    setenv: 'E',
    description: '',
    'working-directory': '',
  },
  flags: { collect: 'G', quiet: 'q', 'no-block': '', system: '', 'no-ask-password': '' },
};

/** Exit code 1 with the reason where systemd-run would fail, and for what this stand-in does not know. */
export async function systemdRun(systemd: Systemd, argv: readonly string[]): Promise<CommandOutput> {
  try {
    const { own, command } = splitAtCommand(argv);
    const options = readOptions('systemd-run', own, known);
    if (command.length === 0) throw new UsageError('Command line to execute required.');
    return await run(systemd, options, command);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof UnitSyntaxError)) throw error;
    return { code: 1, stdout: '', stderr: `${error.message}\n` };
  }
}

async function run(systemd: Systemd, options: Options, command: string[]): Promise<CommandOutput> {
  const base = (options.last('unit') ?? `run-r${randomBytes(16).toString('hex')}`).replace(
    /\.(service|timer)$/,
    '',
  );
  const delay = options.last('on-active');
  const delayMs = delay === undefined ? undefined : parseSpan(delay);
  const service = `${base}.service`;
  const timer = `${base}.timer`;
  const taken = [delayMs === undefined ? undefined : timer, service].find(
    (name) => name !== undefined && (systemd.timers.has(name) || systemd.load(name) !== undefined),
  );
  const kind = delayMs === undefined ? 'service' : 'timer';
  if (taken !== undefined) {
    throw new UsageError(
      `Failed to start transient ${kind} unit: Unit ${taken} was already loaded or has a fragment file.`,
    );
  }
  checkTimerProperties(options);
  const file = { path: undefined, assignments: transientUnit(options, command), problems: [], source: '' };
  const loaded = systemd.add(service, file, true);
  const { refusal, problems } = loaded.service.settings;
  if (refusal !== undefined || problems.length > 0) {
    systemd.services.delete(service);
    throw new UsageError(`Failed to start transient ${kind} unit: ${refusal ?? problems.join(' ')}`);
  }
  if (delayMs === undefined) {
    const result = await loaded.service.start();
    if (result !== 'done') return { code: 1, stdout: '', stderr: `Job for ${service} failed.\n` };
    return { code: 0, stdout: '', stderr: options.has('quiet') ? '' : `Running as unit: ${service}\n` };
  }
  systemd.addTimer(timer, service, delayMs);
  const said = `Running timer as unit: ${timer}\nWill run service as unit: ${service}\n`;
  return { code: 0, stdout: '', stderr: options.has('quiet') ? '' : said };
}

/** Options end at `--` or at the first word that is none, as getopt's "+" has it. */
function splitAtCommand(argv: readonly string[]): { own: string[]; command: string[] } {
  const shortWithValue = Object.values(known.values).filter((letter) => letter !== '');
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? '';
    if (word === '--') return { own: argv.slice(0, at), command: argv.slice(at + 1) };
    if (!word.startsWith('-')) break;
    const long = word.startsWith('--') && !word.includes('=') && word.slice(2) in known.values;
    at += long || shortWithValue.some((letter) => word === `-${letter}`) ? 2 : 1;
  }
  return { own: argv.slice(0, at), command: argv.slice(at) };
}

function transientUnit(options: Options, command: readonly string[]): Assignment[] {
  const quoted = command.map((word) => quote(word.replaceAll('%', '%%').replaceAll('$', '$$$$'))).join(' ');
  const directory = options.last('working-directory');
  const text = [
    '[Unit]',
    `Description=${(options.last('description') ?? command.join(' ')).replaceAll('%', '%%').replaceAll('\n', ' ')}`,
    '[Service]',
    ...options.all('property'),
    ...options.all('setenv').map((assignment) => `Environment=${quote(assignment.replaceAll('%', '%%'))}`),
    ...(directory === undefined ? [] : [`WorkingDirectory=${directory}`]),
    ...(options.has('collect') ? ['CollectMode=inactive-or-failed'] : []),
    `ExecStart=${quoted}`,
  ].join('\n');
  return parseUnitText(text, 'transient').assignments;
}

function quote(word: string): string {
  const escaped = word
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

/** Accuracy is always exact here; anything else about a timer would be a promise. */
function checkTimerProperties(options: Options): void {
  const unknown = options
    .all('timer-property')
    .find((each) => !/^(AccuracySec|RandomizedDelaySec=0|RemainAfterElapse=no)/.test(each));
  if (unknown !== undefined)
    throw new UsageError(`systemd-run: --timer-property=${unknown} is not known to this stand-in`);
}
