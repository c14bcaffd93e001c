// open-port, close-port, opened-ports.
import { output, parse, quote } from '../arguments.ts';
import type { Context } from '../context.ts';
import { ToolError } from '../errors.ts';
import type { Port } from '../model.ts';

export function openPort(context: Context, argv: readonly string[]): string {
  const { model, unit, pending } = context;
  for (const port of readPorts(argv)) {
    if (pending.ports.some((each) => isSame(each, port) && each.endpoint === port.endpoint)) continue;
    const others = [...model.units.values()].filter((each) => each.machine === unit.machine && each !== unit);
    const mine = pending.ports.find((each) => overlaps(each, port) && !isSame(each, port));
    const clash = mine ? { unit, port: mine } : firstClash(others, port);
    if (clash) {
      const earlier = mine && !context.openAtStart.includes(mine) ? ' requested earlier' : '';
      const wanted = `cannot open ${portText(port)} (unit ${quote(unit.name)})`;
      const taken = `port range conflicts with ${portText(clash.port)} (unit ${quote(clash.unit.name)})`;
      throw new ToolError(1, `${wanted}: ${taken}${earlier}`);
    }
    pending.ports.push(port);
    pending.portsChanged = true;
  }
  return '';
}

function firstClash<T extends { name: string; ports: Port[] }>(units: readonly T[], port: Port) {
  for (const unit of units) {
    const taken = unit.ports.find((each) => overlaps(each, port));
    if (taken) return { unit, port: taken };
  }
  return undefined;
}

export function closePort(context: Context, argv: readonly string[]): string {
  const { pending } = context;
  const closed = readPorts(argv);
  pending.ports = pending.ports.filter(
    (open) =>
      !closed.some((each) => isSame(each, open) && (each.endpoint === '' || each.endpoint === open.endpoint)),
  );
  pending.portsChanged = true;
  return '';
}

const isSame = (a: Port, b: Port) => a.protocol === b.protocol && a.from === b.from && a.to === b.to;
export const overlaps = (a: Port, b: Port): boolean =>
  a.protocol === b.protocol && a.from <= b.to && b.from <= a.to;

export function portText(port: Port): string {
  if (port.protocol === 'icmp') return 'icmp';
  return `${port.from === port.to ? port.from : `${port.from}-${port.to}`}/${port.protocol}`;
}

function readPorts(argv: readonly string[]): Port[] {
  const args = parse(argv, { options: { endpoints: 'endpoints' }, flags: {}, most: 1 });
  const [word] = args.rest;
  if (word === undefined) throw new ToolError(2, 'no port or range specified');
  const port = readPort(word);
  const endpoints = args.options.get('endpoints')?.split(',') ?? [''];
  return endpoints.map((endpoint) => ({ ...port, endpoint: endpoint.trim() }));
}

/** `80`, `80/tcp`, `8000-8010/udp`, `icmp`. */
export function readPort(word: string): Omit<Port, 'endpoint'> {
  if (word === 'icmp') return { protocol: 'icmp', from: -1, to: -1 };
  const [range = '', protocol = 'tcp'] = word.toLowerCase().split('/');
  const [low = '', high = low] = range.split('-');
  for (const each of [low, high]) {
    if (!/^\d+$/.test(each)) {
      throw new ToolError(
        2,
        `invalid port ${quote(each)}: strconv.Atoi: parsing ${quote(each)}: invalid syntax`,
      );
    }
  }
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw new ToolError(2, `invalid protocol ${quote(protocol)}, expected "tcp", "udp", or "icmp"`);
  }
  const from = Number(low);
  const to = Number(high);
  if (from > to) throw new ToolError(2, `invalid port range ${from}-${to}/${protocol}`);
  if (to > 65_535) throw new ToolError(2, `port range bounds must be between 0 and 65535, got ${from}-${to}`);
  return { protocol, from, to };
}

/** 4.0 shows what this run has opened and closed already (as recorded from it), 3.6 the state at its start. */
export function openedPorts(context: Context, argv: readonly string[]): string {
  const args = parse(argv, {
    flags: { endpoints: 'endpoints' },
    most: 0,
    formats: ['smart', 'json', 'yaml'],
  });
  const ports = [...(context.model.profile === '4.0' ? context.pending.ports : context.openAtStart)].sort(
    (a, b) => a.protocol.localeCompare(b.protocol) || a.from - b.from || a.to - b.to,
  );
  const endpoints = new Map<string, string[]>();
  for (const port of ports) {
    const text = portText(port);
    endpoints.set(text, [...(endpoints.get(text) ?? []), port.endpoint || '*']);
  }
  const shown = [...endpoints].map(([text, names]) =>
    args.flags.has('endpoints') ? `${text} (${names.includes('*') ? '*' : names.sort().join(', ')})` : text,
  );
  return output(args, shown);
}
