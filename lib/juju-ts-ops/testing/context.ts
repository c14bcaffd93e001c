// One run of a hook, an action or a juju-exec: its caches, what it has buffered, and the tools that it may call.
import { ToolError } from './errors.ts';
import type {
  ActionRecord,
  HookInfo,
  Model,
  Operation,
  Port,
  Relation,
  Secret,
  StatusInfo,
  StorageInstance,
  Strings,
  Unit,
} from './model.ts';
import type { OptionValue } from './charm-files.ts';
import { isLeader } from './secrets.ts';

export interface ToolResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ToolCall extends ToolResult {
  tool: string;
  args: readonly string[];
  stdin?: string;
}

/** What is kept back until the run ends well. */
export interface Pending {
  unitBags: Map<number, Map<string, string>>;
  applicationBags: Map<number, Map<string, string>>;
  ports: Port[];
  portsChanged: boolean;
  stored?: Map<string, string>;
  secretAdds: Map<string, Secret>;
  secretSets: Map<string, { content?: Strings; label?: string; description?: string }>;
  secretGrants: { id: string; reader: string; relation?: number; revoke: boolean }[];
  secretRemoves: { id: string; revision?: number }[];
  /** Secrets whose buffered update the owner asked to track. */
  secretTracks: Set<string>;
  storageAdds: { name: string; count: number }[];
}

export interface Context {
  readonly model: Model;
  readonly unit: Unit;
  readonly operation: Operation;
  readonly hook?: HookInfo;
  readonly action?: ActionRecord;
  /** What `-r` is when it is not given. */
  readonly relation?: { id: number; remoteUnit: string; remoteApp: string };
  /** Relations of the unit when the run began; their removal meanwhile is noticed at the commit. */
  readonly relations: ReadonlyMap<number, Relation>;
  readonly pending: Pending;
  readonly cache: {
    config?: ReadonlyMap<string, OptionValue | undefined>;
    status?: StatusInfo;
    applicationStatus?: { own: StatusInfo; units: Map<string, StatusInfo> };
    storage?: StorageInstance[];
    bags: Map<string, Strings>;
    /** A no stays a no for the whole run. */
    notLeader: boolean;
  };
  readonly openAtStart: Port[];
  actionFailure?: string;
}

export const emptyPending = (ports: readonly Port[]): Pending => ({
  unitBags: new Map(),
  applicationBags: new Map(),
  ports: [...ports],
  portsChanged: false,
  secretAdds: new Map(),
  secretSets: new Map(),
  secretGrants: [],
  secretRemoves: [],
  secretTracks: new Set(),
  storageAdds: [],
});

/** Asked anew at each call, but once no, always no. */
export function leads(context: Context): boolean {
  if (context.cache.notLeader) return false;
  const yes = isLeader(context.model, context.unit);
  if (!yes) context.cache.notLeader = true;
  return yes;
}

/** `db:7`, `7` or anything that ends in `:7`. */
export function relationByText(context: Context, text: string): Relation {
  const number = text.slice(text.lastIndexOf(':') + 1);
  if (!/^\d+$/.test(number)) throw new Error('invalid relation id');
  const found = context.relations.get(Number(number));
  if (!found) throw new Error('relation not found');
  return found;
}

/** The relation that `-r` names, or the hook's own. */
export function relationArgument(context: Context, given: string | undefined): Relation {
  if (given !== undefined) return relationByText(context, given);
  const own = context.relation && context.relations.get(context.relation.id);
  if (!own) throw new ToolError(2, 'no relation id specified');
  return own;
}
