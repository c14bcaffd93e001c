// secret-add, -set, -get, -info-get, -ids: buffered but for what a reader tracks.
import { parse, quote, type Parsed } from '../arguments.ts';
import { type Context, leads } from '../context.ts';
import { NotModelled, ToolError } from '../errors.ts';
import { render, sorted, type Value } from '../formats.ts';
import type { Secret, Strings } from '../model.ts';
import { readFile } from '../settings-file.ts';
import { mayRead, owns, sameContent } from '../secrets.ts';

const idPattern = /^(?:secret:)?(?:\/\/[0-9a-f-]{36}\/)?([0-9a-v]{20})$/;
const keyPattern = /^(?:[a-z](?:-?[a-z0-9]){2,})$/;
const policies = ['never', 'hourly', 'daily', 'weekly', 'monthly', 'quarterly', 'yearly'];
const changes = {
  label: 'label',
  description: 'description',
  owner: 'owner',
  rotate: 'rotate',
  expire: 'expire',
  file: 'file',
};

export function readId(given: string | undefined): string {
  if (given === undefined) throw new ToolError(2, 'missing secret URI');
  const id = idPattern.exec(given)?.[1];
  if (id === undefined) throw new ToolError(2, `secret URI ${quote(given)} not valid`);
  return id;
}

/** The secret with what this run has buffered for it, when this unit may change it. */
export function owned(context: Context, id: string): Secret | undefined {
  const added = context.pending.secretAdds.get(id);
  if (added) return added;
  const stored = context.model.secrets.get(id);
  const removed = context.pending.secretRemoves.some((each) => each.id === id && each.revision === undefined);
  return stored && !removed && owns(context.model, context.unit, stored) ? stored : undefined;
}

function allOwned(context: Context): Secret[] {
  const ids = [...context.pending.secretAdds.keys(), ...context.model.secrets.keys()];
  return ids.flatMap((id) => owned(context, id) ?? []);
}

/** An application's secret is its leader's business. */
export function mustLead(context: Context, id: string): void {
  const secret = context.pending.secretAdds.get(id) ?? context.model.secrets.get(id);
  const isOurs = secret?.owner.kind === 'application' && secret.owner.name === context.unit.application;
  if (isOurs && !leads(context)) throw new ToolError(1, 'this unit is not the leader');
}

function readContent(context: Context, args: Parsed, words: readonly string[]): Strings {
  const content: Strings = {};
  for (const word of words) {
    const at = word.replace(/=+$/, '').indexOf('=');
    const end = at < 0 ? word.indexOf('=') : at;
    if (end < 0) throw new ToolError(2, `expected "key=value", got ${quote(word)}`);
    const [key = '', how] = word.slice(0, end).split('#');
    if (!keyPattern.test(key)) throw new ToolError(2, `key ${quote(key)} not valid`);
    const given = word.slice(end + 1);
    content[key] =
      how === 'file' ? contentFile(context, key, given) : how === 'base64' ? fromBase64(given) : given;
  }
  if (args.options.has('file')) throw new NotModelled('secret file');
  if (Object.values(content).some((value) => value === ''))
    throw new ToolError(1, 'empty secret value not valid');
  const most = 1_000_000;
  const size = Object.values(content).reduce(
    (sum, value) => sum + Math.ceil(Buffer.byteLength(value) / 3) * 4,
    0,
  );
  if (size > most) throw new NotModelled('secret size', `${size} of ${most} bytes`);
  return content;
}

const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString('utf8');

function contentFile(context: Context, key: string, path: string): string {
  if (!context.model.options.disk) return readFile(context, path);
  try {
    return readFile(context, path);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new ToolError(2, `reading content for secret key ${quote(key)}: ${error.message}`);
  }
}

function checkChanges(args: Parsed): void {
  const { options } = args;
  const owner = options.get('owner') ?? 'application';
  if (owner !== 'application' && owner !== 'unit')
    throw new ToolError(2, `secret owner ${quote(owner)} not valid`);
  const rotate = options.get('rotate') ?? 'never';
  if (!policies.includes(rotate)) throw new ToolError(2, `rotate policy ${quote(rotate)} not valid`);
  if (rotate !== 'never') throw new NotModelled('rotation');
  const expire = options.get('expire');
  if (expire === undefined) return;
  if (!/^\d{4}-\d\d-\d\dT|^(?:[\d.]+(?:h|m|s|ms|us|ns))+$/.test(expire)) {
    throw new ToolError(2, `expire time or duration ${quote(expire)} not valid`);
  }
  throw new NotModelled('expiry');
}

export function secretAdd(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { options: changes });
  if (args.rest.length === 0 && !args.options.has('file'))
    throw new ToolError(2, 'missing secret value or filename');
  checkChanges(args);
  const content = readContent(context, args, args.rest);
  const { model, unit, pending } = context;
  const byUnit = args.options.get('owner') === 'unit';
  if (!byUnit && !leads(context)) throw new ToolError(1, 'this unit is not the leader');
  const owner: Secret['owner'] = byUnit
    ? { kind: 'unit', name: unit.name }
    : { kind: 'application', name: unit.application };
  const label = args.options.get('label') ?? '';
  if (
    label !== '' &&
    [...pending.secretAdds.values()].some((each) => each.label === label && each.owner.kind === owner.kind)
  ) {
    throw new ToolError(1, `secret with label ${quote(label)} already exists`);
  }
  const id = model.random.text(20, '0123456789abcdefghijklmnopqrstuv');
  const description = args.options.get('description') ?? '';
  pending.secretAdds.set(id, {
    id,
    owner,
    label,
    description,
    revisions: [content],
    grants: new Map(),
    consumers: new Map(),
  });
  return `${uri(context, id)}\n`;
}

