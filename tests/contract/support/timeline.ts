// Everything that the recording tells, in one order of time: begins and ends of runs, commands, what happened to machines.
import { type RecordedHook, scenarios } from './recorded.ts';
import { unrecordedCommands, unrecordedRuns } from './unrecorded.ts';

/** `at`: seconds since the first scenario began. */
export type Happening =
  | { at: number; kind: 'begin'; run: RecordedHook; scenario: string }
  | { at: number; kind: 'end'; run: RecordedHook; scenario: string }
  | {
      at: number;
      kind: 'command';
      cmd: string;
      scenario: string;
      code: number;
      stdout: string;
      stderr: string;
    };

/** An end comes before what begins in the same moment. */
const rank = { end: 0, command: 1, begin: 2 };

export function timeline(): Happening[] {
  const happenings: Happening[] = [];
  const seen = new Set<string>();
  const add = (run: RecordedHook, from: number, scenario: string) => {
    // Two scenarios that ran at the same time hold the same runs; the unit numbers of the last model are used again.
    const key = `${run.unit} ${run.seq} ${run.dispatch}`;
    if (seen.has(key) && from < secondModelAt) return;
    seen.add(key);
    happenings.push({ at: from + run.t, kind: 'begin', run, scenario });
    if (Number.isFinite(run.end)) happenings.push({ at: from + run.end, kind: 'end', run, scenario });
  };
  for (const { scenario, at, commands, hooks } of scenarios) {
    for (const run of hooks) add(run, at, scenario);
    for (const { t, ...command } of commands)
      happenings.push({ at: at + t, kind: 'command', scenario, ...command });
  }
  for (const run of unrecordedRuns) add(run, 0, unrecorded);
  for (const [at, cmd] of unrecordedCommands) {
    happenings.push({ at, kind: 'command', cmd, scenario: unrecorded, code: 0, stdout: '', stderr: '' });
  }
  return happenings.sort((a, b) => a.at - b.at || rank[a.kind] - rank[b.kind]);
}

export const unrecorded = 'between scenarios';
/** From here on the recording used another model, with its counts from the beginning. */
export const secondModelAt = 1690;
