// The units of other applications in the relations `tsa` and `flight`: from Juju, or, where an event tells of one unit only, the
// others as this unit noted them. While a hundred workers join, web's work for one does not grow with their number.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { parseDatabag } from 'juju-ts-ops';
import { z } from 'zod';
import type { TsaRelation, WebElsewhere } from '../observed.ts';
import { relatedNotePath } from '../quiet.ts';
import { guestOf, living, tsaWebSchema, tsaWorkerSchema, websOf } from '../relations/tsa.ts';
import { malformed, type Session } from '../session.ts';

type Bag = Record<string, string>;
interface Related {
  id: string;
  application: string;
  /** By unit. */
  bags: Record<string, Bag>;
}
/** What both endpoints' relations can do. */
interface Readable {
  id: string;
  remoteApplication(): Promise<string>;
  units(): Promise<string[]>;
  unit(name: string): Promise<{ raw: Readonly<Bag> }>;
}

/** Under /run, and gone after a reboot. */
const noteSchema = z.record(
  z.string(),
  z.object({ application: z.string(), bags: z.record(z.string(), z.record(z.string(), z.string())) }),
);
type Note = z.output<typeof noteSchema>;

/** On web: the workers of other applications, whose keys can be used. */
export async function viewTsa(session: Session): Promise<TsaRelation[]> {
  const related = await readRelated(session, 'tsa', await session.hook.relations('tsa'));
  return related.map(({ id, application, bags }) => ({
    id,
    application,
    workers: Object.entries(bags).map(([unit, raw]) => {
      const { values, problems } = parseDatabag(tsaWorkerSchema, raw);
      for (const problem of problems) session.malformed.add(`${unit}: ${malformed(problem)}`);
      return guestOf(unit, values);
    }),
  }));
}

/** On workers: the web of another application; undefined without the relation. */
export async function viewFlight(session: Session): Promise<WebElsewhere | undefined> {
  const [first] = await readRelated(session, 'flight', await session.hook.relations('flight'));
  if (first === undefined) return undefined;
  const units = Object.entries(first.bags).map(([unit, raw]) => {
    const { values, problems } = parseDatabag(tsaWebSchema, raw);
    for (const problem of problems) session.malformed.add(`${unit}: ${malformed(problem)}`);
    return [unit, values] as const;
  });
  return { application: first.application, ...websOf(new Map(units)) };
}

async function readRelated(
  session: Session,
  endpoint: 'tsa' | 'flight',
  relations: readonly Readable[],
): Promise<Related[]> {
  const { event } = session.hook;
  const broken = event.kind === 'relation-broken' ? event.relation.id : undefined;
  const tells = event.kind === 'relation-joined' || event.kind === 'relation-changed';
  const noted = tells && event.relation.remoteUnit !== undefined ? await readNote(session, endpoint) : {};
  const related = await Promise.all(
    relations
      .filter(({ id }) => id !== broken)
      .map(async (relation): Promise<Related> => {
        const known = noted[relation.id];
        if (known === undefined) return readWhole(session, endpoint, relation);
        const unit = event.relation?.id === relation.id ? event.relation.remoteUnit : undefined;
        const news = unit === undefined ? {} : { [unit]: { ...(await relation.unit(unit)).raw } };
        return { ...known, id: relation.id, bags: { ...known.bags, ...news } };
      }),
  );
  await writeNote(session, endpoint, related);
  return related;
}

async function readWhole(
  { hook }: Session,
  endpoint: 'tsa' | 'flight',
  relation: Readable,
): Promise<Related> {
  const [application, names] = await Promise.all([relation.remoteApplication(), relation.units()]);
  const bags = await Promise.all(
    names.map(async (name): Promise<[string, Bag]> => [name, { ...(await relation.unit(name)).raw }]),
  );
  // A worker asks who lives only where more than one unit says that it is web.
  const doubtful = endpoint === 'tsa' || bags.filter(([, bag]) => bag['tsa-host'] !== undefined).length > 1;
  const listed = doubtful && names.length > 0 ? ((await hook.goalState()).relations[endpoint] ?? {}) : {};
  const there = new Set(living(names, application, Object.keys(listed)));
  return { id: relation.id, application, bags: Object.fromEntries(bags.filter(([name]) => there.has(name))) };
}

async function readNote({ hook, host }: Session, endpoint: 'tsa' | 'flight'): Promise<Note> {
  const text = await host.files.readText(relatedNotePath(host.paths.run, hook.unit, endpoint));
  return parseJson(noteSchema, text) ?? {}; // Torn by a crash: everything is read anew.
}

async function writeNote({ hook, host }: Session, endpoint: 'tsa' | 'flight', related: readonly Related[]) {
  const { files } = host;
  const file = relatedNotePath(host.paths.run, hook.unit, endpoint);
  const note: Note = Object.fromEntries(
    related.map(({ id, application, bags }) => [id, { application, bags }]),
  );
  const text = JSON.stringify(note);
  if ((await files.readText(file)) === text) return;
  await files.makeDirectory(path.dirname(file), { mode: 0o700, recursive: true });
  await files.write(file, text, { mode: 0o600 });
}

/** Who is not web any more hears of no worker elsewhere: what it noted would be old when it is web again. */
export async function forgetTsa({ hook, host }: Session): Promise<void> {
  const file = relatedNotePath(host.paths.run, hook.unit, 'tsa');
  if ((await host.files.readText(file)) !== undefined) await host.files.remove(file);
}
