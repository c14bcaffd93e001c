// The commands of Juju's client that documents for operators use, each with the options that are read or taken note of; any
// other option is refused, as a mistyped one would be.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type ActionRecord, Impossible } from 'juju-ts-ops/testing';
import { stringify } from 'yaml';
import { isRecord } from '../charm.ts';
import { LabError } from '../errors.ts';
import { applicationOf } from '../fleet.ts';
import { renderActionResult, renderStatus } from '../status.ts';
import type { ToolAnswer } from '../tools/server.ts';
import { endpoints, known, knownUnit } from './names.ts';
import type { Site } from './site.ts';
import { actionParams, optionValues, secretContent } from './words.ts';

type Flags = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
type Reply = ToolAnswer | string;
interface Command {
  usage: string;
  options?: ParseArgsConfig['options'];
  /** How many words there must be, and may be. */
  words: [least: number, most: number];
  run(site: Site, words: readonly string[], flags: Flags): Promise<Reply> | Reply;
}

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const yes = { type: 'boolean' } as const;
const any = Number.POSITIVE_INFINITY;

const commands: Readonly<Record<string, Command>> = {
  deploy: {
    usage:
      'deploy CHARM [APPLICATION] [-n UNITS] [--config KEY=VALUE]… [--resource NAME=PATH]… [--storage NAME=SIZE]…',
    options: {
      'num-units': { ...text, short: 'n' },
      config: texts,
      resource: texts,
      storage: texts,
      // About machines and charm stores, of which there are none here.
      channel: text,
      constraints: text,
      base: text,
      to: text,
      trust: yes,
    },
    words: [1, 2],
    run: deploy,
  },
  integrate: {
    usage: 'integrate APPLICATION[:ENDPOINT] APPLICATION[:ENDPOINT]',
    words: [2, 2],
    run: (site, [one = '', other = '']) => {
      site.operate((juju) => juju.integrate(...endpoints(site, one, other)));
      return '';
    },
  },
  'remove-relation': {
    usage: 'remove-relation APPLICATION[:ENDPOINT] APPLICATION[:ENDPOINT]',
    words: [2, 2],
    run: removeRelation,
  },
  config: {
    usage: 'config APPLICATION [KEY | KEY=VALUE…] [--reset KEY,…]',
    options: { reset: text },
    words: [1, any],
    run: configure,
  },
  refresh: {
    usage: 'refresh APPLICATION [--path CHARM]',
    options: { path: text, channel: text },
    words: [1, 1],
    run: (site, [application = ''], { path }) => {
      site.refresh(known(site, application), path === undefined ? undefined : String(path));
      return '';
    },
  },
  run: {
    usage: 'run UNIT… ACTION [KEY=VALUE…] [--format yaml|json]',
    options: { format: text, wait: text },
    words: [2, any],
    run: runAction,
  },
  exec: {
    usage: 'exec --unit UNIT | --application APPLICATION [--] SCRIPT',
    options: { unit: text, application: text },
    words: [1, any],
    run: exec,
  },
  status: {
    usage: 'status [APPLICATION] [--watch TIME] [--format json] [--relations]',
    options: { watch: text, format: text, relations: yes },
    words: [0, 1],
    run: (site, _words, { format }) =>
      format === 'json' ? `${JSON.stringify(site.juju.status())}\n` : renderStatus(site.juju.status()),
  },
  'show-unit': { usage: 'show-unit UNIT', words: [1, 1], run: showUnit },
  'add-unit': {
    usage: 'add-unit APPLICATION [-n UNITS]',
    options: { 'num-units': { ...text, short: 'n' }, to: text },
    words: [1, 1],
    run: (site, [application = ''], flags) => {
      for (let each = 0; each < count(flags['num-units']); each += 1)
        site.operate((juju) => juju.addUnit(known(site, application)));
      return '';
    },
  },
  'remove-unit': {
    usage: 'remove-unit UNIT… [--force] [--no-prompt]',
    options: { force: yes, 'no-prompt': yes },
    words: [1, any],
    run: (site, words, { force }) => {
      for (const unit of words.map((word) => knownUnit(site, word)))
        site.operate((juju) => juju.removeUnit(unit, { force: force === true }));
      return '';
    },
  },
  'add-storage': {
    usage: 'add-storage UNIT NAME=SIZE',
    words: [2, 2],
    run: (site, [unit = '', storage = '']) => {
      const [name] = counted(storage);
      return `added storage ${site.operate((juju) => juju.addStorage(knownUnit(site, unit), name))}\n`;
    },
  },
  'add-secret': {
    usage: 'add-secret NAME KEY=VALUE…',
    words: [2, any],
    run: (site, [name = '', ...words]) =>
      `${site.operate((juju) => juju.addSecret(name, secretContent(words, site.readFile)))}\n`,
  },
  'update-secret': {
    usage: 'update-secret NAME KEY=VALUE…',
    words: [2, any],
    run: (site, [name = '', ...words]) => {
      site.operate((juju) => juju.updateSecret(name, secretContent(words, site.readFile)));
      return '';
    },
  },
  'grant-secret': {
    usage: 'grant-secret NAME APPLICATION',
    words: [2, 2],
    run: (site, [name = '', application = '']) => {
      site.operate((juju) => juju.grantSecret(name, application));
      return '';
    },
  },
  'attach-resource': {
    usage: 'attach-resource APPLICATION NAME=PATH',
    words: [2, 2],
    run: (site, [application = '', resource = '']) => {
      const [[name, path] = ['', '']] = Object.entries(optionValues([resource], site.readFile));
      site.operate((juju) => juju.attachResource(application, name, path));
      return '';
    },
  },
};

