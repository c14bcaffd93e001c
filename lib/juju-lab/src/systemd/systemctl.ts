// `systemctl` as charms use it, with real systemd's output, messages and exit codes (those of release 255).
import { relative } from 'node:path';
import {
  canReload,
  eachJob,
  find,
  isUp,
  reloadUnit,
  type Reply,
  restartUnit,
  startUnit,
  stopUnit,
} from './jobs.ts';
import { type Options, readOptions, UsageError } from './options.ts';
import { propertiesOf } from './properties.ts';
import { signalNamed } from './settings.ts';
import type { CommandOutput, Systemd } from './systemd.ts';
import { readUnit } from './unit-file.ts';
import { UnitSyntaxError } from './words.ts';

const known = {
  values: { property: 'p', signal: 's', 'kill-whom': '', 'kill-who': '', state: '', type: 't' },
  flags: {
    ...{
      now: '',
      quiet: 'q',
      all: 'a',
      plain: '',
      'no-legend': '',
      'no-pager': '',
      'no-block': '',
      full: 'l',
      value: '',
      system: '',
    },
    ...{ force: 'f', 'no-ask-password': '', 'no-reload': '' },
  },
};

type Verb = (systemd: Systemd, names: string[], options: Options) => Promise<Reply> | Reply;

const verbs: Record<string, Verb> = {
  start: (systemd, names) => eachJob(systemd, names, startUnit),
  stop: (systemd, names) => eachJob(systemd, names, stopUnit),
  restart: (systemd, names) => eachJob(systemd, names, restartUnit),
  'try-restart': (systemd, names) =>
    eachJob(systemd, names, (each, name) =>
      isUp(each, name) ? restartUnit(each, name) : Promise.resolve([]),
    ),
  reload: (systemd, names) => eachJob(systemd, names, reloadUnit),
  'reload-or-restart': (systemd, names) =>
    eachJob(systemd, names, (each, name) =>
      canReload(each, name) ? reloadUnit(each, name) : restartUnit(each, name),
    ),
  kill,
  enable,
  disable,
  show,
  'daemon-reload': (systemd) => {
    systemd.daemonReload();
    return done();
  },
  'reset-failed': resetFailed,
  'is-active': (systemd, names, options) =>
    states(systemd, names, options, 'ActiveState', ['active', 'reloading'], 3),
  'is-failed': (systemd, names, options) => states(systemd, names, options, 'ActiveState', ['failed'], 1),
  'is-enabled': isEnabled,
  'is-system-running': (systemd) => {
    const degraded = [...systemd.services.values()].some(({ service }) => service.active === 'failed');
    return { code: degraded ? 1 : 0, out: [degraded ? 'degraded' : 'running'], err: [] };
  },
  'list-units': listUnits,
  cat: (systemd, names) => ({
    code: 0,
    out: names.flatMap((name) => systemd.load(name)?.file.source.split('\0') ?? []),
    err: [],
  }),
};

export async function systemctl(systemd: Systemd, argv: readonly string[]): Promise<CommandOutput> {
  try {
    const options = readOptions('systemctl', argv, known);
    const [verb = 'list-units', ...patterns] = options.positionals;
    const run = verbs[verb];
    if (run === undefined)
      throw new UsageError(
        `Unknown command verb ${verb}. (This stand-in knows ${Object.keys(verbs).join(', ')}.)`,
      );
    const names =
      verb === 'list-units' ? patterns : patterns.flatMap((pattern) => expandPattern(systemd, pattern));
    if (patterns.length === 0 && !/^(daemon-reload|list-units|reset-failed|is-system-running)$/.test(verb))
      throw new UsageError('Too few arguments.');
    const running = Promise.resolve(run(systemd, names, options));
    // With --no-block the job is queued, and only what is wrong at once is told.
    const { code, out, err } = await (options.has('no-block') ? Promise.race([running, atOnce()]) : running);
    const quiet = options.has('quiet');
    return {
      code,
      stdout: quiet && verb.startsWith('is-') ? '' : lines(out),
      stderr: quiet ? '' : lines(err),
    };
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof UnitSyntaxError)) throw error;
    return { code: 1, stdout: '', stderr: `${error.message}\n` };
  }
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

async function atOnce(): Promise<Reply> {
  await new Promise(setImmediate);
  return done();
}

function done(): Reply {
  return { code: 0, out: [], err: [] };
}

