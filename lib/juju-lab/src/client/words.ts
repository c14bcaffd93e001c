// What follows a command's name, read as Juju's client reads it: `KEY=VALUE`, values in YAML, nested keys, files after `@`.
import type { ActionValue } from 'juju-ts-ops/testing';
import { parse } from 'yaml';
import { isRecord } from '../charm.ts';
import { LabError } from '../errors.ts';

export function assignments(words: readonly string[]): [string, string][] {
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at <= 0) throw new LabError(`expected KEY=VALUE, got "${word}"`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** `@FILE` stands for what the file holds. */
export function optionValues(
  words: readonly string[],
  read: (path: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    assignments(words).map(([key, value]) => [key, value.startsWith('@') ? read(value.slice(1)) : value]),
  );
}

/** A secret's content: `KEY=VALUE`, or `KEY#file=PATH`. */
export function secretContent(
  words: readonly string[],
  read: (path: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    assignments(words).map(([key, value]) => {
      const name = key.replace(/#file$/, '');
      if (!/^[a-z](?:-?[a-z0-9]){2,}$/.test(name)) throw new LabError(`key "${name}" not valid`);
      return [name, name === key ? value : read(value)];
    }),
  );
}

export function actionParams(words: readonly string[]): Record<string, ActionValue> {
  const params: Record<string, ActionValue> = {};
  for (const [key, text] of assignments(words)) setNested(params, key.split('.'), actionValue(parse(text)));
  return params;
}

/** What YAML gives, in the types that an action's parameters may have. */
function actionValue(value: unknown): ActionValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(actionValue);
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, actionValue(v)]));
  return '';
}

function setNested(
  into: Record<string, ActionValue>,
  [key = '', ...deeper]: string[],
  value: ActionValue,
): void {
  if (deeper.length === 0) {
    into[key] = value;
    return;
  }
  const inner = into[key];
  const next: Record<string, ActionValue> = {};
  if (isRecord(inner)) Object.assign(next, inner);
  into[key] = next;
  setNested(next, deeper, value);
}