export const jujuCommands = Object.keys(commands);

/** Carries out what was typed after `juju`. What Juju would refuse, or is not modelled, has code 1 and says so on stderr. */
export async function runJuju(site: Site, argv: readonly string[]): Promise<ToolAnswer> {
  const [name = '', ...rest] = argv;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined)
    return refusal(`juju "${name}" is not answered here; answered are: ${jujuCommands.join(', ')}`);
  try {
    const { flags, words } = read(command, rest);
    const reply = await command.run(site, words, flags);
    return typeof reply === 'string' ? { code: 0, stdout: reply, stderr: '' } : reply;
  } catch (error) {
    if (error instanceof LabError || error instanceof TypeError)
      return refusal(`${error.message}\naccepted is: juju ${command.usage}`);
    if (error instanceof Impossible) return refusal(error.message);
    throw error;
  }
}

const refusal = (why: string): ToolAnswer => ({ code: 1, stdout: '', stderr: `ERROR ${why}\n` });

/** TypeError: an option that is not known, or lacks its value. */
function read({ options = {}, words: [least, most] }: Command, argv: readonly string[]) {
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  if (positionals.length < least) throw new LabError('something is missing');
  if (positionals.length > most) throw new LabError(`unexpected: ${positionals.slice(most).join(' ')}`);
  const flags: Flags = values;
  return { flags, words: positionals };
}

const many = (given: Flags[string]): string[] => (Array.isArray(given) ? given.map(String) : []);

function count(given: Flags[string]): number {
  const units = given === undefined ? 1 : Number(given);
  if (!Number.isInteger(units) || units < 1) throw new LabError(`a number of units, not "${given}"`);
  return units;
}

/** `NAME=50G`, `NAME=2,50G`, `NAME=POOL,50G`: how many instances. */
function counted(word: string): [name: string, instances: number] {
  const [name = '', plan = ''] = word.split('=', 2);
  return [name, Number(plan.split(',').find((part) => /^[0-9]+$/.test(part)) ?? 1)];
}

