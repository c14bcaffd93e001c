// What Juju reads from metadata.yaml, config.yaml and actions.yaml, already parsed, as the model needs it.
import { NotModelled, Impossible } from './errors.ts';

/** The parsed YAML files, or what the framework's `charmFiles(definition)` gives. */
export interface CharmFiles {
  metadata: object;
  config?: object;
  actions?: object;
}

export type Role = 'peer' | 'requirer' | 'provider';
export type OptionType = 'string' | 'int' | 'float' | 'boolean' | 'secret';
export type OptionValue = string | number | boolean;
type Yaml = Readonly<Record<string, unknown>>;

export interface CharmStorage {
  kind: 'filesystem' | 'block';
  location?: string;
  least: number;
  /** undefined: no maximum. */
  most?: number;
}

export interface CharmAction {
  parallel: boolean;
  group: string;
  schema: Yaml;
}

export interface CharmModel {
  name: string;
  endpoints: Map<string, { role: Role; interface: string }>;
  options: Map<string, { type: OptionType; default?: OptionValue }>;
  storage: Map<string, CharmStorage>;
  resources: Map<string, { filename: string }>;
  actions: Map<string, CharmAction>;
}

export function readCharm(files: CharmFiles): CharmModel {
  const metadata = map(files.metadata);
  if (metadata.subordinate === true) throw new NotModelled('subordinate', text(metadata.name));
  const endpoints: CharmModel['endpoints'] = new Map();
  for (const [section, role] of [
    ['peers', 'peer'],
    ['requires', 'requirer'],
    ['provides', 'provider'],
  ] as const) {
    for (const [name, given] of Object.entries(map(metadata[section]))) {
      const spec = map(given);
      if (endpoints.has(name)) throw new Impossible(`metadata: endpoint ${name} is declared twice`);
      if (spec.scope === 'container') throw new NotModelled('subordinate', name);
      endpoints.set(name, { role, interface: text(spec.interface) });
    }
  }
  return {
    name: text(metadata.name),
    endpoints,
    options: readOptions(map(map(files.config).options)),
    storage: new Map(
      Object.entries(map(metadata.storage)).map(([name, spec]) => [name, readStorage(name, map(spec))]),
    ),
    resources: new Map(
      Object.entries(map(metadata.resources)).map(([name, spec]) => [
        name,
        { filename: text(map(spec).filename) },
      ]),
    ),
    actions: new Map(
      Object.entries(map(files.actions)).map(([name, given]) => [name, readAction(name, map(given))]),
    ),
  };
}

function readOptions(given: Yaml): CharmModel['options'] {
  const options: CharmModel['options'] = new Map();
  for (const [name, one] of Object.entries(given)) {
    const spec = map(one);
    const type = optionTypes.find((each) => each === (spec.type ?? 'string'));
    if (!type) throw new Impossible(`config: option ${name} has the unknown type ${String(spec.type)}`);
    const value = spec.default;
    if (value === undefined || value === null) options.set(name, { type });
    else options.set(name, { type, default: checkOption(name, type, value) });
  }
  return options;
}

const optionTypes: readonly OptionType[] = ['string', 'int', 'float', 'boolean', 'secret'];

/** The value as Juju would store it, or the refusal. */
export function checkOption(name: string, type: OptionType, value: unknown): OptionValue {
  const refuse = () => new Impossible(`option "${name}" expected ${type}, got ${JSON.stringify(value)}`);
  if (type === 'boolean' && typeof value === 'boolean') return value;
  if (type === 'float' && typeof value === 'number') return value;
  if (type === 'int' && typeof value === 'number' && Number.isInteger(value)) return value;
  if (type === 'string' && typeof value === 'string') return value;
  if (type === 'secret' && typeof value === 'string' && (value === '' || value.startsWith('secret:')))
    return value;
  throw refuse();
}

function readStorage(name: string, spec: Yaml): CharmStorage {
  const range = String(map(spec.multiple).range ?? '1');
  const [, low = '', sign = '', high = ''] = /^(\d+)(?:([-+])(\d*))?$/.exec(range) ?? [];
  if (low === '') throw new Impossible(`storage ${name}: range ${JSON.stringify(range)} is not one`);
  const least = Number(low);
  if (spec.shared === true && least > 0) {
    throw new Impossible(`charm storage "${name}" requires shared storage which is not implemented`);
  }
  const most = sign === '' ? least : high === '' ? undefined : Number(high);
  return {
    kind: spec.type === 'block' ? 'block' : 'filesystem',
    least,
    ...(most === undefined ? {} : { most }),
    ...(typeof spec.location === 'string' ? { location: spec.location } : {}),
  };
}

function readAction(name: string, spec: Yaml): CharmAction {
  if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) throw new Impossible(`bad action name ${name}`);
  const { params, description: _, parallel, 'execution-group': group, ...rest } = spec;
  return {
    parallel: parallel === true,
    group: typeof group === 'string' ? group : '',
    schema: { type: 'object', properties: map(params), ...rest },
  };
}

/** A YAML mapping; nothing and null are the empty one. */
export function map(value: unknown): Yaml {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
