// What a hook costs on a real Juju, for the simulation of large applications. Recorded with Juju 4.0.15, on two shared cores,
// by a charm that did little beside calling the tools: times are indications, their proportions are what counts.

/** Median ms of one call (100 calls of each on a real unit; `goal-state` 30). */
const toolMs: Readonly<Record<string, number>> = {
  'relation-get': 3.4,
  'relation-set': 3.4,
  'relation-ids': 3.4,
  'relation-list': 3.4,
  'state-get': 3.2,
  'juju-log': 3.9,
  'config-get': 4.2,
  'is-leader': 4.3,
  'storage-list': 4.6,
  'status-set': 8.3,
  'network-get': 10.1,
  'goal-state': 18.6,
};

/** A tool that was not timed: it goes to the controller as `status-set` does. */
const otherToolMs = 8.3;

/** One call, in ms, which is also what it keeps the unit's tools busy for: Juju's agent answers one at a time. */
export const toolCallMs = (tool: string): number => toolMs[tool] ?? otherToolMs;

/** Node 24 starting with nothing to do, ms. */
const bareNodeMs = 25;

export const costs = {
  /** From the start of the charm's process to its first hook tool, ms: 3 × bare Node, as measured with the packed charm. */
  wholeStartMs: 3 * bareNodeMs,
  /** A hook that ends before the charm is loaded, ms: 1.2 × bare Node, as measured likewise. */
  quietHookMs: 1.2 * bareNodeMs,
  /** Juju itself, from the end of a unit's hook to the start of the next that was due already, ms (median of 18 pairs of
   * joined and changed: 0.23 to 0.31 s). */
  betweenHooksMs: 254,
  /** From a commit to when other units may begin their hook, ms. */
  unitDataMs: 400,
  /** The same for the application's databag, ms: drawn for each unit. */
  applicationDataMs: [2000, 4000],
  /** From `juju config` to config-changed, ms: drawn for each unit. It runs twice, as most often on 4.0.15. */
  configMs: [4000, 7000],
  /** SIGTERM to a worker until it is gone, ms (1.2 to 2.1 s with Concourse 8). */
  workerStopMs: 1600,
  /** Start of a worker until it is registered, ms (1.1 to 1.35 s). */
  workerStartMs: 1200,
  /** Stop of web without an open stream, ms (1.6 to 3.6 s). */
  webStopMs: 2000,
  /** Start of web until it answers, ms (0.9 to 1.6 s, migrations included). */
  webStartMs: 1200,
} as const;
