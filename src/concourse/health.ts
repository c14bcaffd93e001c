// How web and worker fare, by what they answer and what they log.
import { jsonValue } from '../json.ts';
import { z } from 'zod';

/** The part of the machine's HTTP that health needs: undefined when there was no answer in time. */
export interface Probe {
  probe(url: string, timeoutMs: number): Promise<{ status: number; body: string } | undefined>;
}

const info = z.object({
  version: z.string(),
  worker_version: z.string(),
  external_url: z.string().optional(),
  cluster_name: z.string().optional(),
});

export interface WebInfo {
  version: string;
  /** Which workers it can use: the same major, and this or newer. */
  workerVersion: string;
}

/** That web's process answers, and which version it is; no word on the database, without which it answers as well. */
export async function webInfo(http: Probe, baseUrl: string, timeoutMs: number): Promise<WebInfo | undefined> {
  const answer = await http.probe(`${baseUrl}/api/v1/info`, timeoutMs);
  if (answer?.status !== 200) return undefined;
  const parsed = info.safeParse(jsonValue(answer.body));
  return parsed.success
    ? { version: parsed.data.version, workerVersion: parsed.data.worker_version }
    : undefined;
}

/** Whether web can read its database: `unreadable` is a wrong or missing encryption key, `silent` a database that is away
 * (requests hang then, so `timeoutMs` is what one waits). Needs no password: the main team's public pipelines. */
export async function webDatabase(
  http: Probe,
  baseUrl: string,
  timeoutMs: number,
): Promise<'readable' | 'unreadable' | 'silent'> {
  const answer = await http.probe(`${baseUrl}/api/v1/teams/main/pipelines`, timeoutMs);
  if (answer === undefined) return 'silent';
  return answer.status < 500 ? 'readable' : 'unreadable';
}

/** That the worker's own garden and baggageclaim live. Not that it is registered: it says 200 while web refuses it. */
export async function workerHealthy(
  http: Probe,
  address: string,
  port: number,
  timeoutMs: number,
): Promise<boolean> {
  const answer = await http.probe(`http://${address}:${port}/`, timeoutMs);
  return answer?.status === 200;
}

/** What the worker's log must be searched for. */
export const REGISTRATION_MARKS: readonly string[] = [
  'beacon.registered',
  'beacon.exited-with-error',
  'beacon.failed-to-dial',
];

export type RefusalReason = 'host key mismatch' | 'key not authorised' | 'unreachable' | 'other';

export type Registration =
  | { state: 'registered' }
  | { state: 'unregistered'; reason: RefusalReason; detail: string }
  | { state: 'unknown' };

const logLine = z.object({
  message: z.string(),
  data: z.object({ error: z.string().optional() }).optional(),
});

/** From the worker's log lines since its start, oldest first: the last word wins. */
export function registration(lines: readonly string[]): Registration {
  let last: Registration = { state: 'unknown' };
  for (const line of lines) {
    const parsed = logLine.safeParse(jsonValue(line));
    if (!parsed.success) continue;
    const { message, data } = parsed.data;
    if (message.endsWith('beacon.registered')) last = { state: 'registered' };
    else if (message.endsWith('beacon.exited-with-error') || message.endsWith('beacon.failed-to-dial')) {
      const detail = data?.error ?? '';
      last = { state: 'unregistered', reason: refusal(detail), detail };
    }
  }
  return last;
}

function refusal(detail: string): RefusalReason {
  if (detail.includes('remote host public key mismatch')) return 'host key mismatch';
  if (detail.includes('unable to authenticate')) return 'key not authorised';
  if (/unreachable|connection refused|no route to host|i\/o timeout|no such host/.test(detail))
    return 'unreachable';
  return 'other';
}

/** What to search web's log for. */
export const FAILURE_MARKS: readonly string[] = ['error: ', 'panic: ', '"level":"fatal"', '"level":"error"'];

/** What may be mended where a relation brings the database. */
export const DENIED = 'PostgreSQL does not let its user write there';

const EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [/auth config for the team does not have users/, 'no user may log in to the main team'],
  [/SSL is not enabled on the server/, 'PostgreSQL has no TLS, and sslmode asks for it'],
  [/password authentication failed/, 'PostgreSQL refuses the user or password'],
  [/database ".*" does not exist/, 'the database does not exist'],
  [/permission denied for (schema|table|sequence|database|relation)/, DENIED],
  [
    /failed to connect.*x509: |tls error.*x509: /,
    'the certificate of PostgreSQL is not one that web trusts, or names another server',
  ],
  [/no pg_hba\.conf entry/, "PostgreSQL's pg_hba.conf does not let this unit in"],
  [/too many clients|remaining connection slots/, 'PostgreSQL has no connection left: raise max_connections'],
  [/address already in use/, 'another program listens on its port'],
  [/asn1: structure error|failed to parse private key/, 'a private key is not an RSA key in PEM form'],
  [/permission denied/, 'it may not read one of its files'],
  [/tsa-host-key/, 'the TSA host key is missing'],
  [/cannot be used as .*encryption key|invalid key size/, 'the encryption key is not 16 or 32 bytes long'],
  [/failed to decrypt|message authentication failed/, 'the database was encrypted with another key'],
  [
    /connection refused|no route to host|i\/o timeout|no such host|failed to connect/,
    'PostgreSQL cannot be reached',
  ],
  [/panic: /, 'it panicked'],
];

/** Why web does not come up, from its log lines since the start, oldest first; undefined when they tell of no failure. The
 * `line` is Concourse's own (a plain `error: …` on stderr, or the error of a JSON line), to be masked before it is shown. */
export function webFailure(
  lines: readonly string[],
): { explanation: string | undefined; line: string } | undefined {
  const fatal = lines.findLast((line) => /^(error|panic): /.test(line)) ?? lines.findLast(isSevere);
  if (fatal === undefined) return undefined;
  // Go's own lines and containerd's are among the log's, and no JSON.
  const line = logLine.safeParse(jsonValue(fatal)).data?.data?.error ?? fatal;
  return { explanation: EXPLANATIONS.find(([pattern]) => pattern.test(line))?.[1], line };
}

const isSevere = (line: string): boolean => /"level":"(fatal|error)"/.test(line);
