// No secret is where it need not be: every channel by which something leaves a unit is searched for every secret that it holds,
// while all goes well, while it does not, and after. And what the charm writes has the modes that the reference promises.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { definition } from '../../src/definition.ts';
import { application, Deployment, webService } from './support/deployment.ts';
import { PostgresCharm } from './support/postgresql.ts';
import { type Given, type Secret, secrets } from './support/secrets.ts';

/** Every action but the one that is for telling a secret; with what it needs, or what it refuses. */
const params: Readonly<Record<string, Record<string, string | boolean>>> = {
  status: { format: 'json' },
  'move-web': { unit: 'concourse-ci/9' },
  rollback: { version: '7.0.0' },
  'rotate-keys': { keys: 'all' },
};
const actions = Object.keys(definition.declared.actions)
  .filter((name) => name !== 'get-admin-password')
  .map((name) => [name, params[name] ?? {}] as const);

async function runActions(d: Deployment, unit: string, told: string[], which = actions): Promise<void> {
  for (const [name, given] of which) {
    told.push(JSON.stringify(await d.cluster.action(unit, name, given)));
    await d.cluster.settle();
  }
}

/** What somebody on the machine, at the model or on the volume may read, by channel. */
function channels(d: Deployment, told: readonly string[]): Record<string, string[]> {
  const units = d.juju.units(application);
  return {
    databags: [...units.map((unit) => JSON.stringify(d.facts(unit))), JSON.stringify(d.goal())],
    statuses: d.cluster.history.map(({ message, reason = '' }) => `${message} ${reason}`),
    log: d.juju.log.map(({ text }) => text),
    'action results': [...told],
    'arguments of processes': d.ran,
    'unit files': [...d.machines.values()].flatMap(({ services }) => services.starts.map(({ unit }) => unit)),
  };
}

/** Every file below the machines and on the volume, from the deployment's own folder on. */
function filesOf(d: Deployment): { path: string; text: string; mode: number }[] {
  const entries = readdirSync(d.directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(d.directory, path),
      text: readFileSync(path, 'utf8'),
      mode: lstatSync(path).mode & 0o7777,
    }));
}

function leaks(d: Deployment, told: readonly string[], known: readonly (Secret & Given)[]): string[] {
  const spoken = Object.entries(channels(d, told)).map(([name, texts]) => [name, texts.join('\n')] as const);
  const files = filesOf(d);
  return known.flatMap(({ name, values, homes, asked = false }) => [
    ...spoken
      .map(([channel, text]) => [channel, asked ? text.replace(/^action-set .*$/gm, '') : text] as const)
      .filter(([, text]) => values.some((value) => text.includes(value)))
      .map(([channel]) => `${name}: ${channel}`),
    ...files
      .filter(({ text }) => values.some((value) => text.includes(value)))
      // At home, and for root alone; web's group may read its keys on a real machine.
      .filter(({ path, mode }) => !homes.some((home) => path.endsWith(home)) || (mode & 0o037) !== 0)
      .map(({ path, mode }) => `${name}: ${path} ${mode.toString(8)}`),
  ]);
}

async function deployment() {
  const d = new Deployment();
  for (const { configure } of secrets) configure?.(d);
  await d.cluster.settle();
  const known: (Secret & Given)[] = [];
  for (const each of secrets) known.push({ ...each, ...(await each.given(d)) });
  return { d, known };
}

test('each secret is at home, so that the search is not for what is nowhere', async () => {
  const { d, known } = await deployment();
  const files = filesOf(d);
  for (const { name, values, homes } of known) {
    expect(values.length, name).toBeGreaterThan(0);
    for (const value of values) {
      expect(value.length, name).toBeGreaterThan(8);
      const found = files.filter(
        ({ path, text }) => homes.some((home) => path.endsWith(home)) && text.includes(value),
      );
      expect(found.length, `${name} is nowhere`).toBeGreaterThan(0);
    }
  }
});

