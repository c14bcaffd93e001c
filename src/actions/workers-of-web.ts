// The actions on web's workers, by its API, on the unit that runs it: prune-workers and smoke-test.
import { ActionFailure } from 'juju-ts-ops';
import {
  abortRequest,
  type Build,
  buildRequest,
  buildStateRequest,
  containersRequest,
  parseBuild,
  parseTaskWorker,
  pruneRequest,
} from '../concourse/api.ts';
import { observe } from '../observe/observe.ts';
import type { Observed } from '../observed.ts';
import { openApi, type WebApi } from '../perform/ask-web.ts';
import type { Session } from '../session.ts';
import { goalOf } from './situation.ts';

/** Web here, with the administrator's token. */
async function api(session: Session, o: Observed, action: string): Promise<WebApi> {
  const { installer } = goalOf(o);
  if (o.settings.mode === 'worker')
    throw new ActionFailure('this application has no web: ask that of the other');
  if (installer !== o.unit) throw new ActionFailure(`this unit is not web: juju run ${installer} ${action}`);
  const opened = await openApi(session, o.settings);
  if (opened === undefined)
    throw new ActionFailure(
      "web does not answer here, or does not take the administrator's password: see the action status",
    );
  return opened;
}

/** Without a name: all that web has given up on. A worker that landed comes back with its caches, so it is left unless it is named. */
export async function pruneWorkers(
  session: Session,
  params: { worker?: string | undefined; 'dry-run': boolean },
) {
  const o = await observe(session);
  const web = await api(session, o, 'prune-workers');
  const listed = await web.workers();
  if (listed === undefined) throw new ActionFailure('web does not list its workers: see the action status');
  const { worker } = params;
  const named = listed.find(({ name }) => name === worker);
  const names = listed.map(({ name, state }) => `${name} (${state})`).join(', ') || 'none';
  if (worker !== undefined && named === undefined)
    throw new ActionFailure(`web knows no worker ${worker}; it lists ${names}`);
  if (named?.state === 'running')
    throw new ActionFailure(`${worker} runs: juju run UNIT retire-worker on its unit, instead`);
  const chosen = named === undefined ? listed.filter(({ state }) => state === 'stalled') : [named];
  const pruned: string[] = [];
  if (!params['dry-run']) {
    for (const { name } of chosen) {
      const answer = await web.ask(pruneRequest(web.token, name));
      // Another may have done it, or the worker has come back in the meantime.
      if (answer?.status !== 200)
        throw new ActionFailure(
          `web refuses to prune ${name}: ${answer?.body.slice(0, 200) || 'no answer'}`,
          {
            results: { pruned: pruned.join(', ') || 'none' },
          },
        );
      pruned.push(name);
    }
  }
  const found = chosen.map(({ name }) => name).join(', ') || 'none';
  return {
    pruned: pruned.join(', ') || 'none',
    found,
    listed: names,
    result: params['dry-run'] ? 'nothing was pruned: dry-run' : `${pruned.length} pruned`,
  };
}

const pollMs = 1_000;
/** How often it is said that the build is still on its way. */
const sayMs = 15_000;

/** A one-off build. Aborted when it has not ended within `timeout`. */
export async function smokeTest(
  session: Session,
  params: { timeout: number; tag?: string | undefined },
  tell: (text: string) => Promise<void>,
) {
  const { clock } = session.host;
  const o = await observe(session);
  const web = await api(session, o, 'smoke-test');
  const tags = params.tag === undefined ? [] : [params.tag];
  const created = await web.ask(buildRequest(web.token, { script: 'echo a smoke test; id; date', tags }));
  const begun = parseBuild(created?.body ?? '');
  if (begun === undefined)
    throw new ActionFailure(
      `web begins no build: ${created?.body.slice(0, 200) || `HTTP ${created?.status}`}`,
    );
  await tell(`build ${begun.id} has begun`);
  const start = clock.monotonic();
  let [build, worker, saidMs]: [Build, string | undefined, number] = [begun, undefined, 0];
  while (build.status === 'pending' || build.status === 'started') {
    const waitedMs = clock.monotonic() - start;
    if (waitedMs >= params.timeout) break;
    await clock.wait(Math.min(pollMs, params.timeout - waitedMs));
    // An answer that is missing once says nothing: web may be restarting.
    build = parseBuild((await web.ask(buildStateRequest(web.token, begun.id)))?.body ?? '') ?? build;
    if (worker === undefined) {
      worker = parseTaskWorker((await web.ask(containersRequest(web.token, begun.id)))?.body ?? '');
      if (worker !== undefined) await tell(`it runs on ${worker}`);
    }
    if (clock.monotonic() - start - saidMs < sayMs) continue;
    saidMs = clock.monotonic() - start;
    await tell(
      `${build.status} for ${Math.round(saidMs / 1000)} s, ${worker === undefined ? 'no worker has taken it' : `on ${worker}`}`,
    );
  }
  const seconds = ((clock.monotonic() - start) / 1000).toFixed(1);
  const results = {
    build: begun.id,
    status: build.status,
    worker: worker ?? 'none',
    seconds,
    url: `${o.web.url}/builds/${begun.id}`,
  };
  if (build.status === 'succeeded')
    return {
      ...results,
      result: `build ${begun.id} succeeded on ${worker ?? 'a worker'} within ${seconds} s`,
    };
  const over = build.status === 'pending' || build.status === 'started';
  if (over) await web.ask(abortRequest(web.token, begun.id));
  const where = worker === undefined ? 'no worker took it' : `it ran on ${worker}`;
  throw new ActionFailure(
    over
      ? `build ${begun.id} did not end within ${seconds} s and was aborted: ${where}; see ${results.url}`
      : `build ${begun.id} ${build.status} after ${seconds} s: ${where}; see ${results.url}`,
    { results },
  );
}
