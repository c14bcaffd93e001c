// The framework's public face: what is not named here may change at any time.
export * from './charm.ts';
export type * from './config.ts';
export { databagTexts, json, parseDatabag } from './databag.ts';
export type { Databag, DatabagProblem, DatabagSchema, DatabagValues, DatabagWrite } from './databag.ts';
export { action, option, peers, provides, requires, resource, storage } from './definition.ts';
export type { Action, Definition, Endpoint, Option, OptionType, Resource, Storage } from './definition.ts';
export * from './errors.ts';
export type * from './event.ts';
export { charmFiles } from './files.ts';
export { Hook, type RelationFor } from './hook.ts';
export type { Log, LogLevel } from './log.ts';
export type { Goal, GoalState, Network, Port, Ports, StorageInstance } from './machine.ts';
export type { Relation, WritableDatabag } from './relation.ts';
export { execute, main } from './run.ts';
export type { SecretContent, SecretInfo, SecretOptions, SecretReference, Secrets } from './secrets.ts';
export { type Status, type StatusBoard, type StatusName, statusOrder } from './status.ts';
export { type RunTool, type Runtime, spawnTools, type Transcript } from './tools.ts';
