// What a service's unit file asks for, typed: the settings that this stand-in carries out, and a refusal of those it cannot.
import { constants } from 'node:os';
import { expandSpecifiers, parseSpan, splitWords, UnitSyntaxError } from './words.ts';
import { type UnitFile, valuesOf } from './unit-file.ts';

export interface ServiceCommand {
  path: string;
  /** Words with their variables still in them; the first is argv[0]. */
  words: string[];
  /** `-`: a failing exit counts as success. */
  ignoreFailure: boolean;
  /** `:` switches variables off. */
  expand: boolean;
}

const killModes = ['control-group', 'mixed', 'process', 'none'] as const;
const restarts = ['no', 'always', 'on-success', 'on-failure', 'on-abnormal', 'on-abort'] as const;
const types = ['simple', 'exec', 'oneshot'] as const;
const commandKeys = [
  'ExecStartPre',
  'ExecStart',
  'ExecStartPost',
  'ExecReload',
  'ExecStop',
  'ExecStopPost',
] as const;
export type CommandKey = (typeof commandKeys)[number];

export interface ServiceSettings {
  description: string;
  type: (typeof types)[number];
  remainAfterExit: boolean;
  commands: Record<CommandKey, ServiceCommand[]>;
  environment: [string, string][];
  environmentFiles: { path: string; optional: boolean }[];
  /** Names, or assignments that are taken away only when they are just so. */
  unsetEnvironment: string[];
  restart: (typeof restarts)[number];
  restartDelayMs: number;
  startLimitIntervalMs: number;
  startLimitBurst: number;
  startTimeoutMs: number;
  stopTimeoutMs: number;
  killMode: (typeof killModes)[number];
  killSignal: NodeJS.Signals;
  sendKill: boolean;
  user: string | undefined;
  group: string | undefined;
  workingDirectory: { path: string; optional: boolean } | undefined;
  /** Exit codes and signals that count as clean besides 0, HUP, INT, TERM and PIPE. */
  successStatus: string[];
  preventRestart: string[];
  identifier: string | undefined;
  wantedBy: string[];
  /** `CollectMode=inactive-or-failed`: a failed transient unit is forgotten too. */
  collectFailed: boolean;
  /** Why systemd would not load the unit (LoadState=bad-setting). */
  refusal: string | undefined;
  problems: string[];
}

/** Settings that change nothing for a program that runs well, so a stand-in may leave them out: order and dependencies
 * on units that it does not have, hardening, limits, priorities, accounting. */
const withoutEffect =
  /^(After|Before|Wants|Requires|Conflicts|Documentation|StartLimitAction|FailureAction|(Protect|Private|Restrict|Lock|Memory|CPU|IO|Tasks|Limit|OOM|Nice|SystemCall|Capabilit|Ambient|NoNewPriv|ReadWrite|ReadOnly|Inaccessible|BindPaths|BindReadOnly|IPAddress|Device|Delegate|Slice|UMask|Proc|RemoveIPC|Keyring|TimeoutAbort|Accuracy|KillWhom|Standard(Output|Error|Input)|Log|Supplementary)\w*)$/;

/** Settings that change what happens, and that this stand-in cannot carry out: better refused than passed over. */
const refused =
  /^((Condition|Assert)\w+|ExecCondition|WatchdogSec|NotifyAccess|PIDFile|BusName|DynamicUser|PartOf|BindsTo|Requisite|OnFailure|OnSuccess|Upholds|(Runtime|State|Cache|Logs|Configuration)Directory|RootDirectory|RootImage|LoadCredential\w*|RestartForceExitStatus|RestartKillSignal|RestartSteps|RestartMaxDelaySec|RuntimeMaxSec|PassEnvironment|Sockets)$/;

