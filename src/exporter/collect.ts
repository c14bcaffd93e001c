// One look at Concourse's API: with a token that is kept until it is about to expire, one request at a time, each bounded.
import { jsonValue } from '../json.ts';
import { z } from 'zod';
import { tokenRequest } from '../concourse/api.ts';
import type { Host } from '../host/host.ts';
import { countOf, jobFamilies, parseJobs } from './jobs.ts';
import type { ExporterSettings } from './settings.ts';
import type { Family } from './text.ts';

const requestMs = 10_000;
/** Some 1 KB for each job. Beyond it nothing is told of jobs: this program has to stay small beside web. */
const answerBytesAtMost = 16 * 1024 * 1024;

export interface Token {
  text: string;
  /** On the monotonic clock. */
  renewAt: number;
}

export interface Look {
  /** Undefined: web did not answer as it should, and what was known before is stale. */
  jobs: Family[] | undefined;
  /** To be handed in at the next look. */
  token: Token | undefined;
  /** Why there are none, in words without a secret. */
  problem: string | undefined;
}

/** Resolves whatever happens. */
export async function look(
  host: Pick<Host, 'http' | 'clock'>,
  settings: ExporterSettings,
  kept: Token | undefined,
): Promise<Look> {
  let token = kept !== undefined && host.clock.monotonic() < kept.renewAt ? kept : undefined;
  // Once more where a token is refused before its time: web's signing key or the password has changed.
  for (let renewals = 0; ; renewals += 1) {
    token ??= await fetchToken(host, settings);
    if (token === undefined) return failed('web gave no token', undefined);
    const jobs = await ask(host, settings, '/api/v1/jobs', token);
    const refused = jobs?.status === 401 || jobs?.status === 403;
    if (refused && renewals === 0) {
      token = undefined;
      continue;
    }
    const pipelines =
      jobs?.status === 200 ? await ask(host, settings, '/api/v1/pipelines', token) : undefined;
    const listed = parseJobs(jobs?.content);
    const count = countOf(pipelines?.content);
    if (jobs?.status !== 200 || pipelines?.status !== 200 || listed === undefined || count === undefined)
      return failed(
        `web did not list jobs and pipelines: ${jobs?.status ?? 'no answer'}, ${pipelines?.status ?? 'no answer'}`,
        refused ? undefined : token,
      );
    return { jobs: jobFamilies(listed, count), token, problem: undefined };
  }
}

const failed = (problem: string, token: Token | undefined): Look => ({ jobs: undefined, token, problem });

const tokenSchema = z.object({
  access_token: z.string().min(1),
  /** Seconds. */
  expires_in: z.number().positive().default(3600),
});

async function fetchToken(
  { http, clock }: Pick<Host, 'http' | 'clock'>,
  { url, user, password }: ExporterSettings,
): Promise<Token | undefined> {
  const { path, ...request } = tokenRequest({ user, password });
  const answer = await http.probe(`${url}${path}`, requestMs, request);
  const read = tokenSchema.safeParse(jsonValue(answer?.status === 200 ? answer.body : '')).data;
  if (read === undefined) return undefined;
  return { text: read.access_token, renewAt: clock.monotonic() + read.expires_in * 800 };
}

async function ask(
  { http }: Pick<Host, 'http'>,
  { url }: ExporterSettings,
  path: string,
  token: Token,
): Promise<{ status: number; content: unknown } | undefined> {
  const headers = { authorization: `Bearer ${token.text}` };
  const answer = await http.probe(`${url}${path}`, requestMs, {
    method: 'GET',
    headers,
    mostBytes: answerBytesAtMost,
  });
  if (answer === undefined) return undefined;
  const content = jsonValue(answer.body);
  // A value that no schema takes, where nothing would be one that a schema may.
  return { status: answer.status, content: content === undefined ? 'not JSON' : content };
}
