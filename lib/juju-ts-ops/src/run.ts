// One run of the executable: event in, handlers, what they said to Juju, exit code out.
import type * as z from 'zod';
import { acceptedBy, shownValue } from './accepted.ts';
import type { Charm, OpenHook } from './charm.ts';
import { ActionFailure, type ActionResults, explain } from './errors.ts';
import { freeText, type Runtime, spawnTools } from './tools.ts';

/** Runs the charm for the event that `runtime.env` describes. Resolves with the exit code;
 * rejects only with what `runTool` rejects with beside ToolTimeout (a test that kills the charm). */
export async function execute(charm: Charm, runtime: Runtime): Promise<number> {
  const writeError = runtime.writeError ?? ((line: string) => process.stderr.write(`${line}\n`));
  if (!runtime.env.JUJU_CONTEXT_ID || !runtime.env.JUJU_UNIT_NAME) {
    const { name } = charm.declared;
    writeError(
      `${name}: this is a charm's executable, which Juju runs. By hand, from the charm's directory:`,
    );
    writeError(`  juju-exec -u ${name}/0 -- sh -c 'JUJU_DISPATCH_PATH=hooks/update-status ./dispatch'`);
    return 2;
  }
  const open = charm.open(runtime);
  const { hook } = open;
  let ok = false;
  try {
    if (hook.event.kind === 'action') await runAction(charm, open, hook.event.name);
    else await (hook.dying ? open.teardown() : open.reconcile());
    await hook.publish();
    ok = true;
    return 0;
  } catch (error) {
    // The outermost boundary: whatever it was, the run failed, and Juju drops what it had buffered and retries hooks.
    hook.log.error(`${hook.event.name} failed: ${explain(error)}`);
    return 1;
  } finally {
    // Errors are on their way since they were logged: nothing else is waited for before them.
    try {
      await hook.log.flush();
    } finally {
      await lastWords(open, ok);
    }
  }
}

/** Whatever comes of it, the hook has ended as it has. */
async function lastWords({ hook, ended }: OpenHook, ok: boolean): Promise<void> {
  await ended(ok).catch((error: unknown) => {
    hook.log.warning(`after ${hook.event.name}: ${explain(error)}`);
  });
  await hook.log.flush();
}

async function runAction(charm: Charm, open: OpenHook, name: string): Promise<void> {
  const { hook } = open;
  const fail = (message: string): Promise<string> =>
    hook.tool('action-fail', freeText(hook.masked(message.trim()) || `${name} failed`));
  try {
    const { results, failure } = await actionOutcome(charm, open, name);
    await setResults(open, results);
    // Juju keeps what was buffered when the exit code is 0: a failure that the charm announces is an ordered one.
    if (failure !== undefined) await fail(failure);
  } catch (error) {
    await fail(error instanceof Error ? error.message : String(error)).catch((why: unknown) => {
      throw new AggregateError([error, why], `${name} failed, and Juju could not be told`);
    });
    throw error;
  }
}

async function actionOutcome(
  charm: Charm,
  open: OpenHook,
  name: string,
): Promise<{ results: ActionResults; failure?: string }> {
  const { actions = {} } = charm.declared;
  const declared = Object.hasOwn(actions, name) ? actions[name] : undefined;
  const given: unknown = JSON.parse(await open.hook.tool('action-get', ['--format=json']));
  const parsed = declared?.params.strict().safeParse(given ?? {}, { reportInput: true });
  if (parsed?.success === false) return { results: {}, failure: parsed.error.issues.map(refusal).join('; ') };
  const running = parsed && open.action(name, parsed.data);
  if (!running) return { results: {}, failure: `this revision of the charm has no action "${name}"` };
  try {
    return { results: (await running) ?? {} };
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    if (error.cause !== undefined) open.hook.log.warning(`${name}: ${explain(error)}`);
    return { results: error.results, failure: error.message };
  }
}

/** A refused parameter with its value and with what it takes. */
function refusal(issue: z.core.$ZodIssue): string {
  const accepted = acceptedBy({ issues: [issue] });
  if (issue.path.length === 0) return `parameters: ${accepted}`;
  return `parameter ${issue.path.join('.')} is ${shownValue(issue.input)}, but takes: ${accepted}`;
}

const reservedKeys = new Set(['stdout', 'stdout-encoding', 'stderr', 'stderr-encoding']);
// Linux takes at most 128 KiB in one argument, and about 2 MiB in all.
const longestArgumentBytes = 128 * 1024 - 1;

/** Nested results as `a.b=value` arguments. Throws TypeError for a key or a size that `action-set` would refuse. */
export function resultArguments(results: ActionResults, prefix = ''): string[] {
  return Object.entries(results).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const key = prefix + name;
    for (const part of key.split('.')) {
      if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(part) || reservedKeys.has(part)) {
        throw new TypeError(
          `action result "${key}": Juju takes keys of a-z, 0-9 and inner hyphens, and not "stdout" or "stderr"`,
        );
      }
    }
    if (typeof value === 'object') return resultArguments(value, `${key}.`);
    const argument = `${key}=${value}`;
    if (Buffer.byteLength(argument) > longestArgumentBytes) {
      throw new TypeError(
        `action result "${key}" has ${Buffer.byteLength(argument)} bytes; at most ${longestArgumentBytes} can be passed on`,
      );
    }
    return [argument];
  });
}

async function setResults({ hook }: OpenHook, results: ActionResults): Promise<void> {
  const all = resultArguments(results);
  // Eight of the largest arguments stay within what one call can take.
  const perCall = Buffer.byteLength(all.join('')) > 8 * longestArgumentBytes ? 8 : all.length;
  for (let at = 0; at < all.length; at += perCall) await hook.tool('action-set', all.slice(at, at + perCall));
}

/** How long open handles may keep the process alive after the charm has ended. */
const lingerMs = 2_000;

/** The executable's last line: runs the charm for Juju, and sets the process's exit code. */
export async function main(charm: Charm): Promise<void> {
  // If the process ends before the charm has (a promise that nobody settles), that must not count as success.
  process.exitCode = 1;
  const writeError = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  process.on('unhandledRejection', (error) => {
    writeError(`${charm.declared.name}: nobody waited for this: ${explain(error)}`);
    process.exit(1);
  });
  const { env } = process;
  process.exitCode = await execute(charm, { env, runTool: spawnTools(env), writeError });
  // Juju sets no limit: a socket that the charm left open would keep this hook, and the machine's lock, for ever.
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    writeError(`${charm.declared.name}: ended by force, still open: ${open}`);
    process.exit();
  }, lingerMs).unref();
}
