// Juju's configuration as typed values; what the operator typed wrong is listed, not thrown.
import * as z from 'zod';
import { acceptedBy, shownValue } from './accepted.ts';
import type { Definition, Names, Options, OptionValue } from './definition.ts';
import type { Tools } from './tools.ts';

export interface OptionProblem {
  option: string;
  /** As it was given, on one line. */
  value: string;
  /** What would be taken: `one of auto, web`, `at most 65535`. */
  accepted: string;
}

export interface Config<D> {
  /** By option. One that is unset or malformed has its default; without a default it is `undefined`. */
  readonly values: { readonly [K in Names<Options<D>>]: OptionValue<Options<D>[K]> };
  /** The malformed ones. A charm that finds any should say so and leave its service as it is. */
  readonly problems: readonly OptionProblem[];
}

const configAnswer = z
  .record(z.string(), z.unknown())
  .nullable()
  .transform((answer) => answer ?? {});

export async function readConfig<D extends Definition>(tools: Tools, definition: D): Promise<Config<D>> {
  const given = await tools.json(configAnswer, 'config-get', []);
  const values: Record<string, unknown> = {};
  const problems: OptionProblem[] = [];
  for (const [name, option] of Object.entries(definition.options ?? {})) {
    const fallback = option.hasDefault ? option.schema.parse(option.default) : undefined;
    const value = given[name];
    // Juju cannot unset a text option, only empty it.
    const isUnset = value === undefined || value === null || value === '';
    const parsed = isUnset ? undefined : option.schema.safeParse(value);
    values[name] = parsed?.success ? parsed.data : fallback;
    if (parsed?.success === false) {
      problems.push({ option: name, value: shownValue(value), accepted: acceptedBy(parsed.error) });
    }
  }
  return { values: values as Config<D>['values'], problems };
}
