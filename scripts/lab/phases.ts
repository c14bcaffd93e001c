// What each unit was doing and when, through the last upgrade in a lab: from what units say to each other and show, as it changes.
import type { Lab } from 'juju-lab';

/** `runs`: as always; `stages`: downloads and verifies; `prepares`: waits for workers to stop; `stopped` for it; `none`: nothing runs. */
export type Kind = 'runs' | 'stages' | 'prepares' | 'stopped' | 'none';

export interface Phase {
  unit: string;
  kind: Kind;
  /** The release that runs. */
  version: string;
  /** ms since the beginning of the timeline. */
  from: number;
  to: number;
}

export interface Timeline {
  title: string;
  units: string[];
  phases: Phase[];
  /** Hooks, actions and wake-ups, for the small marks. */
  hooks: { unit: string; from: number; to: number }[];
  lengthMs: number;
}

/** A unit's doing at one moment, by its databag and its status. */
export function phaseOf(
  facts: Readonly<Record<string, string>>,
  message: string,
): { kind: Kind; version: string } {
  const version = facts['running-web'] ?? facts['running-worker'] ?? '';
  if (/^downloading /.test(message)) return { kind: 'stages', version };
  if (facts['upgrade-state'] === 'prepare') return { kind: 'prepares', version };
  if (facts['upgrade-ready'] === 'true') return { kind: 'stopped', version: '' };
  return { kind: version === '' ? 'none' : 'runs', version };
}

interface Moment {
  at: number;
  unit: string;
  kind: Kind;
  version: string;
}

/** What is shown before the first thing that happens, and after the last, in ms. */
const marginMs = 500;

/** The last upgrade among what was noted: from the last staging or preparation that leads to another release, to now; undefined
 * when there was none. `now`: on the same clock as the moments. */
export function lastUpgrade(
  moments: readonly Moment[],
  hooks: readonly { unit: string; started: number; ms: number }[],
  now: number,
): Timeline | undefined {
  const prepared = moments.findLastIndex(({ kind }) => kind === 'prepares');
  const preparation = moments[prepared];
  if (preparation === undefined) return undefined;
  // The staging right before it, in the same unit; not that of an earlier upgrade.
  const earlier = moments.slice(0, prepared).findLastIndex(({ kind }) => kind === 'prepares');
  const staging = moments
    .slice(earlier + 1, prepared)
    .findLast(({ unit, kind }) => unit === preparation.unit && kind === 'stages');
  const start = (staging ?? preparation).at - marginMs;
  const end = (settledAt(moments, prepared) ?? now) + marginMs;
  const units = [...new Set(moments.map(({ unit }) => unit))].toSorted();
  const phases = units.flatMap((unit) => phasesOf(moments, unit, start, end));
  const target = moments
    .slice(prepared)
    .findLast(({ unit, kind, at }) => unit === preparation.unit && kind === 'runs' && at < end)?.version;
  return {
    title: `Upgrade from ${preparation.version} to ${target ?? '…'}, ${((end - start) / 1000).toFixed(1)} s`,
    units,
    phases,
    hooks: hooks
      .filter(({ started, ms }) => started + ms > start && started < end)
      .map(({ unit, started, ms }) => ({
        unit,
        from: Math.max(0, started - start),
        to: Math.min(end, started + ms) - start,
      })),
    lengthMs: end - start,
  };
}

/** When, after that moment, every unit runs something again. */
function settledAt(moments: readonly Moment[], from: number): number | undefined {
  const kinds = new Map<string, Kind>();
  for (const [index, { at, unit, kind }] of moments.entries()) {
    kinds.set(unit, kind);
    if (index > from && [...kinds.values()].every((each) => each === 'runs')) return at;
  }
  return undefined;
}

function phasesOf(moments: readonly Moment[], unit: string, start: number, end: number): Phase[] {
  const own = moments.filter((moment) => moment.unit === unit);
  return own.flatMap(({ at, kind, version }, index) => {
    const [from, to] = [Math.max(at, start), Math.min(own[index + 1]?.at ?? end, end)];
    return to > from ? [{ unit, kind, version, from: from - start, to: to - start }] : [];
  });
}

/** Notes every change from now on. */
export function noteUpgrades(lab: Lab, application: string): { last(): Timeline | undefined } {
  const moments: Moment[] = [];
  const current = new Map<string, string>();
  lab.events.on('change', () => {
    if (!lab.applications().includes(application)) return;
    for (const unit of lab.juju.units(application)) {
      const phase = phaseOf(lab.juju.databag('peers', unit), lab.juju.unitStatus(unit).message);
      const text = JSON.stringify(phase);
      if (current.get(unit) === text) continue;
      current.set(unit, text);
      moments.push({ at: Date.now(), unit, ...phase });
    }
  });
  return {
    last: () => lastUpgrade(moments, lab.records, Date.now()),
  };
}
