// An action's parameters: checked against the part of JSON schema that charms use, then defaults put in.
import { map } from './charm-files.ts';
import { NotModelled } from './errors.ts';
import type { ActionValue, Profile } from './model.ts';

type Params = Readonly<Record<string, ActionValue>>;
type Schema = Readonly<Record<string, unknown>>;

const known = [
  'type',
  'properties',
  'required',
  'additionalProperties',
  'default',
  'description',
  'title',
  'enum',
];
const limits = ['minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'items', 'minProperties'];

/** The parameters with their defaults, or why Juju refuses to run the action. */
export function checkParams(
  schema: Schema,
  params: Params,
  profile: Profile,
): { params: Params } | { refusal: string } {
  const refusal = problem(schema, params, '(root)', profile === '4.0');
  return refusal === undefined ? { params: withDefaults(schema, params) } : { refusal };
}

function withDefaults(schema: Schema, params: Params): Params {
  const filled: Record<string, ActionValue> = { ...params };
  for (const [name, given] of Object.entries(map(schema.properties))) {
    const inner = map(given);
    const value = filled[name];
    if (value === undefined && isValue(inner.default)) filled[name] = inner.default;
    else if (isObject(value)) filled[name] = withDefaults(inner, value);
  }
  return filled;
}

const isObject = (value: unknown): value is Params =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isValue = (value: unknown): value is ActionValue =>
  value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value);

const kinds: Record<string, (value: ActionValue) => boolean> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: isObject,
};

function problem(schema: Schema, value: ActionValue, at: string, closed: boolean): string | undefined {
  const given = JSON.stringify(value);
  const type = schema.type;
  if (typeof type === 'string' && !kinds[type]?.(value))
    return `${at} : must be of type ${type}, given ${given}`;
  for (const keyword of Object.keys(schema)) {
    if (!known.includes(keyword) && !limits.includes(keyword)) {
      throw new NotModelled('schema keyword', keyword);
    }
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((each) => JSON.stringify(each) === given)) {
    return `${at} : must match one of the enum values ${JSON.stringify(schema.enum)}, given ${given}`;
  }
  return (
    limitProblem(schema, value, at, given) ??
    (isObject(value) ? propertyProblem(schema, value, at, closed) : undefined)
  );
}

function limitProblem(schema: Schema, value: ActionValue, at: string, given: string): string | undefined {
  const { minimum, maximum, minLength, maxLength, pattern, items } = schema;
  if (typeof value === 'number') {
    if (typeof minimum === 'number' && value < minimum)
      return `${at} : must be greater than or equal to ${minimum}, given ${given}`;
    if (typeof maximum === 'number' && value > maximum)
      return `${at} : must be less than or equal to ${maximum}, given ${given}`;
  }
  if (typeof value === 'string') {
    if (typeof minLength === 'number' && value.length < minLength)
      return `${at} : string length must be greater than or equal to ${minLength}, given ${given}`;
    if (typeof maxLength === 'number' && value.length > maxLength)
      return `${at} : string length must be less than or equal to ${maxLength}, given ${given}`;
    if (typeof pattern === 'string' && !new RegExp(pattern).test(value))
      return `${at} : does not match pattern '${pattern}', given ${given}`;
  }
  if (Array.isArray(value) && items !== undefined) {
    for (const [index, item] of value.entries()) {
      const found = problem(map(items), item, `${at}.${index}`, false);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Only 4.0 closes the outermost object when the charm does not say. */
function propertyProblem(schema: Schema, value: Params, at: string, closed: boolean): string | undefined {
  const properties = map(schema.properties);
  const required = Array.isArray(schema.required) ? schema.required : [];
  for (const name of required) {
    if (!(String(name) in value))
      return `${at} : "${String(name)}" property is missing and required, given ${JSON.stringify(value)}`;
  }
  const open = schema.additionalProperties ?? !closed;
  if (typeof open !== 'boolean') throw new NotModelled('open schema');
  const extra = Object.keys(value)
    .filter((name) => !(name in properties))
    .sort()[0];
  if (!open && extra !== undefined) {
    return `${at} : additional property "${extra}" is not allowed, given ${JSON.stringify(value)}`;
  }
  for (const [name, inner] of Object.entries(properties)) {
    const item = value[name];
    const found = item === undefined ? undefined : problem(map(inner), item, `${at}.${name}`, false);
    if (found !== undefined) return found;
  }
  return undefined;
}
