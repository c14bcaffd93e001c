// Every way in which a hook tool fails, recognised from its words in this one place: nobody else reads stderr.

export interface ToolResult {
  code: number;
  stdout: string;
  stderr: string;
}

const shown = (tool: string, args: readonly string[]): string => {
  const line = [tool, ...args].join(' ').replace(/\s+/g, ' ');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
};

/** A hook tool ended with an exit code other than 0. The subclasses below name the failures that charms act on. */
export class ToolFailure extends Error {
  readonly tool: string;
  readonly args: readonly string[];
  /** The tool's exit code: 1 while running, 2 for its arguments; 126 and 127 when it could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  constructor(tool: string, args: readonly string[], result: ToolResult) {
    super(
      `\`${shown(tool, args)}\` failed with exit code ${result.code}: ${result.stderr.trim() || 'no reason given'}`,
    );
    this.name = new.target.name;
    this.tool = tool;
    this.args = args;
    this.code = result.code;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

/** Only the leader may do this: write an application's databag, or own its secrets. */
export class NotLeader extends ToolFailure {}
/** The relation does not exist (any more). */
export class RelationGone extends ToolFailure {}
export class SecretNotFound extends ToolFailure {}
/** A secret that was not granted, or a databag that this unit may not read. */
export class PermissionDenied extends ToolFailure {}
/** Another unit on this machine, or another range of this unit, has one of the ports. */
export class PortConflict extends ToolFailure {}
/** Something else that was asked for by name is not there. */
export class NotFound extends ToolFailure {}
/** This Juju version has no such hook tool. */
export class ToolMissing extends ToolFailure {}
/** The tool ended well, and printed what the framework cannot read. */
export class UnexpectedAnswer extends ToolFailure {}

/** A hook tool did not end in time and was killed. Juju may still carry the request out: it cannot be called back. */
export class ToolTimeout extends Error {
  readonly tool: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  constructor(tool: string, args: readonly string[], timeoutMs: number) {
    super(`\`${shown(tool, args)}\` did not end within ${timeoutMs} ms and was killed`);
    this.name = 'ToolTimeout';
    this.tool = tool;
    this.args = args;
    this.timeoutMs = timeoutMs;
  }
}

/** Throw it in an action's handler: the action fails with this message, while databags and secrets written so far are kept. */
export class ActionFailure extends Error {
  readonly results: ActionResults;
  constructor(message: string, options: { results?: ActionResults; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'ActionFailure';
    this.results = options.results ?? {};
  }
}

/** What an action answers with. Nested objects become dotted keys; `undefined` is left out; Juju stores text. */
export interface ActionResults {
  readonly [key: string]: string | number | boolean | undefined | ActionResults;
}

type FailureClass = new (tool: string, args: readonly string[], result: ToolResult) => ToolFailure;

// The texts are those of Juju 3.1 to 4.0. The first that fits wins, so the particular ones come first.
const recognised: readonly [FailureClass, (tool: string, stderr: string) => boolean][] = [
  [NotLeader, (_, text) => /not the leader|cannot write relation settings/.test(text)],
  [RelationGone, (_, text) => /relation not found|unknown relation id/.test(text)],
  [PermissionDenied, (_, text) => /permission denied|unauthorized/i.test(text)],
  [SecretNotFound, (tool, text) => tool.startsWith('secret-') && /not found/.test(text)],
  [PortConflict, (_, text) => /port range conflicts/.test(text)],
  [NotFound, (_, text) => /not found|no network config found/.test(text)],
];

/** The error for a tool's failed result. */
export function failureOf(tool: string, args: readonly string[], result: ToolResult): ToolFailure {
  if (result.code === 127) return new ToolMissing(tool, args, result);
  const found = recognised.find(([, fits]) => fits(tool, result.stderr));
  return new (found?.[0] ?? ToolFailure)(tool, args, result);
}

/** An error with its stack and its chain of causes, as text for a log. */
export function explain(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? `${error.name}: ${error.message}`;
  if (depth >= 8) return text;
  const below: string[] = [];
  if (error instanceof AggregateError) below.push(...error.errors.map((one) => explain(one, depth + 1)));
  if (error.cause !== undefined) below.push(`caused by: ${explain(error.cause, depth + 1)}`);
  return [text, ...below].join('\n');
}
