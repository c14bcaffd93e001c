// Hook tools with scripted answers, for tests of what the framework asks and says. It knows nothing of Juju's semantics.
import { type Charm, execute, type RunTool, type ToolResult } from '../../src/index.ts';

export interface Call {
  tool: string;
  args: readonly string[];
  stdin?: string;
}
type Answer = unknown | ((args: readonly string[], stdin?: string) => unknown);

/** A failed result, as Juju words it. */
export const failing = (stderr: string, code = 1): ToolResult => ({
  code,
  stdout: '',
  stderr: `ERROR ${stderr}\n`,
});
const isResult = (value: unknown): value is ToolResult =>
  typeof value === 'object' && value !== null && 'code' in value && 'stderr' in value;

export const environment = {
  JUJU_CONTEXT_ID: 'app/0-update-status-1',
  JUJU_UNIT_NAME: 'app/0',
  JUJU_MODEL_NAME: 'm',
  JUJU_MODEL_UUID: 'uuid-1',
  JUJU_DISPATCH_PATH: 'hooks/update-status',
  JUJU_HOOK_NAME: 'update-status',
  JUJU_MACHINE_ID: '3',
  JUJU_VERSION: '4.0.15',
  JUJU_CHARM_DIR: '/charm',
  JUJU_CHARM_HTTP_PROXY: '',
  JUJU_CHARM_HTTPS_PROXY: 'http://proxy:3128',
} as const;

export interface Outcome {
  code: number;
  calls: Call[];
  /** What went to stderr because Juju could not be told. */
  errors: string[];
  /** The calls of one tool: `args` joined by spaces, with stdin behind them. */
  of(tool: string): string[];
}

/** Runs one hook. Tools that change something answer with nothing; one that is read must be scripted. */
export async function runHook(
  charm: Charm,
  answers: Record<string, Answer> = {},
  env: Record<string, string | undefined> = {},
): Promise<Outcome> {
  const calls: Call[] = [];
  const errors: string[] = [];
  const runTool: RunTool = async (tool, args, { stdin }) => {
    calls.push({ tool, args, ...(stdin === undefined ? {} : { stdin }) });
    // A real tool never answers in the same turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (!(tool in answers)) {
      if (/-(get|list|ids)$|^is-leader$|^opened-ports$|^goal-state$/.test(tool)) {
        return failing(`test: no answer scripted for ${tool}`, 99);
      }
      return { code: 0, stdout: '', stderr: '' };
    }
    const scripted = answers[tool];
    const answer: unknown = typeof scripted === 'function' ? scripted(args, stdin) : scripted;
    if (isResult(answer)) return answer;
    return { code: 0, stdout: answer === undefined ? '' : `${JSON.stringify(answer)}\n`, stderr: '' };
  };
  const code = await execute(charm, {
    env: { ...environment, ...env },
    runTool,
    writeError: (line) => errors.push(line),
  });
  const of = (tool: string): string[] =>
    calls
      .filter((call) => call.tool === tool)
      .map(({ args, stdin }) => [...args, ...(stdin ? [stdin] : [])].join(' '));
  return { code, calls, errors, of };
}
