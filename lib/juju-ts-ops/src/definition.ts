// What a charm declares, as values whose types reach everything that is written against them.
import * as z from 'zod';
import { acceptedBy } from './accepted.ts';
import { checkDatabagSchema, type DatabagSchema, type NoKeys, noKeys } from './databag.ts';

export type OptionType = 'string' | 'int' | 'float' | 'boolean' | 'secret';

/** A configuration option. `S` parses what Juju holds; `HasDefault` says whether a value is always there. */
export interface Option<S extends z.ZodType = z.ZodType, HasDefault extends boolean = boolean> {
  readonly type: OptionType;
  readonly description: string;
  readonly schema: S;
  readonly hasDefault: HasDefault;
  /** As in config.yaml. */
  readonly default?: unknown;
}
export type OptionValue<O> =
  O extends Option<infer S, infer HasDefault>
    ? HasDefault extends true
      ? z.output<S>
      : z.output<S> | undefined
    : never;

interface OptionInput<S, Default> {
  description: string;
  /** Narrows and turns into a value what Juju's own type lets through. */
  schema?: S;
  default: Default;
}
interface OptionMaker<Raw, Base extends z.ZodType> {
  <S extends z.ZodType = Base>(given: OptionInput<S, Raw & z.input<S>>): Option<NoInfer<S>, true>;
  <S extends z.ZodType = Base>(given: Omit<OptionInput<S, never>, 'default'>): Option<NoInfer<S>, false>;
}

// The overloads above are what callers see; a single untyped maker serves them all.
const optionMaker =
  (type: OptionType, base: z.ZodType) =>
  (given: { description: string; schema?: z.ZodType; default?: unknown }): Option => ({
    type,
    description: given.description,
    schema: given.schema ?? base,
    hasDefault: given.default !== undefined,
    ...(given.default === undefined ? {} : { default: given.default }),
  });

export const option = {
  string: optionMaker('string', z.string()) as OptionMaker<string, z.ZodString>,
  int: optionMaker('int', z.int()) as OptionMaker<number, z.ZodInt>,
  float: optionMaker('float', z.number()) as OptionMaker<number, z.ZodNumber>,
  boolean: optionMaker('boolean', z.boolean()) as OptionMaker<boolean, z.ZodBoolean>,
  /** The URI of a user secret: `secret:…`. The operator must `juju grant-secret` it to the application. */
  secret: optionMaker(
    'secret',
    z.string().regex(/^secret:/, 'a secret URI, as `juju add-secret` prints it'),
  ) as OptionMaker<string, z.ZodString>,
};

/** One relation endpoint with the schemas of its four databags. In a peer relation both sides are the same. */
export interface Endpoint<
  AL extends DatabagSchema = DatabagSchema,
  AR extends DatabagSchema = DatabagSchema,
  UL extends DatabagSchema = DatabagSchema,
  UR extends DatabagSchema = DatabagSchema,
> {
  readonly interface: string;
  readonly limit?: number;
  readonly optional?: boolean;
  readonly scope?: 'global' | 'container';
  readonly app: { readonly local: AL; readonly remote: AR };
  readonly unit: { readonly local: UL; readonly remote: UR };
}

export function peers<A extends DatabagSchema = NoKeys, U extends DatabagSchema = NoKeys>(given: {
  interface: string;
  app?: A;
  unit?: U;
}): Endpoint<NoInfer<A>, NoInfer<A>, NoInfer<U>, NoInfer<U>> {
  const app = given.app ?? (noKeys as A);
  const unit = given.unit ?? (noKeys as U);
  const [apps, units] = [
    { local: app, remote: app },
    { local: unit, remote: unit },
  ];
  return { interface: given.interface, app: apps, unit: units };
}

/** An endpoint that uses what another charm provides. `local` is what this charm writes, `remote` what it reads. */
export function requires<
  AL extends DatabagSchema = NoKeys,
  AR extends DatabagSchema = NoKeys,
  UL extends DatabagSchema = NoKeys,
  UR extends DatabagSchema = NoKeys,
>(given: {
  interface: string;
  limit?: number;
  optional?: boolean;
  scope?: 'global' | 'container';
  app?: { local?: AL; remote?: AR };
  unit?: { local?: UL; remote?: UR };
}): Endpoint<NoInfer<AL>, NoInfer<AR>, NoInfer<UL>, NoInfer<UR>> {
  const { app, unit, ...rest } = given;
  return {
    ...rest,
    app: { local: app?.local ?? (noKeys as AL), remote: app?.remote ?? (noKeys as AR) },
    unit: { local: unit?.local ?? (noKeys as UL), remote: unit?.remote ?? (noKeys as UR) },
  };
}
/** An endpoint that other charms use. */
export const provides = requires;

