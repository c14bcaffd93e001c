// What can be asked of a running lab from another terminal, and how each request is typed.
import { isRecord } from '../charm.ts';
import { jujuOf } from '../client/lab-site.ts';
import { actionParams, assignments } from '../client/words.ts';
import { LabError } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { renderActionResult, renderStatus } from '../status.ts';
import type { ToolAnswer } from '../tools/server.ts';

type Reply = ToolAnswer | string;

interface Command {
  usage: string;
  run(lab: Lab, words: readonly string[], stop: () => void): Promise<Reply> | Reply;
}

const commands: Record<string, Command> = {
  status: { usage: 'status', run: (lab) => renderStatus(lab.status()) },
  config: { usage: 'config [APPLICATION] KEY=VALUE…', run: configure },
  refresh: { usage: 'refresh [APPLICATION] [CHARM-FOLDER]', run: refresh },
  action: { usage: 'action UNIT NAME [KEY=VALUE…]', run: runAction },
  juju: { usage: 'juju FOLDER WORD…', run: (lab, [folder = '.', ...words]) => jujuOf(lab, folder, words) },
  kill: { usage: 'kill UNIT', run: onUnit((lab, unit) => lab.kill(unit)) },
  boot: { usage: 'boot UNIT', run: onUnit((lab, unit) => lab.boot(unit)) },
  freeze: { usage: 'freeze UNIT', run: onUnit((lab, unit) => lab.freeze(unit)) },
  thaw: { usage: 'thaw UNIT', run: onUnit((lab, unit) => lab.thaw(unit)) },
  reboot: { usage: 'reboot UNIT', run: onUnit((lab, unit) => lab.reboot(unit)) },
  partition: { usage: 'partition UNIT', run: onUnit((lab, unit) => lab.partition(unit)) },
  heal: { usage: 'heal UNIT', run: onUnit((lab, unit) => lab.heal(unit)) },
  unmount: { usage: 'unmount UNIT', run: onUnit((lab, unit) => lab.unmountVolume(unit)) },
  mount: { usage: 'mount UNIT', run: onUnit((lab, unit) => lab.mountVolume(unit)) },
  leader: { usage: 'leader UNIT', run: onUnit((lab, unit) => lab.setLeader(unit)) },
  'add-unit': {
    usage: 'add-unit [APPLICATION]',
    run: (lab, [application = onlyApplication(lab)]) => `${lab.addUnit(application)}\n`,
  },
  'remove-unit': { usage: 'remove-unit UNIT [--force]', run: removeUnit },
  wait: { usage: 'wait [UNIT TEXT…]', run: wait },
  log: { usage: 'log [UNIT]', run: showLog },
  journal: { usage: 'journal UNIT SERVICE', run: showJournal },
  exec: { usage: 'exec UNIT SCRIPT', run: execute },
  stop: {
    usage: 'stop',
    run: (_lab, _words, stop) => {
      stop();
      return 'stopping\n';
    },
  },
};

export const accepted = Object.values(commands).map((command) => command.usage);

/** Carries one request out. A wrong one is answered with exit code 2 and what would be accepted. */
export async function runCommand(lab: Lab, argv: readonly string[], stop: () => void): Promise<ToolAnswer> {
  const [name = '', ...words] = argv;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const problem = name === '' ? 'no command given' : `no command "${name}"`;
    return {
      code: 2,
      stdout: '',
      stderr: `${problem}; accepted are:\n${accepted.map((a) => `  ${a}\n`).join('')}`,
    };
  }
  try {
    const reply = await command.run(lab, words, stop);
    return typeof reply === 'string' ? { code: 0, stdout: reply, stderr: '' } : reply;
  } catch (error) {
    // Everything else that can go wrong here is a refusal by the lab or by the fake Juju, in words for people.
    if (!(error instanceof Error)) throw error;
    const hint = error instanceof LabError ? `accepted is: ${command.usage}\n` : '';
    return { code: 2, stdout: '', stderr: `${error.message}\n${hint}` };
  }
}

function onUnit(run: (lab: Lab, unit: string) => Promise<void> | void): Command['run'] {
  return async (lab, words) => {
    const [unit, ...rest] = words;
    nothingMore(rest);
    await run(lab, knownUnit(lab, unit));
    return renderStatus(lab.status());
  };
}

