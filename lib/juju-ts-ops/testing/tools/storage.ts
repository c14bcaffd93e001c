// storage-list, storage-get, storage-add, and the unit's stored state: state-get, state-set, state-delete.
import { keyValues, output, parse, quote } from '../arguments.ts';
import type { Context } from '../context.ts';
import { ToolError } from '../errors.ts';
import { render, sorted } from '../formats.ts';
import type { StorageInstance } from '../model.ts';
import { readSettingsFile } from '../settings-file.ts';
import { storageOf } from '../uniter.ts';

const all = ['smart', 'json', 'yaml'] as const;

function instances(context: Context): StorageInstance[] {
  context.cache.storage ??= storageOf(context.model, context.unit);
  return context.cache.storage;
}

export function storageList(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { most: 1, formats: all });
  const [name] = args.rest;
  const found = instances(context).filter((each) => name === undefined || each.name === name);
  return output(args, found.map((each) => each.id).sort());
}

export function storageGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    options: { s: 'storage' },
    check: (option, value) => {
      if (option !== 'storage') return;
      if (!/^[a-z][a-z0-9-]*\/\d+$/.test(value)) throw new Error(`invalid storage ID ${quote(value)}`);
      if (!instances(context).some((each) => each.id === value)) {
        throw new Error(`storage instance ${quote(value)} not found`);
      }
    },
    most: 1,
    formats: all,
  });
  const id = args.options.get('storage') ?? context.hook?.storage;
  const found = instances(context).find((each) => each.id === id);
  if (!found) throw new ToolError(2, 'no storage instance specified');
  const values: Record<string, string> = { kind: found.kind, location: found.location };
  const [key] = args.rest;
  if (key === undefined || key === '') return output(args, values);
  const value = values[key];
  if (value === undefined) throw new ToolError(1, `invalid storage attribute ${quote(key)}`);
  return output(args, value);
}

export function storageAdd(context: Context, argv: readonly string[]): string {
  const { rest } = parse(argv, {});
  if (rest.length === 0) throw new ToolError(2, 'storage add requires a storage directive');
  const adds = rest.map((word) => {
    const [name = '', count] = word.split('=');
    if (count !== undefined && !/^[1-9]\d*$/.test(count)) {
      throw new ToolError(2, `only count can be specified for ${quote(name)}`);
    }
    return { name, count: Number(count ?? 1) };
  });
  context.pending.storageAdds.push(...adds);
  return '';
}

const stored = (context: Context): Map<string, string> => context.pending.stored ?? context.unit.stored;

function changeable(context: Context): Map<string, string> {
  context.pending.stored ??= new Map(context.unit.stored);
  return context.pending.stored;
}

export function stateGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { flags: { strict: 'strict' }, most: 1, formats: all });
  const key = args.rest[0] ?? '-';
  const values = stored(context);
  if (key === '-' || key === '') {
    return args.format === 'json' && values.size === 0 ? 'null\n' : render(sorted(values), args.format);
  }
  const value = values.get(key);
  if (value === undefined && args.flags.has('strict')) throw new ToolError(1, `${quote(key)} not found`);
  return output(args, value ?? '');
}

export function stateSet(context: Context, argv: readonly string[], stdin: string | undefined): string {
  const args = parse(argv, { options: { file: 'file' } });
  const given = keyValues(args.rest);
  const file = args.options.get('file');
  const fromFile = file === undefined ? new Map<string, string>() : readSettingsFile(context, file, stdin);
  for (const [key, value] of [...fromFile, ...given]) {
    if (Buffer.byteLength(key) > 256) {
      throw new ToolError(1, 'max allowed key length (256): quota limit exceeded');
    }
    if (Buffer.byteLength(value) > 65_536) {
      throw new ToolError(1, 'max allowed value length (65536): quota limit exceeded');
    }
    changeable(context).set(key, value);
  }
  return '';
}

export function stateDelete(context: Context, argv: readonly string[]): string {
  const [key] = parse(argv, { most: 1 }).rest;
  if (key !== undefined) changeable(context).delete(key);
  return '';
}
