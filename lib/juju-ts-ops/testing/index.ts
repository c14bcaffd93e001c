// Test a charm without Juju: one hook with `run`, several units with `Cluster`, any front end of one's own on `FakeJuju`.
export type { CharmFiles, OptionValue } from './charm-files.ts';
export {
  type CharmFactory,
  Cluster,
  type ClusterOptions,
  type HistoryEntry,
  type TestClock,
  type Timer,
} from './cluster.ts';
export type { ToolCall, ToolResult } from './context.ts';
export { agentDirectory, toolDirectory } from './environment.ts';
export { Hangs, Impossible, Killed, NotModelled } from './errors.ts';
export { FakeJuju } from './fake-juju.ts';
export { absent, type Refused, refused } from './not-modelled.ts';
export type { DeployOptions } from './deploy.ts';
export type { ExecOptions } from './exec.ts';
export { type End, type FinishRecord, HookContext } from './hook-run.ts';
export { type InProcess, type Ran, runOperation } from './in-process.ts';
export type { ApplicationStatus, JujuStatus, UnitStatus } from './juju-status.ts';
export type {
  ActionRecord,
  ActionValue,
  ExecRecord,
  FakeJujuOptions,
  HookInfo,
  LogEntry,
  Operation,
  Profile,
  StatusInfo,
  Strings,
} from './model.ts';
export { type RelationOut, run, type SecretOut, type StateOut } from './run.ts';
export type { EventIn, HookEvent } from './run-event.ts';
export type { RelationIn, StateIn } from './run-state.ts';
export type { SecretIn } from './run-secrets.ts';
export { Seeded } from './seeded.ts';
export { toolNames } from './tools/index.ts';
