// From downtimes to what is said of them: medians, how they grow with the release, how much of them is services that stop and start.
import { median } from '../measure.ts';
import type { Plot } from '../plot.ts';
import type { Downtime } from './story.ts';

/** What one upgrade found. */
export interface Sample {
  sizeBytes: number;
  workers: number;
  downtimes: readonly Downtime[];
}

export interface Row {
  sizeBytes: number;
  workers: number;
  role: 'web' | 'worker';
  /** Median of all units of that role, in all rounds. */
  downtimeMs: number;
  worstMs: number;
  /** Median of a bare restart of that service. */
  restartMs: number;
  /** Of the downtime, what services take to stop and start: its own, and for a worker also web's, which it waits for. */
  share: number;
}

export interface UpgradeResult {
  rows: Row[];
  ratios: Record<string, number>;
  goals: Record<string, boolean>;
}

/** From the smallest release to the largest; what a factor of ten or more in size may seem to cost by chance. */
const noGrowth = 1.25;

export function resultOf(samples: readonly Sample[]): UpgradeResult {
  const sizes = distinct(samples.map(({ sizeBytes }) => sizeBytes));
  const counts = distinct(samples.map(({ workers }) => workers));
  const rows = counts.flatMap((workers) => sizes.flatMap((size) => rowsOf(samples, size, workers)));
  const find = (role: string, size: number | undefined, workers: number | undefined) =>
    rows.find((row) => row.role === role && row.sizeBytes === size && row.workers === workers)?.downtimeMs ??
    Number.NaN;
  const ratios: Record<string, number> = {};
  const goals: Record<string, boolean> = {};
  for (const role of ['web', 'worker'] as const) {
    const bySize = counts.map((workers) => find(role, sizes.at(-1), workers) / find(role, sizes[0], workers));
    if (sizes.length > 1) {
      ratios[`${role}: largest release to smallest`] = rounded(median(bySize));
      goals[`downtime of ${role} does not grow with the release`] = median(bySize) <= noGrowth;
    }
    if (counts.length > 1)
      ratios[`${role}: most workers to fewest`] = rounded(
        median(sizes.map((size) => find(role, size, counts.at(-1)) / find(role, size, counts[0]))),
      );
    const share = median(rows.filter((row) => row.role === role).map((row) => row.share));
    ratios[`${role}: share of services that stop and start`] = rounded(share);
    goals[`services that stop and start are more than half of the downtime of ${role}`] = share > 0.5;
  }
  return { rows, ratios, goals };
}

function rowsOf(samples: readonly Sample[], sizeBytes: number, workers: number): Row[] {
  const all = samples
    .filter((sample) => sample.sizeBytes === sizeBytes && sample.workers === workers)
    .flatMap(({ downtimes }) => downtimes);
  if (all.length === 0) return [];
  const of = (role: 'web' | 'worker') => all.filter((each) => each.role === role);
  const restartOf = (role: 'web' | 'worker') => median(of(role).map(({ restartMs }) => restartMs));
  return (['web', 'worker'] as const).map((role) => {
    const downtimes = of(role).map(({ upgradeMs }) => upgradeMs);
    const downtimeMs = median(downtimes);
    const services = restartOf(role) + (role === 'worker' ? restartOf('web') : 0);
    return {
      sizeBytes,
      workers,
      role,
      downtimeMs: Math.round(downtimeMs),
      worstMs: Math.round(Math.max(...downtimes)),
      restartMs: Math.round(restartOf(role)),
      share: rounded(services / downtimeMs),
    };
  });
}

export function tableOf({ rows }: UpgradeResult): string[][] {
  const head = ['', 'release', 'workers', 'downtime', 'at most', 'bare restart', 'services’ share'];
  return [
    head,
    ...rows.map(({ role, sizeBytes, workers, downtimeMs, worstMs, restartMs, share }) => [
      role,
      `${Math.round(sizeBytes / 1e6)} MB`,
      String(workers),
      seconds(downtimeMs),
      seconds(worstMs),
      seconds(restartMs),
      `${Math.round(share * 100)} %`,
    ]),
  ];
}

/** A bar for each role, size and number of workers; beside the first, what a bare restart takes. */
export function plotOf({ rows }: UpgradeResult): Plot {
  return {
    title: 'How long web and a worker do not answer in an upgrade',
    unit: 's',
    bars: rows.flatMap(({ role, sizeBytes, workers, downtimeMs, restartMs }, index) => {
      const label = `${role}, ${Math.round(sizeBytes / 1e6)} MB, ${workers} workers`;
      const bare = { label: `${role}: a bare restart`, value: restartMs / 1000, tone: 1 } as const;
      return [...(index < 2 ? [bare] : []), { label, value: downtimeMs / 1000, tone: 0 } as const];
    }),
  };
}

const distinct = (numbers: readonly number[]): number[] => [...new Set(numbers)].toSorted((a, b) => a - b);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const rounded = (number: number): number => Math.round(number * 100) / 100;
