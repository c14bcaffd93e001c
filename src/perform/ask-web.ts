// Web's API, as the administrator, from web's own machine.
import {
  type ApiRequest,
  type ListedWorker,
  parseToken,
  parseWorkers,
  tokenRequest,
  workersRequest,
} from '../concourse/api.ts';
import { ADMINISTRATOR } from '../concourse/local-users.ts';
import { localUrl, ownAddress, readWebSecret } from '../observe/web-view.ts';
import type { Settings } from '../observed.ts';
import type { Session } from '../session.ts';

const answerMs = 5_000;

export interface WebApi {
  token: string;
  /** Undefined: no answer within 5 s. */
  ask(request: ApiRequest): Promise<{ status: number; body: string } | undefined>;
  /** Undefined: web does not say. */
  workers(): Promise<ListedWorker[] | undefined>;
}

/** Undefined when web does not answer, or does not take the administrator's password. */
export async function openApi(session: Session, settings: Settings): Promise<WebApi | undefined> {
  const { hook, host } = session;
  const secret = await readWebSecret(session);
  if (secret === undefined) return undefined;
  const base = localUrl((await ownAddress(hook)).bind, settings.webPort);
  const ask: WebApi['ask'] = async ({ path, ...request }) => host.http.probe(base + path, answerMs, request);
  const admin = { user: ADMINISTRATOR, password: secret['admin-password'] };
  const token = parseToken((await ask(tokenRequest(admin)))?.body ?? '');
  if (token === undefined) return undefined;
  hook.mask(token);
  const workers = async () => parseWorkers((await ask(workersRequest(token)))?.body ?? '');
  return { token, ask, workers };
}
