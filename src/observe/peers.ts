// Who the peers are, what they say, and who of them lives: from Juju, or, where an event tells of one unit only, from what
// this unit noted of the others. While acknowledgements come in, the installer's work for one does not grow with their number.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { parseDatabag } from 'juju-ts-ops';
import { z } from 'zod';
import { malformed, type Session } from '../session.ts';
import { type Facts, factsSchema } from '../upgrade/facts.ts';
import { unacknowledged } from '../upgrade/acknowledgements.ts';

export interface Peers {
  facts: Map<string, Facts>;
  /** Units that `goal-state` names and that are not dying, with their statuses; undefined when that was not asked. */
  living: Map<string, string> | undefined;
  /** Those that it names as dying: their services may still run. */
  dying: ReadonlySet<string>;
  /** Units that this one has met in the relation, itself included. */
  met: ReadonlySet<string>;
}

/** The installer's note under /run: databags as they are, and the answer of `goal-state`. Gone after a reboot. */
const noteSchema = z.object({
  bags: z.record(z.string(), z.record(z.string(), z.string())),
  units: z.record(z.string(), z.string()),
});
type Note = z.output<typeof noteSchema>;

export async function readPeers(
  session: Session,
  about: { leader: boolean; ownVolume: boolean; oneOfWebs: boolean },
): Promise<Peers> {
  const { hook, goal } = session;
  const relation = await hook.peer('peers');
  if (relation === undefined) return peersOf(session, new Map(), undefined);
  const installs = goal?.installer === hook.unit;
  const event = oneUnitsEvent(session);
  const note = installs && event !== undefined ? await readNote(session) : undefined;
  if (note !== undefined && event !== undefined) {
    const bags = { ...note.bags, [event]: (await relation.unit(event)).raw };
    const facts = factsIn(session, bags);
    const units = someoneMissing(session, facts, note) ? note.units : await unitsOfJuju(session);
    return noted(session, { bags, units });
  }
  // Who installs on a volume of its own is decided among those that live, and so is whose turn it is among webs.
  const told =
    about.leader || installs || about.ownVolume || about.oneOfWebs ? await unitsOfJuju(session) : undefined;
  const gone = goal === undefined || hook.dying || (told !== undefined && !lives(told[goal.installer]));
  const everyone = installs || about.ownVolume || about.oneOfWebs || (about.leader && gone);
  const units = everyone ? await relation.units() : [goal?.installer].filter((name) => name !== undefined);
  const others = units.filter((name) => name !== hook.unit);
  const read = await Promise.all(
    others.map(async (name) => [name, (await relation.unit(name)).raw] as const),
  );
  const bags = Object.fromEntries(read);
  if (installs && told !== undefined) return noted(session, { bags, units: told });
  return peersOf(session, factsIn(session, bags), told);
}

const lives = (status: string | undefined): boolean => status !== undefined && status !== 'dying';

function peersOf(session: Session, facts: Map<string, Facts>, units: Note['units'] | undefined): Peers {
  const told = Object.entries(units ?? {});
  return {
    facts,
    living: units && new Map(told.filter(([, status]) => lives(status))),
    dying: new Set(told.flatMap(([name, status]) => (lives(status) ? [] : [name]))),
    met: new Set([session.hook.unit, ...facts.keys()]),
  };
}

/** The unit of which alone this event tells. */
function oneUnitsEvent({ hook }: Session): string | undefined {
  const { event } = hook;
  const tells = event.kind === 'relation-joined' || event.kind === 'relation-changed';
  return tells && event.relation.endpoint === 'peers' ? event.relation.remoteUnit : undefined;
}

function factsIn(session: Session, bags: Note['bags']): Map<string, Facts> {
  return new Map(
    Object.entries(bags).map(([name, raw]) => {
      const { values, problems } = parseDatabag(factsSchema, raw);
      for (const problem of problems) session.malformed.add(`${name}: ${malformed(problem)}`);
      return [name, values];
    }),
  );
}

/** `goal-state` alone knows who lives: on Juju 4 a removed unit may stay in `relation-list` for ever. */
async function unitsOfJuju({ hook }: Session): Promise<Note['units']> {
  const { units } = await hook.goalState();
  return Object.fromEntries(Object.entries(units).map(([name, { status }]) => [name, status]));
}

/** Who lives is asked when it matters: when no acknowledgement is missing any more, or none is waited for. What was last
 * known serves meanwhile: a unit that is gone since counts as missing until the deadline. */
function someoneMissing({ facts: own, goal, host }: Session, facts: Map<string, Facts>, note: Note): boolean {
  if (goal === undefined || own['upgrade-state'] !== 'prepare') return false;
  if ((own['upgrade-deadline'] ?? 0) <= host.clock.now()) return false;
  const living = Object.keys(note.units).filter((name) => lives(note.units[name]));
  return unacknowledged(own, goal, facts, new Set(living)).length > 0;
}

export const peersNotePath = (run: string, unit: string): string =>
  path.join(run, 'concourse-ci', `${unit.replace('/', '-')}.peers.json`);

async function readNote(session: Session): Promise<Note | undefined> {
  const text = await session.host.files.readText(peersNotePath(session.host.paths.run, session.hook.unit));
  return parseJson(noteSchema, text); // Torn by a crash: everything is read anew.
}

async function noted(session: Session, note: Note): Promise<Peers> {
  const { files } = session.host;
  const file = peersNotePath(session.host.paths.run, session.hook.unit);
  const text = JSON.stringify(note);
  if ((await files.readText(file)) !== text) {
    await files.makeDirectory(path.dirname(file), { mode: 0o700, recursive: true });
    await files.write(file, text, { mode: 0o600 });
  }
  return peersOf(session, factsIn(session, note.bags), note.units);
}