function configure(lab: Lab, words: readonly string[]): Reply {
  const { application, rest } = optionalApplication(lab, words);
  const values = Object.fromEntries(assignments(rest));
  if (rest.length === 0) throw new LabError('no KEY=VALUE given');
  const known = optionsOf(lab, application);
  for (const key of Object.keys(values)) {
    if (!known.includes(key))
      throw new LabError(`no option "${key}"; there are: ${known.join(', ') || 'none'}`);
  }
  lab.configure(application, values);
  return '';
}

function optionsOf(lab: Lab, application: string): string[] {
  const { config } = lab.charmFiles(application);
  return isRecord(config) && isRecord(config.options) ? Object.keys(config.options) : [];
}

async function refresh(lab: Lab, words: readonly string[]): Promise<Reply> {
  const { application, rest } = optionalApplication(lab, words);
  const [folder, ...more] = rest;
  nothingMore(more);
  lab.refresh(application, folder ?? lab.charmDirectory(application));
  return '';
}

async function runAction(lab: Lab, [unit, name, ...words]: readonly string[]): Promise<Reply> {
  const known = knownUnit(lab, unit);
  if (name === undefined) throw new LabError('no action named');
  const record = await lab.runAction(known, name, actionParams(words));
  return { code: record.status === 'completed' ? 0 : 1, stdout: renderActionResult(record), stderr: '' };
}

async function removeUnit(lab: Lab, words: readonly string[]): Promise<Reply> {
  const force = words.includes('--force');
  const [unit, ...rest] = words.filter((word) => word !== '--force');
  nothingMore(rest);
  lab.removeUnit(knownUnit(lab, unit), { force });
  return '';
}

const waitMs = 240_000;

/** Until every unit whose machine runs is active and has nothing left to do; or until a unit's message has the text in it. */
async function wait(lab: Lab, [unit, ...words]: readonly string[]): Promise<Reply> {
  const shown = (name: string) => lab.juju.unitStatus(name);
  if (unit !== undefined) {
    const [known, wanted] = [knownUnit(lab, unit), words.join(' ')];
    await lab.waitFor(
      () => shown(known).message.includes(wanted),
      waitMs,
      () => `${known}: ${shown(known).message}`,
    );
    return '';
  }
  const lost = (name: string) => lab.juju.model.units.get(name)?.agentUp !== true;
  const late = () => lab.unitNames().filter((name) => !lost(name) && shown(name).status !== 'active');
  await lab.waitFor(
    () => late().length === 0,
    waitMs,
    () => `not active: ${late().join(', ')}`,
  );
  await lab.settle({ timeoutMs: waitMs });
  return '';
}

function showLog(lab: Lab, [unit, ...rest]: readonly string[]): Reply {
  nothingMore(rest);
  const wanted = unit === undefined ? undefined : knownUnit(lab, unit);
  return lab.log
    .filter((line) => wanted === undefined || line.unit === wanted)
    .map((line) => `${new Date(line.time).toISOString()} ${line.unit} ${line.level} ${line.text}\n`)
    .join('');
}

async function showJournal(lab: Lab, [unit, service, ...rest]: readonly string[]): Promise<Reply> {
  nothingMore(rest);
  const known = knownUnit(lab, unit);
  if (service === undefined) throw new LabError('no service named');
  return lab.journal(known, service);
}

async function execute(lab: Lab, [unit, ...words]: readonly string[]): Promise<Reply> {
  const known = knownUnit(lab, unit);
  if (words.length === 0) throw new LabError('no script given');
  return lab.execIn(known, words.join(' '));
}

function knownUnit(lab: Lab, unit: string | undefined): string {
  const units = lab.unitNames();
  if (unit !== undefined && units.includes(unit)) return unit;
  const problem = unit === undefined ? 'no unit named' : `no unit "${unit}"`;
  throw new LabError(`${problem}; there are: ${units.join(', ') || 'none'}`);
}

function optionalApplication(
  lab: Lab,
  words: readonly string[],
): { application: string; rest: readonly string[] } {
  const [first] = words;
  if (first !== undefined && lab.applications().includes(first))
    return { application: first, rest: words.slice(1) };
  return { application: onlyApplication(lab), rest: words };
}

function onlyApplication(lab: Lab): string {
  const [only, ...more] = lab.applications();
  if (only === undefined || more.length > 0) {
    throw new LabError(`name the application: ${lab.applications().join(', ') || 'none is deployed'}`);
  }
  return only;
}

function nothingMore(rest: readonly string[]): void {
  if (rest.length > 0) throw new LabError(`unexpected: ${rest.join(' ')}`);
}
