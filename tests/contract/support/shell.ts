// The few shell words in which the recordings call hook tools: enough to run them against the fake, and to know when it is not.
import { type HookContext, toolNames } from 'juju-ts-ops/testing';

export interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

/** `a 'b c' "d"; e` → [[a, b c, d], [e]]; undefined: more than plain commands (pipes, variables, redirections). */
export function plainCommands(script: string): string[][] | undefined {
  if (/[|&<>$`(){}]/.test(script.replace(/'[^']*'/g, ''))) return undefined;
  const commands: string[][] = [[]];
  for (const [part] of script.matchAll(/;|(?:[^\s;'"]|'[^']*'|"[^"]*")+/g)) {
    if (part === ';') commands.push([]);
    else commands.at(-1)?.push(part.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return commands.filter((each) => each.length > 0);
}

/** Runs the script's commands; undefined when it has others than hook tools, echo, true and exit. */
export function runScript(context: HookContext, script: string): Printed | undefined {
  const commands = plainCommands(script);
  const known = [...toolNames, 'echo', 'true', 'exit'];
  if (!commands?.every(([name = '']) => known.includes(name))) return undefined;
  const printed: Printed = { code: 0, stdout: '', stderr: '' };
  for (const [name = '', ...args] of commands) {
    if (name === 'exit') return { ...printed, code: Number(args[0] ?? printed.code) };
    const one = name === 'echo' ? echo(args) : name === 'true' ? nothing : context.tool(name, args);
    printed.code = one.code;
    printed.stdout += one.stdout;
    printed.stderr += one.stderr;
  }
  return printed;
}

const nothing: Printed = { code: 0, stdout: '', stderr: '' };
const echo = (words: readonly string[]): Printed => ({ ...nothing, stdout: `${words.join(' ')}\n` });
