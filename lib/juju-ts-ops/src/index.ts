// The framework's public face.
export {
  type ActionHook,
  type ActionHookOf,
  type Charm,
  type CharmDefinition,
  defineCharm,
  type Handlers,
  type HookOf,
  type OpenHook,
} from './charm.ts';
export type { Config, OptionProblem } from './config.ts';
export {
  type Databag,
  type DatabagProblem,
  type DatabagSchema,
  type DatabagValues,
  type DatabagWrite,
  databagTexts,
  json,
  parseDatabag,
} from './databag.ts';
export {
  type Action,
  action,
  type Definition,
  type Endpoint,
  type Option,
  type OptionType,
  option,
  peers,
  provides,
  type Resource,
  requires,
  resource,
  type Storage,
  storage,
} from './definition.ts';
export {
  ActionFailure,
  type ActionResults,
  explain,
  NotFound,
  NotLeader,
  PermissionDenied,
  PortConflict,
  RelationGone,
  SecretNotFound,
  ToolFailure,
  ToolMissing,
  type ToolResult,
  ToolTimeout,
  UnexpectedAnswer,
} from './errors.ts';
export type { Event, EventAction, EventRelation, EventSecret, EventStorage } from './event.ts';
export { charmFiles } from './files.ts';
export { Hook, type RelationFor } from './hook.ts';
export type { Log, LogLevel } from './log.ts';
export type { Goal, GoalState, Network, Port, Ports, StorageInstance } from './machine.ts';
export type { Relation, WritableDatabag } from './relation.ts';
export { execute, main } from './run.ts';
export type { SecretContent, SecretInfo, SecretOptions, SecretReference, Secrets } from './secrets.ts';
export { type Status, type StatusBoard, type StatusName, statusOrder } from './status.ts';
export { type RunTool, type Runtime, spawnTools } from './tools.ts';
