// status-set, status-get, application-version-set, juju-log: what a charm says, at once and for good.
import { output, parse, quote } from '../arguments.ts';
import { type Context, leads } from '../context.ts';
import { ToolError } from '../errors.ts';
import { sorted, type Value } from '../formats.ts';
import { application, ends, setStatus, type StatusInfo, unitsOf } from '../model.ts';
import { applicationStatus } from '../status.ts';

const settable = ['maintenance', 'blocked', 'waiting', 'active'];

export function statusSet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, { flags: { application: 'application' }, most: 2 });
  const [status, message = ''] = args.rest;
  if (status === undefined) throw new ToolError(2, 'invalid args, require <status> [message]');
  if (!settable.includes(status)) {
    throw new ToolError(2, `invalid status ${quote(status)}, expected one of [${settable.join(' ')}]`);
  }
  const { model, unit } = context;
  if (args.flags.has('application')) {
    if (!leads(context)) throw new ToolError(1, 'this unit is not the leader');
    application(model, unit.application).status = { status, message, since: model.now() };
    return '';
  }
  unit.charmSetStatus = true;
  setStatus(model, unit, status, message);
  return '';
}

export function statusGet(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    flags: { application: 'application', 'include-data': 'data' },
    most: 0,
    formats: ['smart', 'json', 'yaml'],
  });
  const { model, unit, cache } = context;
  const shown = (info: StatusInfo): Record<string, Value> =>
    args.flags.has('data')
      ? { message: info.message, status: info.status, 'status-data': {} }
      : { status: info.status };
  if (!args.flags.has('application')) {
    cache.status ??= unit.workload;
    if (args.format === 'smart' && !args.flags.has('data')) return output(args, cache.status.status);
    return output(args, shown(cache.status));
  }
  if (!leads(context)) throw new ToolError(1, 'finding application status: this unit is not the leader');
  cache.applicationStatus ??= {
    own: applicationStatus(model, application(model, unit.application)),
    units: new Map(unitsOf(model, unit.application).map((each) => [each.name, each.workload])),
  };
  const { own, units } = cache.applicationStatus;
  if (args.format === 'smart' && !args.flags.has('data')) return output(args, own.status);
  const all = sorted([...units].map(([name, info]) => [name, shown(info)] as const));
  return output(args, { 'application-status': { ...shown(own), units: all } });
}

export function applicationVersionSet(context: Context, argv: readonly string[]): string {
  const [version] = parse(argv, { most: 1 }).rest;
  if (version === undefined) throw new ToolError(2, 'no version specified');
  context.unit.version = version;
  return '';
}

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

export function jujuLog(context: Context, argv: readonly string[]) {
  const args = parse(argv, {
    flags: { debug: 'debug' },
    options: { l: 'level', 'log-level': 'level', format: 'format' },
  });
  if (args.rest.length === 0) throw new ToolError(2, 'no message specified');
  const { model, unit } = context;
  const given = args.flags.has('debug') ? 'DEBUG' : (args.options.get('level') ?? 'INFO');
  const asked = given.toUpperCase();
  const level = asked === 'WARN' ? 'WARNING' : asked;
  const write = (as: string, text: string) =>
    model.log.push({
      at: model.now(),
      unit: unit.name,
      module: `unit.${unit.name}.juju-log`,
      level: as,
      text,
    });
  if (!levels.includes(level)) write('WARNING', `Specified log level of ${quote(given)} is not valid`);
  const relation = context.relation && context.relations.get(context.relation.id);
  const prefix = relation ? `${ends(relation, unit.application).local.endpoint}:${relation.id}: ` : '';
  write(levels.includes(level) ? level : 'INFO', `${prefix}${args.rest.join(' ')}`);
  return {
    stdout: '',
    stderr: args.options.has('format') ? '--format flag deprecated for command "juju-log"' : '',
  };
}
