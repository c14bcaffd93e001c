// Every schedule of a small world up to a number of switches: processes go on in turn as they would, but at the chosen steps.
import type { Plan } from './plan.ts';
import type { Outcome } from './simulate.ts';

export interface Exhausted {
  depth: number;
  schedules: number;
  /** Steps at which more than one could have gone on. */
  places: number;
  violations: { schedule: number[]; violation: string }[];
}

/** At these steps (counted where more than one choice is) another process than the one that would goes on. */
export type Schedule = readonly number[];

export async function exhaust(
  depth: number,
  play: (plan: Plan, schedule: Schedule) => Promise<Outcome>,
): Promise<Exhausted> {
  const result: Exhausted = { depth, schedules: 0, places: 0, violations: [] };
  const visit = async (schedule: number[]): Promise<void> => {
    const outcome = await play(smallPlan, schedule);
    result.schedules += 1;
    result.places = Math.max(result.places, outcome.places);
    if (outcome.violation !== undefined) result.violations.push({ schedule, violation: outcome.violation });
    if (schedule.length === depth) return;
    for (let at = (schedule.at(-1) ?? -1) + 1; at < outcome.places; at += 1) await visit([...schedule, at]);
  };
  await visit([]);
  return result;
}

const smallPlan: Plan = {
  settings: {
    seed: 1,
    units: 2,
    profile: '4.0',
    peersHearDeparture: false,
    volumeType: 'ext4',
    syncNames: true,
    sticky: 1,
    ownVolumes: [],
    wallOffsetsMs: [0],
    readyTimeoutMs: 30_000,
    completeTimeoutMs: 60_000,
    config: {},
    calmStart: true,
  },
  weights: {},
  faults: [{ step: 0, idleMs: 0, kind: 'version', version: '8.2.0' }],
};
