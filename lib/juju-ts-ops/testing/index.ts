// Test a charm without Juju: one hook with `run`, several units with `Cluster`, any front end of one's own on `FakeJuju`.
export type { CharmFiles, OptionValue } from './charm-files.ts';
export type { ToolCall, ToolResult } from './context.ts';
export { agentDirectory, toolDirectory } from './environment.ts';
export { Impossible, Killed, NotModelled } from './errors.ts';
export { type DeployOptions, FakeJuju } from './fake-juju.ts';
export { type End, type FinishRecord, HookContext } from './hook-run.ts';
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
export { Seeded } from './seeded.ts';
export { toolNames } from './tools/index.ts';
