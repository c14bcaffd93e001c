// What a lab is made from.
import type { Operation } from 'juju-ts-ops/testing';
import type { UnitMachine, UnitSurroundings } from './unit.ts';

export interface LabOptions {
  /** The lab's own folder. What an earlier lab left in it goes. */
  directory: string;
  /** The charm to deploy: an unpacked `.charm`. */
  charm: { directory: string };
  /** Of everything random in Juju: the order of hooks, ids, jitter. */
  seed?: number;
  profile?: '4.0' | '3.6';
  /** One folder that all units share, linked into each unit's root at that absolute path. */
  volume?: { mountPath: string };
  /** The Node for tool calls on machines without Perl. */
  node?: string;
  /** For every hook, action and juju-exec, and for every service. */
  extraEnvironment?: Record<string, string>;
  /** For single ones, such as NODE_OPTIONS of one hook. */
  hookEnvironment?: (unit: string, operation: Operation) => Record<string, string>;
  /** How many times faster Juju's time runs (retries, update-status, leases); services keep real time. */
  timeScale?: number;
  /** Machines in the place of the lab's own, which are folders and processes of this one. */
  machines?: {
    make(unit: string, around: UnitSurroundings): UnitMachine;
    /** What `network-get` says. */
    address(unit: string): string;
  };
  /** What the model's configuration says of proxies. */
  proxies?: { http?: string; https?: string; ftp?: string; no?: string };
  /** Interval of update-status, in ms of Juju's time; none by default. */
  updateStatusMs?: number;
}
