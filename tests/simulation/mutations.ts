// The deliberate defects: for each invariant at least one, which the simulation must catch.
import type { FaultKind } from './plan.ts';

export interface Mutation {
  name: string;
  /** What is wrong with it, in a few words. */
  why: string;
  /** Which invariants it may break: one of them must be seen to. */
  breaks: number[];
  file: string;
  find: string;
  replace: string;
  /** Faults that it shows under, drawn more often. */
  bias: Partial<Record<FaultKind, number>>;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'any-consent',
    why: 'an acknowledgement of any earlier upgrade counts',
    breaks: [4],
    file: 'src/upgrade/installer.ts',
    find: "theirs?.['upgrade-ready'] === true && theirs['upgrade-id'] === o.facts['upgrade-id']",
    replace: "theirs?.['upgrade-ready'] === true",
    bias: { version: 6, freeze: 4, cut: 4 },
  },
  {
    name: 'no-look-again',
    why: 'an installer whose upgrade ended short of the goal waits to be woken',
    breaks: [8],
    file: 'src/upgrade/installer.ts',
    find: '  return ended && o.volume.installed !== goal.version ? { ...step, wakeAt: o.now } : step;',
    replace: "  return ended && o.volume.installed === '' ? { ...step, wakeAt: o.now } : step;",
    bias: {},
  },
  {
    name: 'no-way-out-of-an-old-version',
    why: 'a status names a rollback to a release that is not there',
    breaks: [8],
    file: 'src/upgrade/installer.ts',
    find: 'const refused = o.volume.releases.has(goal.version) ? statuses.tooOld : statuses.tooOldAndGone;',
    replace: "const refused = o.volume.releases.has('') ? statuses.tooOldAndGone : statuses.tooOld;",
    bias: {},
  },
  {
    name: 'rest-of-a-clock-set-back',
    why: 'a pause after a failed download lasts until a clock that was set back catches up',
    breaks: [8],
    file: 'src/upgrade/installer.ts',
    find: 'const early = earlier !== undefined && !hasPassed(earlier.notBefore, o.now, longestRetryMs);',
    replace: 'const early = earlier !== undefined && earlier.notBefore > o.now;',
    bias: { clock: 4, server: 4, fsync: 4 },
  },
  {
    name: 'no-second-look-at-the-volume',
    why: 'nobody looks whether a volume that was away is back',
    breaks: [8],
    file: 'src/decide.ts',
    find: "const wakeAt = 'lookAgain' in verdict && verdict.lookAgain ? o.now + volumeLookMs : undefined;",
    replace: "const wakeAt = 'lookAgain' in verdict ? undefined : undefined;",
    bias: { 'volume-gone': 4, 'read-only': 4, 'volume-broken': 4 },
  },
  {
    name: 'restart-whatever-runs',
    why: 'restart-services starts a worker on a release that the volume does not name',
    breaks: [7],
    file: 'src/actions/services.ts',
    find: 'if (o.worker.up && o.worker.runningVersion !== o.volume.installed) {',
    replace: "if (o.worker.up && o.worker.runningVersion === 'none') {",
    bias: { action: 8, 'volume-broken': 4 },
  },
  {
    name: 'strangers-do-not-count',
    why: 'a new installer switches before it has met the others',
    breaks: [3, 4],
    file: 'src/upgrade/installer.ts',
    find: 'if (o.unmet.length === 0) return undefined;',
    replace: 'if (o.unmet.length >= 0) return undefined;',
    bias: { add: 4, action: 4, 'remove-force': 3 },
  },
  {
    name: 'rollback-to-the-configured-version',
    why: 'a rollback to the version that is configured is called off by the leader',
    breaks: [8],
    file: 'src/upgrade/goal.ts',
    find: '  if (skipped === undefined || !isInstalled(goal, inputs)) return goal;',
    replace: '  if (skipped === undefined) return goal;',
    bias: { version: 8 },
  },
  {
    name: 'follows-bin-after-giving-up',
    why: 'a worker that gave up on an upgrade is restarted before web is',
    breaks: [5],
    file: 'src/upgrade/worker.ts',
    find: '  if (up && enabled && runningVersion !== undefined) {',
    replace: "  if (up && enabled && runningVersion === '') {",
    bias: { power: 4, freeze: 4 },
  },
  {
    name: 'deadline-before-it-is-heard',
    why: 'the deadline for acknowledgements runs before prepare is published',
    breaks: [4],
    file: 'src/upgrade/installer.ts',
    find: "    o.published['upgrade-state'] === 'prepare' && o.published['upgrade-id'] === o.facts['upgrade-id'];",
    replace: "    o.facts['upgrade-state'] === 'prepare';",
    bias: { 'slow-web': 5, 'slow-stop': 5 },
  },
  {
    name: 'own-volume-is-never-tidied',
    why: 'what a crash leaves on a volume of a unit of its own stays there',
    breaks: [8],
    file: 'src/upgrade/tidying.ts',
    find: '  const installs = own ? localInstaller(o) === o.unit : goal.installer === o.unit;',
    replace: '  const installs = !own && goal.installer === o.unit;',
    bias: { power: 6, crash: 6 },
  },
];
