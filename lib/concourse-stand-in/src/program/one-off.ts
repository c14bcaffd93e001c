// One-off builds, as the API has them: begun by a plan, taken by a running worker of web's own version, over a moment later. Nothing
// of the plan is really run.
import type { Answer, Request } from './api.ts';
import { workerVersion } from './build.ts';
import type { Database, StoredBuild, StoredWorker } from './database.ts';

const runsMs = 300;

export function answerBuilds(request: Request, database: Database, workers: readonly StoredWorker[]): Answer {
  const { method, path, query } = request;
  const builds = database.builds();
  if (path.endsWith('/containers')) return { status: 200, body: containers(builds, query.get('build_id')) };
  if (path === '/api/v1/teams/main/builds' && method === 'POST') {
    if (!isPlan(request.body)) return { status: 400, body: '' };
    const build = { id: (builds.at(-1)?.id ?? 0) + 1, begun: Date.now() };
    database.saveBuild(build);
    return { status: 201, body: shown(build) };
  }
  const [, id = '', abort] = /^\/api\/v1\/builds\/(\d+)(\/abort)?$/.exec(path) ?? [];
  const found = builds.find((build) => build.id === Number(id));
  if (found === undefined) return { status: 404, body: '' };
  if (abort !== undefined && method === 'PUT') {
    database.saveBuild({ ...found, aborted: true });
    return { status: 204, body: '' };
  }
  const fit = workers.find(({ state, version }) => state === 'running' && version === workerVersion);
  const taken =
    found.worker === undefined && fit !== undefined && found.aborted !== true
      ? { ...found, worker: { name: fit.name, since: Date.now() } }
      : found;
  if (taken !== found) database.saveBuild(taken);
  return { status: 200, body: shown(taken) };
}

function isPlan(body: string): boolean {
  try {
    const plan: unknown = JSON.parse(body);
    return typeof plan === 'object' && plan !== null && 'id' in plan;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function shown(build: StoredBuild): object {
  const over = build.worker !== undefined && Date.now() - build.worker.since >= runsMs;
  const seconds = (ms: number) => Math.floor(ms / 1000);
  return {
    id: build.id,
    team_name: 'main',
    name: String(build.id),
    status: build.aborted === true ? 'aborted' : over ? 'succeeded' : 'started',
    api_url: `/api/v1/builds/${build.id}`,
    start_time: seconds(build.begun),
    ...(over && { end_time: seconds((build.worker?.since ?? 0) + runsMs) }),
  };
}

const containers = (builds: readonly StoredBuild[], id: string | null): object[] =>
  builds
    .filter((build) => id === null || String(build.id) === id)
    .flatMap(({ id: build, worker }) =>
      worker === undefined
        ? []
        : [
            {
              id: `container-${build}`,
              worker_name: worker.name,
              state: 'created',
              type: 'task',
              build_id: build,
            },
          ],
    );
