// The public face: a lab, and the way to talk to one that runs.
export { jujuCommands, runJuju } from './client/juju.ts';
export type { Site as JujuSite } from './client/site.ts';
export { askLab } from './control/client.ts';
export { accepted as controlCommands } from './control/commands.ts';
export { LabError } from './errors.ts';
export { Lab } from './lab.ts';
export type { LabOptions } from './options.ts';
export { processesOf, rootVariable } from './processes.ts';
export type { HookRecord, LabEvents, LogLine } from './records.ts';
export { renderStatus } from './status.ts';
export type { LabUnit, UnitMachine, UnitSurroundings } from './unit.ts';
export type { Machine } from './machines/machine.ts';
export { clearDead, obstacles, Site, type SiteOptions } from './machines/site.ts';
