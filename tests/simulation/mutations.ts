// The deliberate defects: for each invariant at least one, which the simulation must catch.
import type { FaultKind } from './plan.ts';

export interface Mutation {
  name: string;
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
    breaks: [4],
    file: 'src/upgrade/installer.ts',
    find: "theirs?.['upgrade-ready'] === true && theirs['upgrade-id'] === o.facts['upgrade-id']",
    replace: "theirs?.['upgrade-ready'] === true",
    bias: { version: 6, freeze: 4, cut: 4 },
  },
];
