// Whether everything is as the last update-status left it that had nothing to do: then this one has nothing to do either.
// Loaded before the rest of the charm, and instead of it.
import type { Host } from '../host/host.ts';
import { aboutOf, type CalmNote, heard, readCalmNote, type Surroundings } from './note.ts';
import { isStill } from './readings.ts';

/** Resolves with what the hook tool printed. */
export type AskTool = (tool: string, args: readonly string[]) => Promise<string>;

/** `text`: of the note. False wherever anything differs, or cannot be asked. */
export async function isCalm(
  text: string,
  { host, ask, about }: { host: Host; ask: AskTool; about: Surroundings },
): Promise<boolean> {
  const note = readCalmNote(text);
  const now = host.clock.now();
  if (note === undefined || note.about !== aboutOf(about) || now < note.from || now >= note.until)
    return false;
  const tools = all(
    note.tools.map(
      ([tool, args, digest]) =>
        () =>
          sameAnswer(ask, tool, args, digest),
    ),
  );
  const machine = await isSameMachine(host, note.readings);
  return (await tools) && machine;
}

const sameAnswer = async (ask: AskTool, tool: string, args: readonly string[], digest: string) =>
  heard(tool, await ask(tool, args)) === digest;

/** Programs first: one of them finds out whether a file server answers, for which everything else would wait. */
async function isSameMachine(host: Host, readings: CalmNote['readings']): Promise<boolean> {
  const program = ([question]: CalmNote['readings'][number]): boolean => question === 'commands.run';
  const same = (chosen: CalmNote['readings']) => all(chosen.map((each) => () => isStill(host, each)));
  return (await same(readings.filter(program))) && same(readings.filter((each) => !program(each)));
}

/** What cannot be answered is not as it was: the whole charm meets the failure, and says it. */
async function all(checks: readonly (() => Promise<boolean>)[]): Promise<boolean> {
  const settled = await Promise.allSettled(checks.map((check) => check()));
  return settled.every((each) => each.status === 'fulfilled' && each.value);
}
