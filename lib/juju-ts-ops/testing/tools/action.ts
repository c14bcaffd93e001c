// action-get, action-set, action-fail, action-log.
import { output, parse, quote } from '../arguments.ts';
import type { Context } from '../context.ts';
import { ToolError } from '../errors.ts';
import { sorted, type Value } from '../formats.ts';
import type { ActionRecord, ActionValue } from '../model.ts';

function running(context: Context): ActionRecord {
  if (!context.action) throw new ToolError(1, 'not running an action');
  return context.action;
}

export function actionGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { most: 1, formats: ['smart', 'json', 'yaml'] });
  const { params } = running(context);
  let found: Value = params;
  for (const part of args.rest[0]?.split('.') ?? []) {
    found = isMap(found) ? found[part] : undefined;
  }
  return output(args, deepSorted(found ?? null));
}

const isMap = (value: Value): value is { readonly [key: string]: ActionValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function deepSorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(deepSorted);
  if (!isMap(value)) return value;
  return sorted(Object.entries(value).map(([key, item]) => [key, deepSorted(item)] as const));
}

const part = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const reserved = ['stdout', 'stdout-encoding', 'stderr', 'stderr-encoding'];

export function actionSet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {});
  const settings = args.rest.map((word) => {
    const at = word.indexOf('=');
    if (at < 0) throw new ToolError(2, `argument ${quote(word)} must be of the form key...=value`);
    const path = word.slice(0, at).split('.');
    for (const each of path) {
      if (!part.test(each)) {
        const rule =
          'must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric and hyphens';
        throw new ToolError(2, `key ${quote(each)} ${rule}`);
      }
      if (reserved.includes(each)) throw new ToolError(2, `cannot set reserved action key ${quote(each)}`);
    }
    return { path, value: word.slice(at + 1) };
  });
  if (settings.length === 0) return '';
  const action = running(context);
  for (const { path, value } of settings) action.results = put(action.results, path, value);
  return '';
}

function put(
  into: Record<string, ActionValue>,
  path: readonly string[],
  value: string,
): Record<string, ActionValue> {
  const [head = '', ...rest] = path;
  if (rest.length === 0) return { ...into, [head]: value };
  const inner = into[head];
  const base = isMap(inner) ? { ...inner } : {};
  return { ...into, [head]: put(base, rest, value) };
}

export function actionFail(context: Context, argv: readonly string[]): string {
  const [message] = parse(argv, { most: 1 }).rest;
  running(context);
  context.actionFailure = message || 'action failed without reason given, check action for errors';
  return '';
}

export function actionLog(context: Context, argv: readonly string[]): string {
  const { rest } = parse(argv, {});
  if (rest.length === 0) throw new ToolError(2, 'no message specified');
  running(context).log.push({ at: context.model.now(), message: rest.join(' ') });
  return '';
}
