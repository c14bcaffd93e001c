// Databags are maps of text: here they become typed values and text again, one key at a time.
import * as z from 'zod';
import { acceptedBy, shownValue } from './accepted.ts';

/** A zod object whose fields take text: `z.string()`, `z.enum`, `z.coerce.number()`, `z.stringbool()`, `json(schema)`. */
export type DatabagSchema = z.ZodObject;
export type NoKeys = z.ZodObject<Record<never, never>>;
export const noKeys: NoKeys = z.object({});

type Shape<S extends DatabagSchema> = S['shape'];
/** Every declared key; `undefined` where it is missing or malformed. */
export type DatabagValues<S extends DatabagSchema> = {
  readonly [K in keyof Shape<S>]: z.output<Shape<S>[K]> | undefined;
};
/** What `setUnit` and `setApplication` take: only the keys that shall change. `undefined` and '' remove one. */
export type DatabagWrite<S extends DatabagSchema> = [keyof Shape<S>] extends [never]
  ? Record<string, never>
  : { readonly [K in keyof Shape<S>]?: z.output<Shape<S>[K]> | undefined };

export interface DatabagProblem {
  key: string;
  value: string;
  accepted: string;
}

export interface Databag<S extends DatabagSchema> {
  readonly values: DatabagValues<S>;
  /** The keys that are there but malformed. */
  readonly problems: readonly DatabagProblem[];
  /** Everything in the databag, undeclared keys included. */
  readonly raw: Readonly<Record<string, string>>;
}

/** A databag field that holds JSON. Keys are sorted in writing: equal values are equal text, and wake nobody. */
export function json<S extends z.ZodType>(schema: S): z.ZodCodec<z.ZodString, S> {
  return z.codec(z.string(), schema, {
    decode: (text, context) => {
      try {
        return JSON.parse(text) as z.input<S>;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        context.issues.push({ code: 'custom', message: 'JSON', input: text });
        return z.NEVER;
      }
    },
    encode: (value) => JSON.stringify(value, sortedKeys),
  });
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Reads every declared key by itself: one malformed value hides no other, and an unknown key is not looked at. */
export function parseDatabag<S extends DatabagSchema>(
  schema: S,
  raw: Readonly<Record<string, string>>,
): Databag<S> {
  const values: Record<string, unknown> = {};
  const problems: DatabagProblem[] = [];
  for (const [key, field] of Object.entries(schema.shape)) {
    const value = raw[key];
    // Without this, a coercing schema would make `NaN` or "undefined" of an absent key; a default is for absence.
    const type = field._zod.def.type;
    if (value === undefined && type !== 'default' && type !== 'prefault') {
      values[key] = undefined;
      continue;
    }
    const parsed = z.safeParse(field, value);
    values[key] = parsed.data;
    if (!parsed.success) {
      problems.push({ key, value: shownValue(value), accepted: acceptedBy(parsed.error) });
    }
  }
  return { values: values as DatabagValues<S>, problems, raw };
}

/** The text of each given key; '' means that the key shall go. Throws TypeError for a key or value the schema does not have. */
export function databagTexts<S extends DatabagSchema>(
  schema: S,
  write: DatabagWrite<S>,
  where: string,
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(write)) {
    const field = schema.shape[key];
    if (!field) throw new TypeError(`${where} declares no key "${key}"`);
    if (value === undefined || value === '') {
      texts[key] = '';
      continue;
    }
    const encoded = z.safeEncode(field, value);
    if (!encoded.success) {
      const accepted = acceptedBy(encoded.error);
      throw new TypeError(
        `cannot write ${shownValue(value)} to "${key}" of ${where}, which takes: ${accepted}`,
      );
    }
    texts[key] = String(encoded.data);
  }
  return texts;
}

const takesNoText = new Set([
  'number',
  'int',
  'boolean',
  'bigint',
  'date',
  'object',
  'array',
  'record',
  'tuple',
]);

/** Throws TypeError when a field could never be read, because it does not take text. */
export function checkDatabagSchema(schema: DatabagSchema, where: string): void {
  for (const [key, field] of Object.entries(schema.shape)) {
    let inner: z.core.$ZodType = field;
    while (
      inner instanceof z.ZodOptional ||
      inner instanceof z.ZodDefault ||
      inner instanceof z.ZodPrefault
    ) {
      inner = inner.def.innerType;
    }
    const { type } = inner._zod.def;
    if (takesNoText.has(type) && !('coerce' in inner._zod.def && inner._zod.def.coerce)) {
      throw new TypeError(
        `"${key}" of ${where} is a ${type}, but databags hold text: z.coerce.number(), z.stringbool() or json(schema)`,
      );
    }
  }
}
