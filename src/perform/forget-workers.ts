// Makes web forget the workers of units that are gone: whoever was removed by force, lost its power or could not reach web has
// not retired, and web keeps a stalled worker for ever.
import { farewell, pruneRequest } from '../concourse/api.ts';
import { workerName } from '../concourse/worker.ts';
import type { Settings } from '../observed.ts';
import type { Session } from '../session.ts';
import { openApi } from './ask-web.ts';

/** Never fails: what web does not forget now is asked for again. It still takes a worker for running until it has missed its
 * heartbeat, for 60 s. */
export async function forgetWorkers(
  session: Session,
  settings: Settings,
  units: readonly string[],
): Promise<void> {
  const gone = await pruned(session, settings, units);
  const workers = (session.memory.workers ?? []).filter((unit) => !gone.includes(unit));
  const left = gone.length < units.length;
  const forgettingSince = left ? (session.memory.forgettingSince ?? session.host.clock.now()) : undefined;
  session.memory = { ...session.memory, workers, forgettingSince };
}

/** Those of `units` of which web lists no worker any more. */
async function pruned(session: Session, settings: Settings, units: readonly string[]): Promise<string[]> {
  const { hook } = session;
  const api = await openApi(session, settings);
  const listed = await api?.workers();
  if (api === undefined || listed === undefined) return [];
  const left = new Set<string>();
  for (const unit of units) {
    for (const { name, state } of listed.filter((worker) => isOf(unit, worker.name))) {
      const answer = farewell(state) === 'prune' ? await api.ask(pruneRequest(api.token, name)) : undefined;
      if (answer?.status === 200) hook.log.info(`web has forgotten the worker ${name}, which was ${state}`);
      else left.add(unit);
    }
  }
  return units.filter((unit) => !left.has(unit));
}

/** Whatever work directory it had last: see `workerName`. */
const isOf = (unit: string, name: string): boolean =>
  name === workerName(unit) ||
  (name.startsWith(`${workerName(unit)}-`) && /^[0-9]+$/.test(name.slice(workerName(unit).length + 1)));
