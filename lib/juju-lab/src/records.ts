// What the lab remembers and tells of what happened: one record for each hook, and the events that a live view follows.

/** One run of a hook, an action or a juju-exec. */
export interface HookRecord {
  unit: string;
  kind: 'hook' | 'action' | 'exec';
  /** `install`, `peers-relation-changed`, an action's name; `run-commands` for juju-exec. */
  name: string;
  /** ms since the epoch. */
  started: number;
  /** 0 until it has ended. */
  ms: number;
  toolCalls: number;
  /** undefined while it runs, and when a signal ended it. */
  exit: number | undefined;
  signal: NodeJS.Signals | undefined;
  outcome: string;
}

export interface LogLine {
  /** ms since the epoch, of Juju's time. */
  time: number;
  unit: string;
  level: string;
  text: string;
}

export interface LabEvents {
  'hook-start': [HookRecord];
  'hook-end': [HookRecord];
  log: [LogLine];
  /** A unit's workload status, as `juju status` shows it. */
  status: [{ unit: string; status: string; message: string }];
  /** A service of a unit came to another state. */
  service: [{ unit: string; service: string; state: string }];
  /** Anything that `status()` shows may have changed. */
  change: [];
}
