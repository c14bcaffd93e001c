// What the recording did between its scenarios without writing it down, as its traces tell: gaps in the counts of runs, the
// dumps of the environment, the databags and settings that the next scenario begins with. And what its hooks wrote.
import type { RecordedHook } from './recorded.ts';

/** A run that a gap in `seq` proves. `at`: seconds since the first scenario began. */
const run = (
  at: number,
  unit: string,
  seq: number,
  dispatch: string,
  more: Partial<RecordedHook> & { ends?: number } = {},
) => {
  const { ends, ...rest } = more;
  return { t: at, end: ends ?? at + 0.1, unit, seq, dispatch, leader: false, rc: 0, ...rest };
};

const departed = { rel: 'peers:0', remote: 'rec/3', departing: 'rec/3' };
const leaving = { rel: 'peers:0', departing: 'rec/3', leader: true };

export const unrecordedRuns: readonly RecordedHook[] = [
  // Before `relation-set-buffering`; the dump of rec/0's is there.
  run(400, 'rec/1', 16, 'hooks/update-status'),
  run(400, 'rec/0', 18, 'hooks/update-status'),
  run(400, 'rec/3', 16, 'hooks/update-status'),
  run(387, 'rec/2', 19, 'hooks/update-status', { leader: true }),
  // In `actions`: dumps only.
  run(525.9, 'rec/2', 35, 'actions/exit3', { leader: true, rc: 3 }),
  run(526.7, 'rec/2', 36, 'actions/exit3', { leader: true, rc: 3 }),
  run(620, 'rec/0', 28, 'hooks/update-status'),
  run(620, 'rec/2', 41, 'hooks/update-status', { leader: true }),
  // The run that its agent's death ended.
  run(838.17, 'rec/0', 31, 'hooks/config-changed', { ends: Number.POSITIVE_INFINITY }),
  run(1070, 'rec/2', 49, 'hooks/update-status', { leader: true }),
  // A second partition of the leader, rec/2, in a hook. rec/2's own run is in `tool-call-timing`.
  run(1175.1, 'rec/0', 44, 'hooks/config-changed'),
  run(1175.1, 'rec/1', 43, 'hooks/config-changed'),
  run(1175.1, 'rec/3', 48, 'hooks/config-changed'),
  run(1175.7, 'rec/0', 45, 'hooks/config-changed'),
  run(1175.7, 'rec/1', 44, 'hooks/config-changed'),
  run(1175.7, 'rec/3', 49, 'hooks/config-changed'),
  run(1220.9, 'rec/3', 50, 'hooks/leader-elected', { leader: true }),
  run(1270, 'rec/3', 51, 'hooks/update-status', { leader: true }),
  // `juju remove-unit rec/3`, which led; here the others did hear of it.
  run(1508, 'rec/0', 51, 'hooks/update-status'),
  run(1514, 'rec/3', 58, 'hooks/data-storage-detaching', { storage: 'data/3', leader: true }),
  run(1514.4, 'rec/3', 59, 'hooks/peers-relation-departed', { ...leaving, remote: 'rec/0' }),
  run(1514.8, 'rec/3', 60, 'hooks/peers-relation-departed', { ...leaving, remote: 'rec/1' }),
  run(1515.2, 'rec/3', 61, 'hooks/peers-relation-departed', { ...leaving, remote: 'rec/2' }),
  run(1515.6, 'rec/3', 62, 'hooks/stop', { leader: true }),
  run(1516, 'rec/3', 63, 'hooks/remove', { leader: true }),
  run(1526, 'rec/0', 52, 'hooks/peers-relation-departed', departed),
  run(1526, 'rec/1', 52, 'hooks/peers-relation-departed', departed),
  run(1526, 'rec/2', 65, 'hooks/peers-relation-departed', departed),
  run(1580, 'rec/0', 53, 'hooks/leader-elected', { leader: true }),
  // Before `juju-exec-inside-hook`: a setting was changed.
  ...[
    ['rec/0', 14],
    ['rec/1', 12],
    ['rec/2', 13],
    ['rec/3', 12],
  ].flatMap(([unit, seq]) => [
    // rec/3 shares its machine's lock with rec/0.
    run(unit === 'rec/3' ? 1830.2 : 1830, String(unit), Number(seq), 'hooks/config-changed', {
      leader: unit === 'rec/2',
    }),
    run(unit === 'rec/3' ? 1831 : 1830.8, String(unit), Number(seq) + 1, 'hooks/config-changed', {
      leader: unit === 'rec/2',
    }),
  ]),
];

/** Commands, and what happened to machines, with the time in seconds since the first scenario began. */
export const unrecordedCommands: readonly [at: number, cmd: string][] = [
  [0, 'juju deploy rec -n 3'],
  [436.5, 'juju-exec -u rec/1 "relation-set -r peers:0 jx=1"'],
  [651.8, '(power cut) rec/2'],
  [697.2, '(lease passes to) rec/1'],
  [746.7, '(power on) rec/2'],
  [812.6, '(agent killed) rec/0'],
  [839.434, '(agent killed) rec/0'],
  [874.983, '(link cut) rec/1'],
  [913.2, '(lease passes to) rec/2'],
  [975.2, '(link back) rec/1'],
  [1174, 'juju config rec str=inh'],
  [1180, '(link cut) rec/2'],
  [1220.8, '(lease passes to) rec/3'],
  [1255, '(link back) rec/2'],
  [1291.3, 'juju-exec -u rec/0 "relation-set -r peers:0 tt=1; status-set active timing"'],
  [1509, 'juju remove-unit rec/3'],
  [1579.9, '(lease passes to) rec/0'],
  [1690, '(another model) juju deploy rec -n 3'],
  [1828, 'juju config rec str=in0'],
];

/** What dispatch ran after its questions, by unit and run: tools, or the calls of a context of hook-tools.json. */
export const written: Readonly<Record<string, string>> = {
  'rec/0 14': '(calls) hook-relation-changed-nonleader',
  // Not among the recorded contexts; the same calls as in the action.
  'rec/2 15': '(calls, not compared) action-leader',
  'rec/3 14': '(calls) hook-config-changed-nonleader',
  'rec/2 20': '(calls) action-leader',
  'rec/0 19': 'relation-set -r peers:0 buf=1795468442.576241218',
  ...Object.fromEntries(
    [25, 26, 27, 28].map((seq) => [
      `rec/3 ${seq}`,
      "relation-set -r peers:0 fail=1; status-set active 'set in failing hook'",
    ]),
  ),
  'rec/0 32': 'relation-set -r peers:0 mid=1',
  'rec/2 61': 'relation-set -r peers:0 outage=1; status-set active k14',
};
