// How long Juju's own hook tools take, so that stand-ins can take as long.

/** Median ms of a call, its process included: 1,906 calls on units of a Juju 4.0.15 controller, on two shared cores
 * (tests/contract/recorded/README.md), of which those with 18 or more samples stand for themselves. */
const recordedMs: Readonly<Record<string, number>> = {
  'action-get': 2.9,
  'action-set': 2.9,
  'application-version-set': 6.2,
  'config-get': 4.2,
  'goal-state': 18.6,
  'is-leader': 4.3,
  'juju-log': 3.9,
  'network-get': 10.1,
  'relation-get': 3.4,
  'relation-ids': 3.6,
  'relation-list': 3.6,
  'relation-set': 3.4,
  'resource-get': 24.5,
  'secret-add': 7,
  'secret-get': 3.4,
  'secret-ids': 4.3,
  'state-get': 3.2,
  'status-get': 4.2,
  'status-set': 8.3,
  'storage-get': 3.5,
  'storage-list': 4.6,
  'unit-get': 9.3,
};
/** Of the tools that are not listed; the cheapest ones took 3 ms. */
const otherMs = 3.3;

export const recordedToolMs = (tool: string): number => recordedMs[tool] ?? otherMs;
