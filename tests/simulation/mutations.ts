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
    replace: 'const refused = o.volume.releases.has(\'\') ? statuses.tooOldAndGone : statuses.tooOld;',
    bias: {},
  },
];
