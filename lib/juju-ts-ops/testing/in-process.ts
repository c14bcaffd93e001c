// One operation carried out by calling the charm in this process: what `run` and `Cluster` share.
import { type Charm, execute, ToolTimeout } from '../src/index.ts';
import type { ToolCall } from './context.ts';
import { Killed, NotModelled } from './errors.ts';
import type { FakeJuju } from './fake-juju.ts';
import type { FinishRecord } from './hook-run.ts';
import type { Operation } from './model.ts';

export interface InProcess {
  /** Which code runs: 0 is the deployed revision. */
  charm: (revision: number) => Charm;
  /** Lets a tool that hangs hang for so long (ms), until it is killed for lateness. */
  wait?: (ms: number) => void;
  /** Called before each hook tool call. May change the model, or throw `Killed`. */
  beforeTool?: (unit: string, tool: string, args: readonly string[]) => void;
}

export interface Ran extends FinishRecord {
  /** undefined: killed. */
  exitCode: number | undefined;
  calls: readonly ToolCall[];
  /** What the framework could not say by `juju-log`. */
  stderr: string;
}

/** A juju-exec that wakes the charm: `JUJU_DISPATCH_PATH=hooks/NAME ./dispatch`, in whatever shell words around it. */
const wakeUp = /\bJUJU_DISPATCH_PATH=(['"]?)([\w./-]+)\1\s+\.\/dispatch\b/;

export async function runOperation(
  juju: FakeJuju,
  unit: string,
  operation: Operation,
  { charm, beforeTool, wait }: InProcess,
): Promise<Ran> {
  const script = scriptOf(operation);
  const path = script === undefined ? undefined : wakeUp.exec(script)?.[2];
  if (script !== undefined && path === undefined) {
    throw new NotModelled('foreign script', script);
  }
  const context = juju.begin(unit, operation);
  const env = path === undefined ? context.env : { ...context.env, JUJU_DISPATCH_PATH: path };
  const stderr: string[] = [];
  let bug: unknown;
  let killed = false;

  const runTool = async (
    tool: string,
    args: readonly string[],
    options: { stdin?: string; timeoutMs: number },
  ) => {
    if (killed) throw new Killed('earlier');
    try {
      beforeTool?.(unit, tool, args);
      if (context.hangs) wait?.(options.timeoutMs);
      if (context.hangs) throw new ToolTimeout(tool, args, options.timeoutMs);
      return context.tool(tool, args, options.stdin);
    } catch (error) {
      // Neither a kill nor a gap in the model may end as a hook that merely failed.
      if (isKill(error)) killed = true;
      else if (!(error instanceof ToolTimeout)) bug ??= error;
      throw error;
    }
  };
  const mortal = watched(charm(context.charmRevision), () => {
    killed = true;
  });
  const writeError = (line: string) => void stderr.push(`${line}\n`);
  let exitCode = 1;
  try {
    exitCode = await execute(mortal, { env, runTool, writeError });
  } catch (error) {
    // A killed process cannot even log its end: the framework passes on why.
    if (!isKill(error)) throw error;
    killed = true;
  }
  if (bug !== undefined) throw bug;
  const end = killed ? { signal: 'SIGKILL' } : { exitCode, stderr: stderr.join('') };
  const finished = context.finish(end);
  return {
    ...finished,
    exitCode: killed ? undefined : exitCode,
    calls: context.calls,
    stderr: stderr.join(''),
  };
}

function scriptOf(operation: Operation): string | undefined {
  if (operation.kind === 'exec') return operation.exec.script;
  return operation.kind === 'action' ? operation.action.script : undefined;
}

/** The charm, with somebody told when a handler ends by `Killed`: the framework makes an exit code of every error. */
function watched(charm: Charm, onKill: () => void): Charm {
  const watch = async <T>(handler: Promise<T>): Promise<T> => {
    try {
      return await handler;
    } catch (error) {
      if (isKill(error)) onKill();
      throw error;
    }
  };
  return {
    declared: charm.declared,
    open: (runtime) => {
      const open = charm.open(runtime);
      return {
        hook: open.hook,
        reconcile: () => watch(open.reconcile()),
        teardown: () => watch(open.teardown()),
        ended: (ok) => watch(open.ended(ok)),
        action: (name, params) => {
          const running = open.action(name, params);
          return running && watch(running);
        },
      };
    },
  };
}

function isKill(error: unknown): boolean {
  if (error instanceof Killed) return true;
  if (error instanceof AggregateError && error.errors.some(isKill)) return true;
  return error instanceof Error && error.cause !== undefined && isKill(error.cause);
}