export interface Storage {
  readonly type: 'filesystem' | 'block';
  readonly description?: string;
  /** Mount point; verbatim only where at most one instance is allowed. */
  readonly location?: string;
  /** Such as `1G`. */
  readonly minimumSize?: string;
  /** How many: `1-4`, `0-1` (optional), `0-`. Absent: exactly one. */
  readonly range?: string;
  readonly readOnly?: boolean;
  readonly transient?: boolean;
}
export const storage = (given: Omit<Storage, 'type'> & { type?: Storage['type'] }): Storage => ({
  type: 'filesystem',
  ...given,
});

export interface Resource {
  readonly filename: string;
  readonly description?: string;
}
export const resource = (given: Resource): Resource => given;

export interface Action<
  P extends z.ZodObject = z.ZodObject,
  R extends z.ZodObject | undefined = z.ZodObject | undefined,
> {
  readonly description: string;
  /** What `juju run` takes. Parameters that are not declared are refused. */
  readonly params: P;
  /** The shape of the results, when the handler's answer shall be held to it by the compiler. */
  readonly results: R;
  /** Do not take the machine's lock: other units' hooks may run meanwhile (this unit's never do). */
  readonly parallel?: boolean;
  readonly executionGroup?: string;
}
export function action<P extends z.ZodObject = NoKeys, R extends z.ZodObject | undefined = undefined>(
  given: Omit<Action, 'params' | 'results'> & { params?: P; results?: R },
): Action<NoInfer<P>, NoInfer<R>> {
  return { ...given, params: given.params ?? (noKeys as P), results: given.results as R };
}

export interface Definition {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly assumes?: readonly unknown[];
  readonly options?: Readonly<Record<string, Option>>;
  readonly peers?: Readonly<Record<string, Endpoint>>;
  readonly requires?: Readonly<Record<string, Endpoint>>;
  readonly provides?: Readonly<Record<string, Endpoint>>;
  readonly storage?: Readonly<Record<string, Storage>>;
  readonly resources?: Readonly<Record<string, Resource>>;
  readonly actions?: Readonly<Record<string, Action>>;
  /** Further keys of metadata.yaml, as they are: `source`, `issues`, `website`, `terms`, `subordinate`, … */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

type Section<D, K extends string> = D extends { readonly [P in K]: infer S } ? S : Record<never, never>;
export type Options<D> = Section<D, 'options'>;
export type Peers<D> = Section<D, 'peers'>;
export type Related<D> = Section<D, 'requires'> & Section<D, 'provides'>;
export type Actions<D> = Section<D, 'actions'>;
export type Names<S> = keyof S & string;
export type EndpointName<D> = Names<Peers<D>> | Names<Related<D>>;
export type StorageName<D> = Names<Section<D, 'storage'>>;
export type ResourceName<D> = Names<Section<D, 'resources'>>;

/** Throws TypeError for what Juju would refuse when the charm is deployed, and for a default that its own schema refuses. */
export function checkDefinition(definition: Definition): void {
  const refuse = (what: string): never => {
    throw new TypeError(`charm ${definition.name}: ${what}`);
  };
  const { name: charmName, options = {}, actions = {} } = definition;
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$/.test(charmName)) refuse('Juju does not take this name');
  const seen = new Set<string>();
  for (const role of ['peers', 'requires', 'provides'] as const) {
    for (const [name, endpoint] of Object.entries(definition[role] ?? {})) {
      if (seen.has(name)) refuse(`endpoint "${name}" is declared twice`);
      seen.add(name);
      if (!/^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/.test(name) || /^juju(-|$)/.test(name)) {
        refuse(`Juju does not take the endpoint name "${name}"`);
      }
      const { app, unit } = endpoint;
      for (const schema of [app.local, app.remote])
        checkDatabagSchema(schema, `${name}'s application databag`);
      for (const schema of [unit.local, unit.remote]) checkDatabagSchema(schema, `${name}'s unit databag`);
    }
  }
  for (const name of Object.keys(actions)) {
    if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name) || /^juju(-|$)/.test(name)) {
      refuse(`Juju does not take the action name "${name}"`);
    }
  }
  for (const [name, declared] of Object.entries(options)) {
    if (!declared.hasDefault) continue;
    const parsed = declared.schema.safeParse(declared.default);
    if (!parsed.success)
      refuse(`option "${name}" refuses its own default, it takes: ${acceptedBy(parsed.error)}`);
  }
}