test('no secret is told: by databags, statuses, logs, actions, arguments, unit files, or files of others', async () => {
  const { d, known } = await deployment();
  const told: string[] = [];
  await runActions(d, d.unit(0), told);
  await runActions(d, d.unit(1), told);
  // Some of them have made new ones.
  for (const { given, ...rest } of [...known]) known.push({ ...rest, given, ...(await given(d)) });
  expect(leaks(d, told, known)).toEqual([]);

  for (const { spoil, mend } of known) {
    spoil?.();
    await d.cluster.settle();
    mend?.();
    await d.cluster.settle();
  }
  expect(leaks(d, told, known)).toEqual([]);

  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  await d.cluster.action(d.unit(0), 'rollback');
  await d.cluster.settle();
  expect(d.installed()).toBe('8.1.0');
  expect(leaks(d, told, known)).toEqual([]);

  // What web says of itself reaches its status and the action's result.
  const ofWeb: string[] = [];
  for (const { homes, given } of secrets)
    if (homes.includes('etc/concourse/web.env')) ofWeb.push(...(await given(d)).values);
  d.silentWeb.add('8.1.0');
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  d.machine(d.unit(0)).services.append(webService, `error: ${ofWeb.join(' ')}`);
  // What has been replaced is no secret any more, so nothing is replaced now.
  const lasting = actions.filter(([name]) => !/^(set-|rotate-)/.test(name));
  await runActions(d, d.unit(0), told, lasting);
  expect(told.join(), 'what web complained of is told, but for its secrets').toContain('***');
  expect(leaks(d, told, known)).toEqual([]);

  for (const unit of d.juju.units(application)) d.juju.removeUnit(unit);
  await d.cluster.settle();
  expect(leaks(d, told, known)).toEqual([]);
  const words = known.flatMap(({ values }) => values);
  // Nothing of them stays on a machine that has none of the charm's units any more.
  expect(filesOf(d).filter(({ text }) => words.some((word) => text.includes(word)))).toEqual([]);
});

test('nor is the password of a database that comes by a relation, while its provider changes it', async () => {
  const charm = await PostgresCharm.settled();
  const { d } = charm;
  const entry = (password: string): Secret & Given => ({
    name: 'the password by relation',
    homes: ['etc/concourse/web.env'],
    values: [password],
    given: () => ({ values: [password] }),
  });
  const known = [entry(charm.password), entry('second-password-of-it')];
  const told: string[] = [];
  d.silentWeb.add('8.1.0');
  charm.password = 'second-password-of-it';
  await charm.changes();
  const complaint = 'pq: password second-password-of-it (once first-password-of-it) is wrong';
  d.machine(d.unit(0)).services.append(webService, `error: ${complaint}`);
  await runActions(d, d.unit(0), told);
  expect(leaks(d, told, known.slice(1))).toEqual([]);
});

/** A row of docs/reference/files.md: a path, with words in capitals for what differs, and its mode and its folder's. */
interface Promised {
  pattern: RegExp;
  modes: readonly number[];
}

function promised(): Promised[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/reference/files.md'), 'utf8');
  const [, onVolume = '', onMachine = ''] = text.split(/^## .*$/m);
  const rows = (part: string, base: string) =>
    [...part.matchAll(/^\| (`.*?) \| (\d{4})([^|]*)\|/gm)].flatMap(([, names = '', mode = '', more = '']) => {
      const paths = [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
      const folder = /^(.*\/)/.exec(paths[0] ?? '')?.[1] ?? '';
      const own = Number.parseInt(mode, 8);
      // Web's group is there on a real machine alone.
      const modes = more.includes('group') ? [own, own & 0o700] : [own];
      const of = (path: string, allowed: readonly number[]) => ({
        pattern: new RegExp(`^${pathPattern(base, path)}$`),
        modes: allowed,
      });
      const ofFolder = /folder (\d{4})/.exec(more)?.[1];
      return [
        ...paths.map((path, index) =>
          of(index === 0 || path.startsWith('/') ? path : `${folder}${path}`, modes),
        ),
        ...(ofFolder === undefined ? [] : [of(folder, [Number.parseInt(ofFolder, 8)])]),
      ];
    });
  return [...rows(onVolume, 'volume/'), ...rows(onMachine, 'machine-\\d+')];
}

const pathPattern = (base: string, path: string): string =>
  base +
  path
    .replace(/\/$/, '')
    .replace(/[.$+()[\]]/g, '\\$&')
    .replace(/UNIT/g, `${application}-\\d+`)
    .replace(/VERSION|TOKEN|DATE|RANDOM/g, '[^/]+');

test('every file and folder has the mode that the reference promises, and none may be written by others', async () => {
  const { d } = await deployment();
  await d.cluster.action(d.unit(0), 'prune');
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  const table = promised();
  expect(table.length).toBeGreaterThan(25);
  const odd: string[] = [];
  // Made by the tests: the machine itself, and the disk that Juju would mount.
  const ofTests = /^machine-\d+(\/(proc|etc|run|var)(\/.*)?)?$/;
  const ofRelease = /^volume\/(releases\/[^/]+|bin)\/.+/;
  for (const entry of readdirSync(d.directory, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = relative(d.directory, join(entry.parentPath, entry.name));
    const mode = lstatSync(join(d.directory, path)).mode & 0o7777;
    const rows = table.filter(({ pattern }) => pattern.test(path));
    if (rows.length > 0) {
      if (!rows.some(({ modes }) => modes.includes(mode))) odd.push(`${path} is ${mode.toString(8)}`);
    } else if (entry.isFile() && !ofRelease.test(path) && !/\/proc\//.test(path)) {
      odd.push(`${path} is in no row`);
    }
    if (!ofTests.test(path) && (mode & 0o7022) !== 0) odd.push(`${path} may be written by others, or more`);
  }
  expect(odd).toEqual([]);
});
