// What was shown, in figures: downloads, bytes on disk, how long workers were down, what hooks cost. All measured.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from 'juju-lab';
import type { Mirror } from './mirror.ts';
import { application, factsOf, rowsOf, type UpgradeSeen } from './story.ts';

export interface Report {
  ok: boolean;
  units: { name: string; role: string; status: string; runningVersion: string }[];
  installedVersion: string;
  downloads: number;
  /** What the volume takes, and what as many copies of the releases would. */
  diskBytes: number;
  diskBytesUnshared: number;
  upgrade: UpgradeSeen;
  hooks: { count: number; medianMs: number; medianToolCalls: number };
}

export async function reportOf(
  lab: Lab,
  mirror: Mirror,
  upgrade: UpgradeSeen,
  wanted: { version: string; downloads: number },
): Promise<Report> {
  const units = rowsOf(lab).map(({ unit, role, status, runs }) => ({
    name: unit.replace(/\*$/, ''),
    role,
    status,
    runningVersion: runs,
  }));
  const installer =
    units.find(({ name }) => factsOf(lab, name)['installed-version'] !== undefined)?.name ??
    `${application}/0`;
  const action = await lab.runAction(installer, 'status', { format: 'json' });
  const { disk } = JSON.parse(String(action.results['json']));
  const installedVersion = readFileSync(join(lab.volume, '.installed_version'), 'utf8').trim();
  const hooks = lab.records.filter(({ kind }) => kind === 'hook');
  const report: Report = {
    ok: true,
    units,
    installedVersion,
    downloads: mirror.downloads.length,
    diskBytes: disk['shared-bytes'],
    diskBytesUnshared: disk['unshared-bytes'],
    upgrade,
    hooks: {
      count: hooks.length,
      medianMs: median(hooks.map(({ ms }) => Math.round(ms))),
      medianToolCalls: median(hooks.map(({ toolCalls }) => toolCalls)),
    },
  };
  return { ...report, ok: isGood(report, wanted) };
}

/** What `ok` promises. */
function isGood(report: Report, wanted: { version: string; downloads: number }): boolean {
  return (
    report.units.every(
      ({ status, runningVersion }) => status === 'active' && runningVersion === wanted.version,
    ) &&
    report.installedVersion === wanted.version &&
    report.downloads === wanted.downloads &&
    report.upgrade.states.join() === 'prepare,complete'
  );
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;
}

export function asText(report: Report): string {
  const { upgrade, hooks } = report;
  const downs = Object.entries(upgrade.workerDowntimeMs).map(
    ([unit, ms]) => `${unit} ${(ms / 1000).toFixed(1)} s`,
  );
  const lines = [
    ['downloads', `${report.downloads}, for ${report.units.length} units and two releases`],
    [
      'on disk',
      `${megabytes(report.diskBytes)} shared; ${megabytes(report.diskBytesUnshared)} if each unit kept its own`,
    ],
    [
      'upgrade',
      `${upgrade.states.join(' → ')} (id ${upgrade.id}), acknowledged by ${upgrade.acknowledged.length} workers`,
    ],
    ['workers were down', downs.join(', ') || 'not at all'],
    [
      'hooks',
      `${hooks.count}, half of them within ${hooks.medianMs} ms and ${hooks.medianToolCalls} hook tools`,
    ],
  ] as const;
  return lines.map(([name, value]) => `  ${name.padEnd(18)} ${value}`).join('\n');
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
