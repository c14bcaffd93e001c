// What the relation `certificates` gives web, and what web has asked it for.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { type Standing, standing } from '../concourse/renewal.ts';
import type { Host } from '../host/host.ts';
import { requestsSchema, type SigningRequest } from '../relations/certificates.ts';
import type { Session } from '../session.ts';

/** Private keys among it: root's alone. */
export const requestsPath = (host: Host): string => path.join(host.paths.etc, 'certificate_requests.json');

export async function readRequests(host: Host): Promise<SigningRequest[]> {
  const text = await host.files.readText(requestsPath(host));
  return parseJson(requestsSchema, text) ?? []; // Somebody's edit: asked for anew.
}

/** `names`: what it is to be for; `host`: what it must be for. */
export async function viewCertificates(
  { hook, host }: Session,
  names: readonly string[],
): Promise<Standing & { remote: string }> {
  const [relation] = await hook.relations('certificates');
  const answers = (await relation?.application())?.values.certificates ?? [];
  const requests = await readRequests(host);
  return {
    ...standing({ requests, answers, names, host: names[0], now: host.clock.now() }),
    remote: (await relation?.remoteApplication()) ?? 'certificates',
  };
}
