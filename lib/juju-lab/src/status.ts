// `juju status` as text, from the object that `juju status --format json` gives.
import type { ActionRecord } from 'juju-ts-ops/testing';
import { stringify } from 'yaml';
import { isRecord } from './charm.ts';

/** A table of applications and one of units; the leader is marked with `*`, as Juju does. */
export function renderStatus(status: object): string {
  const applications = entriesOf(at(status, 'applications'));
  const units = applications.flatMap(([, application]) => entriesOf(at(application, 'units')));
  const tables = [
    table([
      ['App', 'Version', 'Status', 'Scale', 'Charm', 'Rev', 'Message'],
      ...applications.map(([name, application]) => [
        name,
        textAt(application, 'version'),
        textAt(application, 'application-status', 'current'),
        String(entriesOf(at(application, 'units')).length),
        textAt(application, 'charm-name') || textAt(application, 'charm'),
        textAt(application, 'charm-rev'),
        textAt(application, 'application-status', 'message'),
      ]),
    ]),
    table([
      ['Unit', 'Workload', 'Agent', 'Machine', 'Public address', 'Ports', 'Message'],
      ...units.map(([name, unit]) => [
        at(unit, 'leader') === true ? `${name}*` : name,
        textAt(unit, 'workload-status', 'current'),
        textAt(unit, 'juju-status', 'current'),
        textAt(unit, 'machine'),
        textAt(unit, 'public-address'),
        listAt(unit, 'open-ports').join(','),
        textAt(unit, 'workload-status', 'message') || textAt(unit, 'juju-status', 'message'),
      ]),
    ]),
  ];
  return tables.join('\n');
}

/** As `juju run` prints it: results or the failure, then the action's own log lines. */
export function renderActionResult(record: ActionRecord): string {
  const failure =
    record.status === 'completed' ? '' : `Action id ${record.id} ${record.status}: ${record.message}\n`;
  const log = record.log.map((line) => `${line.message}\n`).join('');
  const results = Object.keys(record.results).length > 0 ? stringify(record.results, { lineWidth: 0 }) : '';
  return log + failure + results;
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isRecord(inner) ? inner[key] : undefined), value);
}

function textAt(value: unknown, ...path: string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
}

function listAt(value: unknown, ...path: string[]): string[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.map(String) : [];
}

function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value) : [];
}

/** Columns as wide as their widest cell, two spaces apart; a message keeps to its line. */
function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row.map((cell, column) => cell.replaceAll('\n', ' ').padEnd(widths[column] ?? 0)).join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
