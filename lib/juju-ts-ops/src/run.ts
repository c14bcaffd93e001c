// One run of the executable: event in, handlers, what they said to Juju, exit code out.
import * as z from 'zod';
import { acceptedBy, shownValue } from './accepted.ts';
import type { Charm, OpenHook } from './charm.ts';
import { ActionFailure, type ActionResults, explain } from './errors.ts';
import { freeText, type Runtime, spawnTools } from './tools.ts';

/** Runs the charm for the event that `runtime.env` describes. Resolves with the exit code; never rejects. */
export async function execute(charm: Charm, runtime: Runtime): Promise<number> {
  const writeError = runtime.writeError ?? ((line: string) => process.stderr.write(`${line}\n`));
  if (!runtime.env.JUJU_CONTEXT_ID || !runtime.env.JUJU_UNIT_NAME) {
    writeError(
      `${charm.declared.name}: this is a charm's executable; Juju runs it. By hand, from the charm's directory:`,
    );
    writeError(
      `  juju-exec -u ${charm.declared.name}/0 -- sh -c 'JUJU_DISPATCH_PATH=hooks/update-status ./dispatch'`,
    );
    return 2;
  }
  const open = charm.open(runtime);
  const { hook } = open;
  try {
    if (hook.event.kind === 'action') await runAction(charm, open, hook.event.name);
    else await (hook.dying ? open.teardown() : open.reconcile());
    await hook.publish();
    return 0;
  } catch (error) {
    // The outermost boundary: whatever it was, the run failed, and Juju drops what it had buffered and retries hooks.
    hook.log.error(`${hook.event.name} failed: ${explain(error)}`);
    return 1;
  } finally {
    await hook.log.flush();
  }
}

async function runAction(charm: Charm, open: OpenHook, name: string): Promise<void> {
  const { hook } = open;
  const fail = (message: string): Promise<string> =>
    hook.tool('action-fail', freeText(hook.masked(message.trim()) || `${name} failed`));
  try {
    await setResults(open, await actionResults(charm, open, name));
  } catch (error) {
    // Juju keeps what was buffered when the exit code is 0: a failure that the charm announces is an ordered one.
    if (!(error instanceof ActionFailure)) {
      await fail(error instanceof Error ? error.message : String(error)).catch((why: unknown) => {
        throw new AggregateError([error, why], `${name} failed, and Juju could not be told`);
      });
      throw error;
    }
    await setResults(open, error.results);
    await fail(error.message);
  }
}

async function actionResults(charm: Charm, open: OpenHook, name: string): Promise<ActionResults> {
  const { actions = {} } = charm.declared;
  const declared = Object.hasOwn(actions, name) ? actions[name] : undefined;
  const given: unknown = JSON.parse(await open.hook.tool('action-get', ['--format=json']));
  const parsed = declared?.params.strict().safeParse(given ?? {});
  if (parsed?.success === false) throw new ActionFailure(refusal(parsed.error, given));
  const running = parsed && open.action(name, parsed.data);
  if (!running) throw new ActionFailure(`this revision of the charm has no action "${name}"`);
  return (await running) ?? {};
}

/** Each refused parameter with its value and with what it takes. */
function refusal(error: z.ZodError, given: unknown): string {
  return error.issues
    .map((issue) => {
      const value = issue.path.reduce<unknown>(
        (at, key) => z.record(z.string(), z.unknown()).safeParse(at).data?.[String(key)],
        given,
      );
      const accepted = acceptedBy(new z.ZodError([issue]));
      if (issue.path.length === 0) return `parameters: ${accepted}`;
      return `parameter ${issue.path.join('.')} is ${shownValue(value)}, but takes: ${accepted}`;
    })
    .join('; ');
}

const reservedKeys = new Set(['stdout', 'stdout-encoding', 'stderr', 'stderr-encoding']);
// Linux takes at most 128 KiB in one argument, and about 2 MiB in all.
const longestArgumentBytes = 128 * 1024 - 1;
const longestCallBytes = 1024 * 1024;

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
  let call: string[] = [];
  let callBytes = 0;
  for (const argument of resultArguments(results)) {
    const bytes = Buffer.byteLength(argument);
    if (call.length > 0 && callBytes + bytes > longestCallBytes) {
      await hook.tool('action-set', call);
      call = [];
      callBytes = 0;
    }
    call.push(argument);
    callBytes += bytes;
  }
  if (call.length > 0) await hook.tool('action-set', call);
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
  const onRejection = (error: unknown): void => {
    writeError(`${charm.declared.name}: nobody waited for this: ${explain(error)}`);
    process.exit(1);
  };
  process.on('unhandledRejection', onRejection);
  const { env } = process;
  process.exitCode = await execute(charm, { env, runTool: spawnTools(env), writeError });
  // Juju sets no limit: a socket that the charm left open would keep this hook, and the machine's lock, for ever.
  setTimeout(() => {
    writeError(
      `${charm.declared.name}: ended by force, still open: ${process.getActiveResourcesInfo().join(', ')}`,
    );
    process.exit();
  }, lingerMs).unref();
}
