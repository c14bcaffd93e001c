// What web serves HTTPS with, and the URL that follows from it.
import { hostAndPort } from '../concourse/addresses.ts';
import { type CertificatePair, certificatePair } from '../concourse/certificate.ts';
import type { Settings, Status } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { readUserSecret } from './user-secret.ts';

/** `pair` is undefined where web serves no HTTPS. */
export type Tls = { pair: CertificatePair | undefined } | { missing: Status };

export async function readTls(
  session: Session,
  { settings, certificateSecret }: { settings: Settings; certificateSecret: string | undefined },
): Promise<Tls> {
  const { hook, host } = session;
  if (certificateSecret === undefined) return { pair: undefined };
  if (settings.tlsPort === settings.webPort)
    return { missing: statuses.tlsPort(hook.application, settings.webPort) };
  const secret = await readUserSecret(hook, certificateSecret);
  if ('missing' in secret) return secret;
  const { certificate, 'private-key': key, chain = '', ca = '' } = secret.content;
  const lacking = certificate === undefined ? 'certificate' : key === undefined ? 'private-key' : undefined;
  if (certificate === undefined || key === undefined)
    return { missing: statuses.tlsCertificate(`it has no key ${lacking}`) };
  const now = host.clock.now();
  const read = certificatePair({ certificates: [certificate, chain, ca], key, now, host: hostOf(settings) });
  return 'problem' in read ? { missing: statuses.tlsCertificate(read.problem) } : read;
}

/** The host in the option external-url, without the brackets of IPv6. */
const hostOf = ({ externalUrl }: Settings): string | undefined =>
  externalUrl === undefined ? undefined : new URL(externalUrl).hostname.replace(/^\[|\]$/g, '');

/** By which people and `fly` reach web: as the operator, an ingress, or the certificate says. */
export function peoplesUrl(
  settings: Settings,
  ingress: string | undefined,
  tls: Tls,
  address: string,
): string {
  if (settings.externalUrl !== undefined) return settings.externalUrl;
  if (ingress !== undefined) return ingress;
  const pair = 'missing' in tls ? undefined : tls.pair;
  if (pair === undefined) return `http://${hostAndPort(address, settings.webPort)}`;
  const name = pair.name ?? address;
  return settings.tlsPort === 443
    ? `https://${name.includes(':') ? `[${name}]` : name}`
    : `https://${hostAndPort(name, settings.tlsPort)}`;
}
