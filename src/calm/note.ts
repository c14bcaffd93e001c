// The note of an update-status that looked at everything and had nothing to do: what it asked, and what counts of the answers.
import { jsonValue } from '../json.ts';
import { digest, type Reading } from './readings.ts';

/** A hook tool, its arguments, and the digest of what counts of its answer. */
export type Answered = readonly [tool: string, args: readonly string[], digest: string];

export interface CalmNote {
  /** Of `Surroundings`. */
  about: string;
  /** Wall clock, ms since the epoch: the note counts from `from` until before `until`. */
  from: number;
  until: number;
  tools: readonly Answered[];
  readings: readonly Reading[];
}

/** What the environment of a hook tells beside the event: changes of the model's proxies have no event. */
export interface Surroundings {
  unit: string;
  model: { name: string; uuid: string };
  machineId: string;
  jujuVersion: string;
  proxies: { http: string | undefined; https: string | undefined; no: string | undefined };
  charmDirectory: string;
}

export const aboutOf = (of: Surroundings): string =>
  digest([of.unit, of.model, of.machineId, of.jujuVersion, of.proxies, of.charmDirectory]);

const format = 1;

export const calmNoteText = (note: CalmNote): string => JSON.stringify({ format, ...note });

/** Undefined for what this charm did not write, or not to its end. Without zod, which is not loaded where all is calm. */
export function readCalmNote(text: string): CalmNote | undefined {
  const value = jsonValue(text);
  if (typeof value !== 'object' || value === null || Reflect.get(value, 'format') !== format)
    return undefined;
  return value as CalmNote;
}

/** How Juju is asked for the status that the unit shows. */
export const statusQuestion = ['status-get', ['--include-data', '--format=json']] as const;

/** What counts of a hook tool's answer. Throws SyntaxError for one that is no JSON. */
export function heard(tool: string, answer: string): string {
  switch (tool) {
    // Who lives, and how: not since when.
    case 'goal-state':
      return digest(withoutSince(JSON.parse(answer)));
    case 'status-get': {
      const { status, message } = JSON.parse(answer);
      return statusDigest(status, message);
    }
    default:
      return digest(answer);
  }
}

export const statusDigest = (status: unknown, message: unknown): string => digest([status, message]);

function withoutSince(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'since');
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutSince(each)]));
}

/** Of what a hook asked Juju, that of which no event may tell, and the goal, which steers everything. The rest comes with an event
 * of its own, whose hook looks at everything, and Juju runs update-status only where no other hook is due. That a unit leads no
 * more is told to nobody, but it has not more to do for that. */
export function isAskedAgain(tool: string, args: readonly string[]): boolean {
  // Who lives is not told by Juju 4 where units have not met, nor is an option that is set back to its default.
  return (
    tool === 'goal-state' || tool === 'config-get' || (tool === 'relation-get' && args.includes('--app'))
  );
}
