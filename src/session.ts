// What one hook carries from round to round of observing, deciding and performing.
import type { DatabagProblem, HookOf } from 'juju-ts-ops';
import type { definition } from './definition.ts';
import type { Host } from './host/host.ts';
import { type Watched, watched } from './calm/readings.ts';
import { forgetNote } from './calm/take.ts';
import { type Remembered, rememberedSchema } from './memory.ts';
import type { Situation } from './observability/figures.ts';
import { noteRelated } from './relations/related.ts';
import type { EffectSpan } from './observability/otlp.ts';
import { noteWatchers } from './observability/watchers.ts';
import type { Effect, Failure } from './observed.ts';
import type { Pin } from './release/version.ts';
import { noteStorage } from './storages.ts';
import { openMemory } from './storage/memory.ts';
import { openVolume, type Volume } from './storage/volume.ts';
import type { Facts } from './upgrade/facts.ts';
import { type Goal, type GoalValues, readGoal } from './upgrade/goal.ts';

export type ConcourseHook = HookOf<typeof definition>;

export interface Session {
  readonly hook: ConcourseHook;
  readonly host: Host;
  readonly volume: Volume;
  /** The release that this revision of the charm was made for. */
  readonly pin: Pin;
  /** As committed when the hook began. */
  readonly goal: Goal | undefined;
  /** This unit's facts as committed when the hook began. */
  readonly published: Facts;
  /** This unit's facts, with what the hook has decided so far. */
  facts: Facts;
  /** URI of the application's secret: the goal's, or made in this hook. */
  webSecret: string | undefined;
  memory: Remembered;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** What the hook found and decided, for the charm's figures. */
  situation: Situation | undefined;
  /** In update-status: what was asked of the machine. And until when all stays as it is, if what was asked does; undefined: not
   * at all. */
  readonly watch: Watched | undefined;
  calmUntil: number | undefined;
  /** What was done, for the hook's trace; and where that goes, once the options are known. */
  readonly effects: EffectSpan[];
  otlpEndpoint: string | undefined;
  /** Databag values that could not be read in this hook: they count as absent, and are told once. */
  readonly malformed: Set<string>;
  /** The memory as it was read. */
  readonly remembered: Remembered | undefined;
  readonly failures: Map<Effect['do'], Failure>;
  readonly done: Set<Effect['do']>;
}

export async function openSession(hook: ConcourseHook, machine: Host, pin: Pin): Promise<Session> {
  await forgetNote(machine, hook.unit);
  const watch = hook.event.kind === 'update-status' ? watched(machine) : undefined;
  const host = watch?.host ?? machine;
  const startedAt = host.clock.monotonic();
  const peer = await hook.peer('peers');
  const [application, own, remembered] = await Promise.all([
    peer?.application(),
    peer?.local(),
    openMemory(host, hook.unit, rememberedSchema).read(),
  ]);
  if (remembered.problem !== undefined) hook.log.warning(remembered.problem);
  const values: GoalValues = application?.values ?? {};
  return {
    hook,
    host,
    pin,
    volume: openVolume(host),
    goal: readGoal(values),
    published: own?.values ?? {},
    facts: own?.values ?? {},
    malformed: new Set(application?.problems.map((problem) => `the goal: ${malformed(problem)}`)),
    webSecret: values['web-secret'],
    // Another resource comes as a refresh: whatever failed before may go well now.
    memory: {
      ...(await noteRelated(
        hook,
        noteWatchers(hook.event, await noteStorage(hook, remembered.value)),
        remembered.value === undefined,
      )),
      ...(hook.event.kind === 'upgrade-charm' ? { staging: undefined } : {}),
    },
    remembered: remembered.value,
    startedAt,
    situation: undefined,
    watch,
    calmUntil: undefined,
    effects: [],
    otlpEndpoint: undefined,
    failures: new Map(),
    done: new Set(),
  };
}

/** A databag value that counts as absent, in words. */
export const malformed = ({ key, value, accepted }: DatabagProblem): string =>
  `${key}=${JSON.stringify(value.slice(0, 100))} is not ${accepted}, and counts as absent`;