const carriedOut = new Set<string>([
  ...commandKeys,
  ...[
    'Description',
    'Type',
    'RemainAfterExit',
    'Environment',
    'EnvironmentFile',
    'UnsetEnvironment',
    'Restart',
    'RestartSec',
    'KillMode',
  ],
  ...[
    'StartLimitIntervalSec',
    'StartLimitInterval',
    'StartLimitBurst',
    'TimeoutSec',
    'TimeoutStartSec',
    'TimeoutStopSec',
  ],
  ...[
    'KillSignal',
    'SendSIGKILL',
    'User',
    'Group',
    'WorkingDirectory',
    'SuccessExitStatus',
    'RestartPreventExitStatus',
  ],
  ...['SyslogIdentifier', 'WantedBy', 'CollectMode'],
]);

/** Never throws: what cannot be understood or done becomes the `refusal`. */
export function readSettings(name: string, file: UnitFile): ServiceSettings {
  const settings = defaults();
  settings.problems = [...file.problems];
  try {
    fill(settings, name, file);
  } catch (error) {
    if (!(error instanceof UnitSyntaxError)) throw error;
    settings.refusal = error.message;
  }
  return settings;
}

function defaults(): ServiceSettings {
  return {
    description: '',
    type: 'simple',
    remainAfterExit: false,
    commands: {
      ExecStartPre: [],
      ExecStart: [],
      ExecStartPost: [],
      ExecReload: [],
      ExecStop: [],
      ExecStopPost: [],
    },
    environment: [],
    environmentFiles: [],
    unsetEnvironment: [],
    restart: 'no',
    restartDelayMs: 100,
    startLimitIntervalMs: 10_000,
    startLimitBurst: 5,
    startTimeoutMs: 90_000,
    stopTimeoutMs: 90_000,
    killMode: 'control-group',
    killSignal: 'SIGTERM',
    sendKill: true,
    user: undefined,
    group: undefined,
    workingDirectory: undefined,
    successStatus: [],
    preventRestart: [],
    identifier: undefined,
    wantedBy: [],
    collectFailed: false,
    refusal: undefined,
    problems: [],
  };
}

function fill(settings: ServiceSettings, name: string, file: UnitFile): void {
  const all = (key: string) =>
    ['Unit', 'Service', 'Install'].flatMap((section) => valuesOf(file, section, key));
  const last = (key: string) => {
    const value = all(key).at(-1);
    return value === undefined ? undefined : expandSpecifiers(value, name);
  };
  const span = (key: string, otherwise: number) => {
    const value = last(key);
    return value === undefined ? otherwise : parseSpan(value);
  };
  const oneOf = <T extends string>(key: string, accepted: readonly T[], otherwise: T): T => {
    const value = last(key);
    if (value === undefined) return otherwise;
    const known = accepted.find((each) => each === value);
    if (known === undefined)
      throw new UnitSyntaxError(`${key}=${value} is not known to this stand-in (${accepted.join(', ')})`);
    return known;
  };

  settings.description = last('Description') ?? name;
  settings.wantedBy = all('WantedBy').flatMap(splitWords);
  for (const { key, section } of file.assignments) {
    if (carriedOut.has(key) || withoutEffect.test(key)) continue;
    if (refused.test(key))
      throw new UnitSyntaxError(`${name}: ${key}= cannot be carried out by this stand-in`);
    settings.problems.push(`${name}: Unknown key name '${key}' in section '${section}', ignoring.`);
  }
  settings.type = oneOf('Type', types, 'simple');
  settings.remainAfterExit = yes(last('RemainAfterExit') ?? 'no');
  settings.restart = oneOf('Restart', restarts, 'no');
  settings.restartDelayMs = span('RestartSec', settings.restartDelayMs);
  settings.startLimitIntervalMs = span(
    'StartLimitIntervalSec',
    span('StartLimitInterval', settings.startLimitIntervalMs),
  );
  settings.startLimitBurst = Number(last('StartLimitBurst') ?? settings.startLimitBurst);
  const otherwise = settings.type === 'oneshot' ? Number.POSITIVE_INFINITY : settings.startTimeoutMs;
  settings.startTimeoutMs = noLimitForZero(span('TimeoutStartSec', span('TimeoutSec', otherwise)));
  settings.stopTimeoutMs = noLimitForZero(span('TimeoutStopSec', span('TimeoutSec', settings.stopTimeoutMs)));
  settings.killMode = oneOf('KillMode', killModes, 'control-group');
  settings.killSignal = signalNamed(last('KillSignal') ?? 'SIGTERM');
  settings.sendKill = yes(last('SendSIGKILL') ?? 'yes');
  settings.user = last('User');
  settings.group = last('Group');
  settings.identifier = last('SyslogIdentifier');
  settings.successStatus = all('SuccessExitStatus').flatMap(splitWords);
  settings.preventRestart = all('RestartPreventExitStatus').flatMap(splitWords);
  settings.collectFailed = last('CollectMode') === 'inactive-or-failed';
  settings.environment = all('Environment').flatMap((value) =>
    splitWords(value).map((word) => assignment(expandSpecifiers(word, name))),
  );
  settings.environmentFiles = all('EnvironmentFile').map((value) =>
    optionalPath(expandSpecifiers(value, name)),
  );
  settings.unsetEnvironment = all('UnsetEnvironment').flatMap((value) =>
    splitWords(expandSpecifiers(value, name)),
  );
  const directory = last('WorkingDirectory');
  settings.workingDirectory = directory === undefined ? undefined : optionalPath(directory);
  for (const key of commandKeys) settings.commands[key] = all(key).map((value) => parseCommand(value, name));
  checkStart(settings, name);
}

