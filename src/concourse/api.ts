// The few requests to Concourse's API that the charm makes: as descriptions, to be sent by whoever has a connection. `fly` is
// of no use here: it refuses a web of another minor version.
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

export function parseToken(body: string): string | undefined {
  return z.object({ access_token: z.string().min(1) }).safeParse(json(body)).data?.access_token;
}

const workerSchema = z.object({
  name: z.string(),
  version: z.string().default(''),
  state: z.enum(['running', 'stalled', 'landing', 'landed', 'retiring']).catch('stalled'),
});

export type ListedWorker = z.infer<typeof workerSchema>;

/** Undefined when it is not a list of workers. */
export const parseWorkers = (body: string): ListedWorker[] | undefined =>
  z.array(workerSchema).safeParse(json(body)).data;

/** How a listed worker is made to go. Retiring one that has landed fails in the database (500), so what no longer runs is
 * pruned, and only what runs must retire by itself. */
export const farewell = (state: ListedWorker['state']): 'retire' | 'prune' =>
  state === 'running' ? 'retire' : 'prune';

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
