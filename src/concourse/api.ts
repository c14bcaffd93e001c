// The few requests to Concourse's API that the charm makes: as descriptions, to be sent by whoever has a connection. `fly` is
// of no use here: it refuses a web of another minor version.
import { jsonValue } from '../json.ts';
import { z } from 'zod';

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** A bearer token for a local user: answered by JSON, see `parseToken`. */
export function tokenRequest(admin: { user: string; password: string }): ApiRequest {
  return {
    method: 'POST',
    path: '/sky/issuer/token',
    // `fly` and `fly` in base64 as its secret: the client that Concourse itself registers for its command line.
    headers: {
      authorization: `Basic ${Buffer.from('fly:Zmx5').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'password',
      username: admin.user,
      password: admin.password,
      scope: 'openid profile email federated:id groups',
    }).toString(),
  };
}

export const workersRequest = (token: string): ApiRequest => ({
  method: 'GET',
  path: '/api/v1/workers',
  headers: { authorization: `Bearer ${token}` },
});

/** Makes web forget a worker that is gone. Refused (400) for one that runs. */
export const pruneRequest = (token: string, worker: string): ApiRequest => ({
  method: 'PUT',
  path: `/api/v1/workers/${encodeURIComponent(worker)}/prune`,
  headers: { authorization: `Bearer ${token}` },
});

/** A one-off build of the team main, begun at once: one task in a container of its own. Its image is the resource type mock's own
 * root file system, which every release brings along: nothing is fetched from anywhere. */
export const buildRequest = (
  token: string,
  task: { script: string; tags: readonly string[] },
): ApiRequest => ({
  method: 'POST',
  path: '/api/v1/teams/main/builds',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({
    id: 'smoke-test',
    task: {
      name: 'smoke-test',
      privileged: false,
      ...(task.tags.length > 0 && { tags: task.tags }),
      config: {
        platform: 'linux',
        image_resource: { type: 'mock', source: { mirror_self: true } },
        run: { path: '/bin/sh', args: ['-c', task.script] },
      },
    },
  }),
});

const authorized = (method: 'GET' | 'PUT', token: string, path: string): ApiRequest => ({
  method,
  path,
  headers: { authorization: `Bearer ${token}` },
});

export const buildStateRequest = (token: string, id: number): ApiRequest =>
  authorized('GET', token, `/api/v1/builds/${id}`);

export const abortRequest = (token: string, id: number): ApiRequest =>
  authorized('PUT', token, `/api/v1/builds/${id}/abort`);

/** The containers of a build: a one-off's stay for some minutes after its end. */
export const containersRequest = (token: string, build: number): ApiRequest =>
  authorized('GET', token, `/api/v1/teams/main/containers?build_id=${build}`);

const buildSchema = z.object({
  id: z.number().int(),
  status: z.enum(['pending', 'started', 'succeeded', 'failed', 'errored', 'aborted']),
  /** Seconds since the epoch. */
  start_time: z.number().optional(),
  end_time: z.number().optional(),
});
export type Build = z.infer<typeof buildSchema>;

export const parseBuild = (body: string): Build | undefined => buildSchema.safeParse(jsonValue(body)).data;

/** The worker on which a build's task runs or ran; undefined before one has taken it. */
export function parseTaskWorker(body: string): string | undefined {
  const container = z.object({ worker_name: z.string(), type: z.string().default('') });
  const listed = z.array(container).safeParse(jsonValue(body)).data ?? [];
  return listed.find(({ type }) => type === 'task')?.worker_name;
}

export function parseToken(body: string): string | undefined {
  return z.object({ access_token: z.string().min(1) }).safeParse(jsonValue(body)).data?.access_token;
}

const workerSchema = z.object({
  name: z.string(),
  version: z.string().default(''),
  state: z.enum(['running', 'stalled', 'landing', 'landed', 'retiring']).catch('stalled'),
});

export type ListedWorker = z.infer<typeof workerSchema>;

/** Undefined when it is not a list of workers. */
export const parseWorkers = (body: string): ListedWorker[] | undefined =>
  z.array(workerSchema).safeParse(jsonValue(body)).data;

/** How a listed worker is made to go. Retiring one that has landed fails in the database (500), so what no longer runs is
 * pruned, and only what runs must retire by itself. */
export const farewell = (state: ListedWorker['state']): 'retire' | 'prune' =>
  state === 'running' ? 'retire' : 'prune';
