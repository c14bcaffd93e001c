// Who the peers are, what they say, and who of them lives: from Juju, or, where an event tells of one unit only, from what
// this unit noted of the others. While acknowledgements come in, the installer's work for one does not grow with their number.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { parseDatabag } from 'juju-ts-ops';
import { z } from 'zod';
import { malformed, type Session } from '../session.ts';
import { type Facts, factsSchema } from '../upgrade/facts.ts';
import { unacknowledged } from '../upgrade/installer.ts';

export interface Peers {
  facts: Map<string, Facts>;
  /** Units that `goal-state` names and that are not dying, with their statuses; undefined when that was not asked. */
  living: Map<string, string> | undefined;
  /** Units that this one has met in the relation, itself included. */
  met: ReadonlySet<string>;
}

/** The installer's note under /run: databags as they are, and the answer of `goal-state`. Gone after a reboot. */
const noteSchema = z.object({
  bags: z.record(z.string(), z.record(z.string(), z.string())),
  living: z.record(z.string(), z.string()),
});
type Note = z.output<typeof noteSchema>;

export async function readPeers(
  session: Session,
  about: { leader: boolean; ownVolume: boolean },
): Promise<Peers> {
  const { hook, goal } = session;
  const relation = await hook.peer('peers');
  if (relation === undefined) return { facts: new Map(), living: undefined, met: new Set([hook.unit]) };
  const installs = goal?.installer === hook.unit;
  const event = oneUnitsEvent(session);
  const note = installs && event !== undefined ? await readNote(session) : undefined;
  if (note !== undefined && event !== undefined) {
    const bags = { ...note.bags, [event]: (await relation.unit(event)).raw };
    const facts = factsIn(session, bags);
    const living = someoneMissing(session, facts, note) ? note.living : await livingUnits(session);
    return noted(session, { bags, living });
  }
  // Who installs on a volume of its own is decided among those that live.
  const living = about.leader || installs || about.ownVolume ? await livingUnits(session) : undefined;
  const gone = goal === undefined || hook.dying || (living !== undefined && !(goal.installer in living));
  const everyone = installs || about.ownVolume || (about.leader && gone);
  const units = everyone ? await relation.units() : [goal?.installer].filter((name) => name !== undefined);
  const others = units.filter((name) => name !== hook.unit);
  const read = await Promise.all(
    others.map(async (name) => [name, (await relation.unit(name)).raw] as const),
  );
  const bags = Object.fromEntries(read);
  if (installs && living !== undefined) return noted(session, { bags, living });
  const known = living && new Map(Object.entries(living));
  return { facts: factsIn(session, bags), living: known, met: new Set([hook.unit, ...Object.keys(bags)]) };
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
async function livingUnits({ hook }: Session): Promise<Note['living']> {
  const { units } = await hook.goalState();
  return Object.fromEntries(
    Object.entries(units).flatMap(([name, { status }]) => (status === 'dying' ? [] : [[name, status]])),
  );
}

/** Who lives is asked when it matters: when no acknowledgement is missing any more, or none is waited for. What was last
 * known serves meanwhile: a unit that is gone since counts as missing until the deadline. */
function someoneMissing({ facts: own, goal, host }: Session, facts: Map<string, Facts>, note: Note): boolean {
  if (goal === undefined || own['upgrade-state'] !== 'prepare') return false;
  if ((own['upgrade-deadline'] ?? 0) <= host.clock.now()) return false;
  return unacknowledged(own, goal, facts, new Set(Object.keys(note.living))).length > 0;
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
  return {
    facts: factsIn(session, note.bags),
    living: new Map(Object.entries(note.living)),
    met: new Set([session.hook.unit, ...Object.keys(note.bags)]),
  };
}
