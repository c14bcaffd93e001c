// config-get, is-leader, resource-get, unit-get, network-get, goal-state: what a unit asks about itself and its model.
import { output, parse, quote } from '../arguments.ts';
import { type Context, leads, relationByText } from '../context.ts';
import { ToolError } from '../errors.ts';
import { render, sorted, type Value } from '../formats.ts';
import {
  application,
  effectiveConfig,
  ends,
  isPresent,
  type Model,
  relationsOf,
  type Unit,
  unitsOf,
} from '../model.ts';
import { hash32, uuidOf } from '../seeded.ts';
import { shownStatus } from '../status.ts';

export function configGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { flags: { all: 'all', a: 'all' }, most: 1, formats: ['smart', 'json', 'yaml'] });
  const key = args.rest[0] ?? '';
  if (args.flags.has('all') && key !== '') {
    throw new ToolError(2, `cannot use argument --all together with key ${quote(key)}`);
  }
  context.cache.config ??= effectiveConfig(
    application(context.model, context.unit.application),
    context.unit.agent.charm,
  );
  const values = context.cache.config;
  if (key !== '') return output(args, values.get(key) ?? null);
  const shown = [...values].map(([name, value]): [string, Value] => [name, value ?? null]);
  return output(
    args,
    Object.fromEntries(shown.filter(([, value]) => args.flags.has('all') || value !== null)),
  );
}

export function isLeaderTool(context: Context, argv: readonly string[]): string {
  return output(parse(argv, { most: 0, formats: ['smart', 'json', 'yaml'] }), leads(context));
}

export function resourceGet(context: Context, argv: readonly string[]): string {
  const [name] = parse(argv, { most: 1 }).rest;
  if (name === undefined) throw new ToolError(2, 'missing required resource name');
  const path = application(context.model, context.unit.application).resources.get(name);
  if (path !== undefined) return path;
  const where = `https://10.66.0.10:17070/model/${context.model.uuid}/units/unit-${context.unit.name.replace('/', '-')}`;
  const owner = uuidOf(`application ${context.unit.application}`);
  const why = `getting UUID of resource ${name} for application ${owner}: resource not found`;
  throw new ToolError(
    1,
    `could not download resource: HTTP request failed: Get ${where}/resources/${name}: ${why}`,
  );
}

export function unitGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { most: 1, formats: ['smart', 'json', 'yaml'] });
  const [setting] = args.rest;
  if (setting === undefined) throw new ToolError(2, 'no setting specified');
  if (setting !== 'private-address' && setting !== 'public-address') {
    throw new ToolError(2, `unknown setting ${quote(setting)}`);
  }
  return output(args, context.unit.address);
}

export function networkGet(context: Context, argv: readonly string[]): string {
  const wanted = ['bind-address', 'ingress-address', 'egress-subnets', 'primary-address'];
  const args = parse(argv, {
    flags: Object.fromEntries(wanted.map((each) => [each, each])),
    options: { r: 'relation', relation: 'relation' },
    check: (name, value) => void (name === 'relation' && relationByText(context, value)),
    most: 1,
    formats: ['smart', 'json', 'yaml'],
  });
  const [binding] = args.rest;
  if (binding === undefined || binding === '') throw new ToolError(2, 'no arguments specified');
  if (!context.unit.agent.charm.endpoints.has(binding)) {
    const unknown = `no network config found for binding ${quote(binding)}`;
    throw new ToolError(
      1,
      context.model.profile === '4.0'
        ? unknown
        : `undefined for unit charm: endpoint ${quote(binding)} not valid`,
    );
  }
  const { address } = context.unit;
  const subnets = [`${address}/32`];
  if (args.flags.size === 0) return output(args, wholeNetwork(context.unit, subnets, args.format !== 'json'));
  const answers = new Map<string, Value>();
  for (const flag of args.flags) answers.set(flag, flag === 'egress-subnets' ? subnets : address);
  const [only] = answers.values();
  return output(args, answers.size === 1 ? only : sorted(answers));
}

/** The YAML form repeats some fields under old names, the JSON form does not. */
function wholeNetwork(unit: Unit, subnets: string[], old: boolean): Value {
  const { address } = unit;
  const bytes = [0, 1, 2, 3].map((index) =>
    ((hash32(unit.name) >>> (8 * index)) & 0xff).toString(16).padStart(2, '0'),
  );
  const mac = ['02', '16', ...bytes].join(':');
  const entry = {
    hostname: address,
    value: address,
    cidr: `${address.split('.').slice(0, 3).join('.')}.0/24`,
  };
  return {
    'bind-addresses': [
      {
        'mac-address': mac,
        'interface-name': 'eth0',
        addresses: [old ? { ...entry, address } : entry],
        ...(old ? { macaddress: mac, interfacename: 'eth0' } : {}),
      },
    ],
    'egress-subnets': subnets,
    'ingress-addresses': [address],
  };
}

export function goalState(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { most: 0, formats: ['yaml', 'json'] });
  const { model, unit } = context;
  const relations = new Map<string, Map<string, Value>>();
  for (const relation of relationsOf(model, unit.application)) {
    const { local, remote } = ends(relation, unit.application);
    if (local.role === 'peer') continue;
    const entries = relations.get(local.endpoint) ?? new Map<string, Value>();
    entries.set(remote.application, { status: 'joined', since: stamp(relation.since) });
    for (const [name, value] of goals(model, remote.application)) entries.set(name, value);
    relations.set(local.endpoint, entries);
  }
  const shown = sorted([...relations].map(([endpoint, entries]) => [endpoint, sorted(entries)] as const));
  return render({ units: sorted(goals(model, unit.application)), relations: shown }, args.format);
}

const goals = (model: Model, app: string): [string, Value][] =>
  unitsOf(model, app).map((each) => [each.name, goal(model, each)]);

/** 4.0 tells the charm's own status even while a hook is failed (as recorded), 3.6 the error. */
function goal(model: Model, unit: Unit): Value {
  const shown = model.profile === '4.0' ? unit.workload : shownStatus(unit);
  const { status } = isPresent(unit) ? shown : { status: 'unknown' };
  return { status: unit.life === 'dying' ? 'dying' : status, since: stamp(unit.workload.since) };
}

const stamp = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
