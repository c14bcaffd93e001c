// relation-ids, -list, -get, -set, -model-get.
import { keyValues, output, parse, quote } from '../arguments.ts';
import { type Context, leads, relationArgument, relationByText } from '../context.ts';
import { NotModelled, ToolError } from '../errors.ts';
import { sorted } from '../formats.ts';
import { applicationOf, ends, isPeer, type Relation, type Strings } from '../model.ts';
import { readSettingsFile } from '../settings-file.ts';

const r = { r: 'relation', relation: 'relation' };
const all = ['smart', 'json', 'yaml'] as const;
const checkRelation = (context: Context) => (name: string, value: string) => {
  if (name === 'relation') relationByText(context, value);
};

export function relationIds(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { most: 1, formats: all });
  const { relation: own, unit } = context;
  const hooks = own && context.relations.get(own.id);
  const endpoint = args.rest[0] ?? (hooks && ends(hooks, unit.application).local.endpoint);
  if (endpoint === undefined) throw new ToolError(2, 'no endpoint name specified');
  const ids = [...context.relations.values()]
    .filter((each) => ends(each, unit.application).local.endpoint === endpoint && isShown(context, each))
    .map((each) => `${endpoint}:${each.id}`);
  return output(args, ids.sort());
}

/** A relation that was removed is not listed any more once its last member has departed. */
function isShown(context: Context, relation: Relation): boolean {
  return relation.life === 'alive' || isPeer(relation) || members(context, relation).length > 0;
}

/** Joined units, with the one that joins, without the one that departs. */
function members(context: Context, relation: Relation): string[] {
  const names = new Set(context.unit.agent.relations.get(relation.id)?.members.keys());
  const about = context.hook?.relation;
  if (about?.id === relation.id && context.hook?.kind === 'relation-joined') names.add(about.remoteUnit);
  if (about?.id === relation.id && context.hook?.kind === 'relation-departed') names.delete(about.remoteUnit);
  return [...names].sort();
}

export function relationList(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    flags: { app: 'app' },
    options: r,
    check: checkRelation(context),
    most: 0,
    formats: all,
  });
  const relation = relationArgument(context, args.options.get('relation'));
  if (args.flags.has('app')) return output(args, ends(relation, context.unit.application).remote.application);
  return output(args, members(context, relation));
}

export function relationModelGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { options: r, check: checkRelation(context), most: 0, formats: all });
  relationArgument(context, args.options.get('relation'));
  return output(args, { uuid: context.model.uuid });
}

export function relationGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    flags: { app: 'app' },
    options: r,
    check: checkRelation(context),
    most: 2,
    formats: all,
  });
  const relation = relationArgument(context, args.options.get('relation'));
  const target = readTarget(context, relation, args.rest[1], args.flags.has('app'));
  const bag = target.unit
    ? unitBag(context, relation, target.name)
    : applicationBag(context, relation, target.name);
  const key = args.rest[0] ?? '-';
  if (key !== '-' && key !== '') return output(args, bag[key] ?? null);
  return output(args, sorted(Object.entries(bag)));
}

const applicationName = /^[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*$/;
const isUnitName = (text: string) => {
  const [app = '', number, more] = text.split('/');
  return applicationName.test(app) && /^(?:0|[1-9]\d*)$/.test(number ?? '') && more === undefined;
};

function readTarget(context: Context, relation: Relation, given: string | undefined, app: boolean) {
  if (given !== undefined && given !== '') {
    if (app) return { unit: false, name: isUnitName(given) ? applicationOf(given) : given };
    if (isUnitName(given)) return { unit: true, name: given };
    if (applicationName.test(given)) {
      throw new ToolError(2, `expected unit name, got application name ${quote(given)}`);
    }
    throw new ToolError(2, `invalid unit name ${quote(given)}`);
  }
  const about = context.relation?.id === relation.id ? context.relation : undefined;
  if (about?.remoteUnit && !app) return { unit: true, name: about.remoteUnit };
  if (about?.remoteApp) return { unit: false, name: about.remoteApp };
  throw new ToolError(2, 'no unit or application specified');
}

function unitBag(context: Context, relation: Relation, name: string): Strings {
  const { model, unit } = context;
  const key = `${relation.id}/${name}`;
  if (name === unit.name) {
    const base = cached(context.cache.bags, key, () => relation.bags.get(name)?.values ?? {});
    return merged(base, context.pending.unitBags.get(relation.id));
  }
  const stored = relation.bags.get(name)?.values;
  if (!stored || !name.includes('/')) {
    throw new ToolError(1, model.profile === '4.0' ? 'relation unit not found' : 'permission denied');
  }
  const known = members(context, relation).includes(name);
  return cached(known ? unit.agent.remoteBags : context.cache.bags, key, () => stored);
}

function applicationBag(context: Context, relation: Relation, name: string): Strings {
  const { model, unit } = context;
  const { remote } = ends(relation, unit.application);
  const read = () =>
    cached(context.cache.bags, `${relation.id}/${name}`, () => relation.bags.get(name)?.values ?? {});
  if (name === unit.application) {
    if (leads(context)) return merged(read(), context.pending.applicationBags.get(relation.id));
    if (!isPeer(relation) && model.profile === '3.6') throw new ToolError(1, 'permission denied');
    return read();
  }
  if (name === remote.application) return read();
  if (model.profile === '3.6') throw new ToolError(1, 'permission denied');
  if (model.applications.has(name)) throw new NotModelled('other databag', name);
  throw new ToolError(1, `getting application ${quote(name)} not found`);
}

function cached(cache: Map<string, Strings>, key: string, read: () => Strings): Strings {
  const known = cache.get(key);
  if (known) return known;
  const fresh = { ...read() };
  cache.set(key, fresh);
  return fresh;
}

function merged(base: Strings, changes: ReadonlyMap<string, string> | undefined): Strings {
  return Object.fromEntries(
    Object.entries({ ...base, ...Object.fromEntries(changes ?? []) }).filter(([, v]) => v !== ''),
  );
}

export function relationSet(context: Context, argv: readonly string[], stdin: string | undefined) {
  const args = parse(argv, {
    flags: { app: 'app' },
    options: { ...r, file: 'file', format: 'format' },
    check: checkRelation(context),
  });
  const relation = relationArgument(context, args.options.get('relation'));
  const given = keyValues(args.rest);
  const file = args.options.get('file');
  const fromFile = file === undefined ? new Map<string, string>() : readSettingsFile(context, file, stdin);
  const app = args.flags.has('app');
  if (app && !leads(context)) throw new ToolError(1, 'cannot write relation settings');
  const bags = app ? context.pending.applicationBags : context.pending.unitBags;
  const bag = bags.get(relation.id) ?? new Map<string, string>();
  for (const [key, value] of [...fromFile, ...given]) bag.set(key, value);
  if (bag.size > 0) bags.set(relation.id, bag);
  const warning = args.options.has('format') ? '--format flag deprecated for command "relation-set"' : '';
  return { stdout: '', stderr: warning };
}
