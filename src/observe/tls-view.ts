// What web serves HTTPS with, and the URL that follows from it.
import { hostAndPort } from '../concourse/addresses.ts';
import { type CertificatePair, certificatePair } from '../concourse/certificate.ts';
import type { CertificateView, Standing } from '../concourse/renewal.ts';
import { certificatePath } from '../concourse/web.ts';
import type { Settings, Status } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { viewCertificates } from './certificate-view.ts';
import { readUserSecret } from './user-secret.ts';

/** `pair` is undefined where web serves no HTTPS. */
export type Tls = ({ pair: CertificatePair | undefined } | { missing: Status }) & {
  /** What there is to do in the relation `certificates`, where that is the source. */
  relation?: Pick<Standing, 'due' | 'asked' | 'ends' | 'lookAt'> & { names: readonly string[] };
};

export async function readTls(
  session: Session,
  {
    settings,
    certificateSecret,
    address,
  }: { settings: Settings; certificateSecret: string | undefined; address: string },
): Promise<Tls> {
  const { hook, host } = session;
  const byRelation =
    certificateSecret === undefined && session.memory.related?.includes('certificates') === true;
  if (certificateSecret === undefined && !byRelation) return { pair: undefined };
  if (settings.tlsPort === settings.webPort)
    return { missing: statuses.tlsPort(hook.application, settings.webPort) };
  if (certificateSecret === undefined) return fromRelation(session, [hostOf(settings) ?? address]);
  const secret = await readUserSecret(hook, certificateSecret);
  if ('missing' in secret) return secret;
  const { certificate, 'private-key': key, chain = '', ca = '' } = secret.content;
  const lacking = certificate === undefined ? 'certificate' : key === undefined ? 'private-key' : undefined;
  if (certificate === undefined || key === undefined)
    return { missing: statuses.tlsCertificate(`it has no key ${lacking}`) };
  const now = host.clock.now();
  const read = certificatePair({ certificates: [certificate, chain, ca], key, now, host: hostOf(settings) });
  if ('problem' in read) return { missing: statuses.tlsCertificate(read.problem) };
  const { pair, outOfDate } = read;
  // One that web has is not a reason to let go of web: it serves on, and its clients say so.
  const served = await host.files.readText(certificatePath(host.paths.etc));
  if (outOfDate !== undefined && served !== pair.certificate)
    return { missing: statuses.tlsCertificate(outOfDate) };
  return { pair };
}

/** For the host that people type, or web's own address. */
async function fromRelation(session: Session, names: readonly string[]): Promise<Tls> {
  const { pair, problem, remote, ...rest } = await viewCertificates(session, names);
  const relation = { names, ...rest };
  if (pair !== undefined) return { pair, relation };
  return {
    relation,
    missing:
      problem === undefined
        ? statuses.certificateAwaited(remote)
        : statuses.certificateUnfit(`${remote}: ${problem}`),
  };
}

export function certificateOf(tls: Tls): CertificateView {
  if (tls.relation === undefined) return { asked: [], ends: 'pair' in tls ? tls.pair?.notAfter : undefined };
  const { due, names, ...rest } = tls.relation;
  return { ...rest, due: due ? names : undefined };
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
