// The command line of juju-exec as it is typed on a machine: what to run, and in which unit's context.

export interface ExecRequest {
  unit: string;
  script: string;
  relation?: number;
  remoteUnit?: string;
}

export type ExecArguments = { request: ExecRequest } | { refused: string; code: 1 | 2 };

const unitName = /^[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*\/(?:0|[1-9]\d*)$/;
const unitTag = /^unit-(?<application>[a-z].*)-(?<number>\d+)$/;

const withValue = new Map([
  ['-u', 'unit'],
  ['--unit', 'unit'],
  ['-r', 'relation'],
  ['--relation', 'relation'],
  ['--remote-unit', 'remoteUnit'],
  ['--remote-app', 'remoteApplication'],
]);

/** `onMachine`: the units of the machine on which it is typed. */
export function parseJujuExec(
  argv: readonly string[],
  contextId: string,
  onMachine: readonly string[],
): ExecArguments {
  if (contextId !== '') {
    return { refused: `juju-exec cannot be called from within a hook, have context "${contextId}"`, code: 2 };
  }
  const options: Record<string, string> = {};
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-') || word === '-') break;
    if (word === '--') {
      at++;
      break;
    }
    const [flag = '', inline] = word.startsWith('--') ? splitOnce(word) : [word, undefined];
    if (flag === '--force-remote-unit') continue;
    if (flag === '--no-context') {
      return {
        refused: '--no-context has no meaning in the lab: run the command without juju-exec',
        code: 2,
      };
    }
    const option = withValue.get(flag);
    if (option === undefined) return { refused: `option provided but not defined: ${flag}`, code: 2 };
    const value = inline ?? argv[++at];
    if (value === undefined) return { refused: `option needs an argument: ${flag}`, code: 2 };
    options[option] = value;
  }
  return chooseUnit(options, argv.slice(at), onMachine);
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function chooseUnit(
  options: Record<string, string>,
  positional: readonly string[],
  onMachine: readonly string[],
): ExecArguments {
  let words = positional[0] === '--' ? positional.slice(1) : positional;
  let unit = options.unit === '-' ? undefined : options.unit;
  if (unit === undefined && words[0] !== undefined && namesUnit(words[0])) {
    unit = words[0];
    words = words[1] === '--' ? words.slice(2) : words.slice(1);
  }
  if (unit === undefined || unit === '') {
    if (onMachine.length !== 1) return { refused: 'missing unit-name', code: 2 };
    unit = onMachine[0] ?? '';
  }
  unit = nameOf(unit);
  if (words.length === 0) return { refused: 'missing commands', code: 2 };
  if (!onMachine.includes(unit)) return { refused: `unit "${unit}" not found on this machine`, code: 1 };
  const script = words.length === 1 ? (words[0] ?? '') : words.map(quote).join(' ');
  const request: ExecRequest = { unit, script };
  if (options.relation !== undefined) {
    const id = /^(?:[^:]*:)?(?<id>\d+)$/.exec(options.relation)?.groups?.id;
    if (id === undefined) return { refused: 'invalid relation id', code: 2 };
    request.relation = Number(id);
  }
  if (options.remoteUnit !== undefined) request.remoteUnit = options.remoteUnit;
  return { request };
}

const namesUnit = (word: string): boolean => unitName.test(word) || unitTag.test(word);

function nameOf(word: string): string {
  const groups = unitTag.exec(word)?.groups;
  return groups === undefined ? word : `${groups.application}/${groups.number}`;
}

/** For sh: as Juju's own client does when it is given several words. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