function deploy(site: Site, [charm = '', named]: readonly string[], flags: Flags): string {
  const application = named ?? charm.replace(/^.*\//, '').replace(/_[^_]*\.charm$/, '');
  site.deploy(application, charm, {
    units: count(flags['num-units']),
    config: optionValues(many(flags.config), site.readFile),
    resources: optionValues(many(flags.resource), site.readFile),
    storage: Object.fromEntries(many(flags.storage).map(counted)),
  });
  return '';
}

function removeRelation(site: Site, [one = '', other = '']: readonly string[]): string {
  const ends = endpoints(site, one, other).toSorted().join();
  const found = [...site.juju.model.relations.values()].find(
    (relation) =>
      relation.endpoints
        .map((end) => `${end.application}:${end.endpoint}`)
        .toSorted()
        .join() === ends,
  );
  if (found === undefined) throw new Impossible(`relation ${one} ${other} not found`);
  site.operate((juju) => juju.removeRelation(found.id));
  return '';
}

function configure(site: Site, [application = '', ...words]: readonly string[], { reset }: Flags): string {
  const { charm, config } = site.juju.model.applications.get(known(site, application)) ?? {};
  if (reset !== undefined) site.operate((juju) => juju.resetConfig(application, String(reset).split(',')));
  if (words.length === 0) return reset === undefined ? stringify(Object.fromEntries(config ?? [])) : '';
  const [key = ''] = words;
  if (words.length > 1 || key.includes('=')) {
    site.operate((juju) => juju.configure(application, optionValues(words, site.readFile)));
    return '';
  }
  const option = charm?.options.get(key);
  if (option === undefined)
    throw new Impossible(`key "${key}" not found in "${application}" application config`);
  return `${config?.get(key) ?? option.default ?? ''}\n`;
}

async function runAction(site: Site, words: readonly string[], { format }: Flags): Promise<ToolAnswer> {
  const isUnit = (word: string) => /^[a-z0-9-]+\/(?:[0-9]+|leader)$/.test(word);
  const at = words.findIndex((word) => !isUnit(word));
  const name = words[at];
  if (at < 1 || name === undefined) throw new LabError('units come first, then the action');
  const units = words.slice(0, at).map((word) => knownUnit(site, word));
  const params = actionParams(words.slice(at + 1));
  const records = await Promise.all(units.map((unit) => site.runAction(unit, name, params)));
  const told = records.map(
    (record) =>
      `Running operation ${Number(record.id) - 1} with 1 task\n  - task ${record.id} on unit-${record.unit.replace('/', '-')}\n\n`,
  );
  const stdout =
    format === 'json'
      ? `${JSON.stringify(Object.fromEntries(records.map((r) => [r.unit, { id: r.id, results: r.results, status: r.status }])))}\n`
      : records.map((record) => renderActionResult(withoutCode(record))).join('');
  const code = records.every(({ status }) => status === 'completed') ? 0 : 1;
  return { code, stdout, stderr: told.join('') };
}

/** Juju's client shows a return code to programs alone. */
function withoutCode(record: ActionRecord): ActionRecord {
  const { 'return-code': _, ...results } = record.results;
  return { ...record, results };
}

async function exec(site: Site, words: readonly string[], flags: Flags): Promise<ToolAnswer> {
  const named = flags.unit === undefined ? [] : String(flags.unit).split(',');
  const { application } = flags;
  const units =
    application === undefined
      ? named.map((unit) => knownUnit(site, unit))
      : site.juju.units(known(site, String(application)));
  if (units.length === 0) throw new LabError('no unit named');
  const answers = await Promise.all(units.map((unit) => site.exec(unit, words.join(' '))));
  return {
    code: Math.max(...answers.map(({ code }) => code)),
    stdout: answers.map(({ stdout }) => stdout).join(''),
    stderr: answers.map(({ stderr }) => stderr).join(''),
  };
}

/** What the unit says in its relations. */
function showUnit(site: Site, [word = '']: readonly string[]): string {
  const unit = knownUnit(site, word);
  const application = applicationOf(unit);
  const relations = [...site.juju.model.relations.values()].filter((relation) =>
    relation.endpoints.some((end) => end.application === application),
  );
  const info = relations.map((relation) => ({
    'relation-id': relation.id,
    endpoint: relation.endpoints.find((end) => end.application === application)?.endpoint ?? '',
    'application-data': { ...relation.bags.get(application)?.values },
    'local-unit': { data: { ...relation.bags.get(unit)?.values } },
  }));
  const shown: unknown = site.juju.status().applications[application]?.units[unit];
  return stringify({ [unit]: { ...(isRecord(shown) ? shown : {}), 'relation-info': info } });
}
