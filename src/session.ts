// What one hook carries from round to round of observing, deciding and performing.
import type { HookOf } from 'juju-ts-ops';
import type { definition } from './definition.ts';
import type { Host } from './host/host.ts';
import type { Remembered } from './memory.ts';
import type { Effect, Failure } from './observed.ts';
import type { Volume } from './storage/volume.ts';
import type { Facts } from './upgrade/facts.ts';
import type { Goal } from './upgrade/goal.ts';

export type ConcourseHook = HookOf<typeof definition>;

export interface Session {
  readonly hook: ConcourseHook;
  readonly host: Host;
  readonly volume: Volume;
  /** As committed when the hook began. */
  readonly goal: Goal | undefined;
  /** This unit's facts, with what the hook has decided so far. */
  facts: Facts;
  /** URI of the application's secret: the goal's, or made in this hook. */
  webSecret: string | undefined;
  memory: Remembered;
  /** The memory as it was read. */
  readonly remembered: Remembered | undefined;
  readonly failures: Map<Effect['do'], Failure>;
  readonly done: Set<Effect['do']>;
}