function checkStart(settings: ServiceSettings, name: string): void {
  const count = settings.commands.ExecStart.length;
  if (count === 0 && settings.type !== 'oneshot') {
    throw new UnitSyntaxError(`${name}: Service has no ExecStart= setting. Refusing.`);
  }
  if (count > 1 && settings.type !== 'oneshot') {
    throw new UnitSyntaxError(
      `${name}: Service has more than one ExecStart= setting, which is only allowed for Type=oneshot services. Refusing.`,
    );
  }
}

/** A command line with its prefixes; `+`, `!` and `!!` say with which privileges, of which a lab has only one kind. */
export function parseCommand(text: string, unit: string): ServiceCommand {
  const prefix = /^[-+!:@]*/.exec(text)?.[0] ?? '';
  const words = splitWords(text.slice(prefix.length)).map((word) => expandSpecifiers(word, unit));
  const [path, ...rest] = words;
  if (path === undefined || path === '') throw new UnitSyntaxError(`an empty command: ${text}`);
  if (words.includes(';'))
    throw new UnitSyntaxError(`several commands in one line are not known to this stand-in: ${text}`);
  return {
    path,
    words: prefix.includes('@') ? rest : words,
    ignoreFailure: prefix.includes('-'),
    expand: !prefix.includes(':'),
  };
}

function assignment(word: string): [string, string] {
  const equals = word.indexOf('=');
  if (equals < 1) throw new UnitSyntaxError(`Invalid environment assignment: ${word}`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function optionalPath(value: string): { path: string; optional: boolean } {
  const optional = value.startsWith('-');
  const path = optional ? value.slice(1) : value;
  if (!path.startsWith('/')) throw new UnitSyntaxError(`not an absolute path: ${value}`);
  return { path, optional };
}

function yes(value: string): boolean {
  if (['1', 'yes', 'y', 'true', 't', 'on'].includes(value)) return true;
  if (['0', 'no', 'n', 'false', 'f', 'off'].includes(value)) return false;
  throw new UnitSyntaxError(`not a boolean: ${value}`);
}

/** In these settings 0 stands for "never". */
function noLimitForZero(ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

/** `SIGTERM`, `TERM` or `15`. */
export function signalNamed(text: string): NodeJS.Signals {
  const wanted = text.startsWith('SIG') ? text : `SIG${text}`;
  for (const [name, number] of Object.entries(constants.signals)) {
    if ((name === wanted || String(number) === text) && isSignal(name)) return name;
  }
  throw new UnitSyntaxError(`not a signal: ${text}`);
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}