const uri = (context: Context, id: string) =>
  context.model.profile === '4.0' ? `secret://${context.model.uuid}/${id}` : `secret:${id}`;

export function secretSet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { options: changes });
  const [given, ...words] = args.rest;
  const id = readId(given);
  checkChanges(args);
  const content = words.length > 0 ? readContent(context, args, words) : undefined;
  mustLead(context, id);
  const label = args.options.get('label');
  const description = args.options.get('description');
  const added = context.pending.secretAdds.get(id);
  if (added) {
    if (content) added.revisions = [content];
    if (label !== undefined) added.label = label;
    if (description !== undefined) added.description = description;
    return '';
  }
  context.pending.secretSets.set(id, {
    ...context.pending.secretSets.get(id),
    ...(content ? { content } : {}),
    ...(label === undefined ? {} : { label }),
    ...(description === undefined ? {} : { description }),
  });
  return '';
}

export function secretGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    flags: { peek: 'peek', refresh: 'refresh' },
    options: { label: 'label' },
    most: 2,
    formats: ['yaml', 'json'],
  });
  const label = args.options.get('label');
  const [given, key] = args.rest;
  if (given === undefined && !label) throw new ToolError(2, 'require either a secret URI or label');
  const id = given === undefined ? undefined : readId(given);
  if (args.flags.size === 2) throw new ToolError(2, 'specify one of --peek or --refresh but not both');
  const content = track(
    context,
    id ?? byLabel(context, label ?? ''),
    id === undefined ? undefined : label,
    args.flags,
  );
  if (key === undefined) return render(sorted(Object.entries(content)), args.format);
  const [name = '', encoding] = key.split('#');
  const value = content[name];
  if (value === undefined) throw new ToolError(1, `secret key value ${quote(name)} not found`);
  return render(encoding === 'base64' ? Buffer.from(value).toString('base64') : value, args.format);
}

function byLabel(context: Context, label: string): string {
  const { model, unit, pending } = context;
  const consumed = [...model.secrets.values()].find((each) => each.consumers.get(unit.name)?.label === label);
  const own = [...pending.secretAdds.values(), ...model.secrets.values()].find(
    (each) => each.label === label && [unit.name, unit.application].includes(each.owner.name),
  );
  const found = consumed ?? own;
  if (!found) throw new ToolError(1, `secret URI for consumer label ${quote(label)} not found`);
  return found.id;
}

/** The revision that this unit tracks; the first read pins the latest, --refresh moves the pin, --peek only looks. */
function track(context: Context, id: string, label: string | undefined, flags: ReadonlySet<string>): Strings {
  const { model, unit, pending } = context;
  const added = pending.secretAdds.get(id)?.revisions[0];
  if (added) return added;
  const secret = model.secrets.get(id);
  if (!secret) throw new ToolError(1, 'getting latest secret revision: secret not found');
  if (!mayRead(model, unit, secret)) throw new ToolError(1, 'permission denied');
  const latest = secret.revisions.length;
  const mine = secret.consumers.get(unit.name) ?? { label: '', revision: latest, told: latest };
  if (label !== undefined) mine.label = label;
  if (flags.has('refresh')) mine.revision = latest;
  secret.consumers.set(unit.name, mine);
  const buffered = pending.secretSets.get(id)?.content;
  if (buffered && flags.size > 0 && !sameContent(secret.revisions.at(-1), buffered)) {
    if (flags.has('refresh')) pending.secretTracks.add(id);
    return buffered;
  }
  const content = secret.revisions[(flags.has('peek') ? latest : mine.revision) - 1];
  if (!content) throw new ToolError(1, 'getting secret revision: secret revision not found');
  return content;
}

export function secretInfoGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { options: { label: 'label' }, most: 1, formats: ['yaml', 'json'] });
  const label = args.options.get('label');
  const [given] = args.rest;
  if (given === undefined && !label) throw new ToolError(2, 'require either a secret URI or label');
  if (given !== undefined && label)
    throw new ToolError(2, 'specify either a secret URI or label but not both');
  const id = given === undefined ? undefined : readId(given);
  const found =
    id === undefined ? allOwned(context).find((each) => each.label === label) : owned(context, id);
  if (!found) throw new ToolError(1, `secret ${quote(id ?? label ?? '')} not found`);
  return render({ [found.id]: information(context, found) }, args.format);
}

function information(context: Context, secret: Secret): Value {
  const buffered = context.pending.secretSets.get(secret.id);
  const committed = context.model.secrets.has(secret.id);
  const description = buffered?.description ?? secret.description;
  const access = [...secret.grants].map(([target, grant]) => ({
    target: `${target.includes('/') ? 'unit' : 'application'}-${target.replace('/', '-')}`,
    ...(grant.relation === undefined ? {} : { scope: scopeTag(context, grant.relation) }),
    role: grant.role,
  }));
  return {
    revision: secret.revisions.length,
    label: buffered?.label ?? secret.label,
    owner: secret.owner.kind,
    ...(description === '' ? {} : { description }),
    ...(committed ? { rotation: 'never' } : {}),
    ...(access.length > 0 ? { access } : {}),
  };
}

function scopeTag(context: Context, id: number): string {
  const relation = context.model.relations.get(id);
  const names = relation?.endpoints.map((end) => `${end.application}.${end.endpoint}`) ?? [];
  return `relation-${names.join('#')}`;
}

export function secretIds(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { most: 0, formats: ['smart', 'json', 'yaml'] });
  const ids = allOwned(context).map((each) => each.id);
  return args.format === 'json' && ids.length === 0 ? 'null\n' : render(ids, args.format);
}