/** A pattern stands for the units in memory that it matches; a name without a suffix is a service's. */
function expandPattern(systemd: Systemd, pattern: string): string[] {
  if (!/[*?[]/.test(pattern))
    return [/\.(service|timer|target|socket|mount)$/.test(pattern) ? pattern : `${pattern}.service`];
  const matching = globToPattern(pattern);
  return [...systemd.timers.keys(), ...systemd.services.keys()].filter((name) => matching.test(name));
}

function globToPattern(glob: string): RegExp {
  const body = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
  return new RegExp(`^${body}$`, 's');
}

function kill(systemd: Systemd, names: string[], options: Options): Reply {
  const signal = signalNamed(options.last('signal') ?? 'SIGTERM');
  const whom = options.last('kill-whom') ?? options.last('kill-who') ?? 'all';
  if (whom !== 'main' && whom !== 'control' && whom !== 'all')
    throw new UsageError(`Failed to parse --kill-whom=: ${whom}`);
  const err = names.flatMap((name) => {
    const service = find(systemd, name).loaded?.service;
    if (service === undefined) return [`Failed to kill unit ${name}: Unit ${name} not loaded.`];
    if (service.kill(signal, whom) || whom === 'all') return [];
    return [`Failed to kill unit ${name}: No ${whom} process to kill`];
  });
  return { code: err.length === 0 ? 0 : 1, out: [], err };
}

async function enable(systemd: Systemd, names: string[], options: Options): Promise<Reply> {
  const err: string[] = [];
  for (const name of names) {
    const file = readUnit(systemd.unitDirectory, name);
    if (file === undefined)
      return { code: 1, out: [], err: [...err, `Failed to enable unit: Unit file ${name} does not exist.`] };
    if (systemd.wantedLinks(name, file).length === 0)
      err.push(`The unit files have no installation config: ${name} cannot be enabled.`);
    const within = (path: string) => `/${relative(systemd.root, path)}`;
    err.push(
      ...systemd
        .enable(name, file)
        .map((link) => `Created symlink ${within(link)} → /etc/systemd/system/${name}.`),
    );
  }
  const started = options.has('now') ? await eachJob(systemd, names, startUnit) : done();
  return { ...started, err: [...err, ...started.err] };
}

async function disable(systemd: Systemd, names: string[], options: Options): Promise<Reply> {
  const err: string[] = [];
  for (const name of names) {
    const removed = systemd.disable(name);
    if (removed.length === 0 && readUnit(systemd.unitDirectory, name) === undefined) {
      return { code: 1, out: [], err: [...err, `Failed to disable unit: Unit file ${name} does not exist.`] };
    }
    err.push(...removed.map((link) => `Removed "/${relative(systemd.root, link)}".`));
  }
  const stopped = options.has('now') ? await eachJob(systemd, names, stopUnit) : done();
  return { ...stopped, err: [...err, ...stopped.err] };
}

function show(systemd: Systemd, names: string[], options: Options): Reply {
  const wanted = options.all('property').flatMap((list) => list.split(','));
  const blocks = names.map((name) => {
    const properties = propertiesOf(systemd, find(systemd, name));
    const unknown = wanted.find((property) => !(property in properties));
    if (unknown !== undefined)
      throw new UsageError(`systemctl: the property ${unknown} is not known to this stand-in`);
    const shown = Object.entries(properties).filter(
      ([property]) => wanted.length === 0 || wanted.includes(property),
    );
    return shown
      .map(([property, value]) => (options.has('value') ? value : `${property}=${value}`))
      .join('\n');
  });
  return { code: 0, out: blocks.length === 0 ? [] : [blocks.join('\n\n')], err: [] };
}

function resetFailed(systemd: Systemd, names: string[]): Reply {
  const wanted = names.length === 0 ? [...systemd.services.keys()] : names;
  const err = wanted.flatMap((name) => {
    const loaded = systemd.services.get(name);
    if (loaded === undefined)
      return [`Failed to reset failed state of unit ${name}: Unit ${name} not loaded.`];
    loaded.service.resetFailed();
    systemd.collect(loaded);
    return [];
  });
  return { code: err.length === 0 ? 0 : 1, out: [], err };
}

/** One line a unit; success when one is in a wanted state. 4: no such unit. */
function states(
  systemd: Systemd,
  names: string[],
  _: Options,
  property: string,
  wanted: string[],
  otherwise: number,
): Reply {
  const units = names.map((name) => propertiesOf(systemd, find(systemd, name)));
  const out = units.map((properties) => properties[property] ?? '');
  const unknown = units.every(({ LoadState }) => LoadState === 'not-found');
  return { code: out.some((state) => wanted.includes(state)) ? 0 : unknown ? 4 : otherwise, out, err: [] };
}

function isEnabled(systemd: Systemd, names: string[]): Reply {
  const out = names.map((name) => propertiesOf(systemd, find(systemd, name)).UnitFileState || 'not-found');
  const unknown = out.every((state) => state === 'not-found');
  return {
    code: out.some((state) => state === 'enabled' || state === 'static') ? 0 : unknown ? 4 : 1,
    out,
    err: [],
  };
}

function listUnits(systemd: Systemd, patterns: string[], options: Options): Reply {
  const matching = patterns.map(globToPattern);
  const types = options.all('type').flatMap((list) => list.split(','));
  const wantedStates = options.all('state').flatMap((list) => list.split(','));
  const rows = [...systemd.services.keys(), ...systemd.timers.keys()]
    .toSorted()
    .filter((name) => matching.length === 0 || matching.some((pattern) => pattern.test(name)))
    .filter((name) => types.length === 0 || types.some((type) => name.endsWith(`.${type}`)))
    .map((name) => propertiesOf(systemd, find(systemd, name)))
    .filter(({ ActiveState, SubState, LoadState }) =>
      wantedStates.length > 0
        ? wantedStates.some((state) => [ActiveState, SubState, LoadState].includes(state))
        : options.has('all') || ActiveState !== 'inactive',
    )
    .map((each) =>
      [each.Id, each.LoadState, each.ActiveState, each.SubState, each.Description].map((cell) => cell ?? ''),
    );
  return { code: 0, out: table(rows, options.has('no-legend'), options.has('plain') ? '' : '  '), err: [] };
}

function table(rows: string[][], bare: boolean, indent: string): string[] {
  const head = ['UNIT', 'LOAD', 'ACTIVE', 'SUB', 'DESCRIPTION'];
  const all = bare ? rows : [head, ...rows];
  const width = (column: number) => Math.max(0, ...all.map((row) => (row[column] ?? '').length));
  const printed = all.map((row) => {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(width(column))));
    return `${indent}${cells.join(' ')}`;
  });
  return bare ? printed : [...printed, '', `${rows.length} loaded units listed.`];
}
