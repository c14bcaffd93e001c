// Tells other applications what they must know of web. Loaded only where web has such a relation.
import { requestsPath } from '../observe/certificate-view.ts';
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { type Facts, isWeb } from '../upgrade/facts.ts';
import { NONCE_LABEL } from './vault.ts';

export async function tellRelated(session: Session, o: Observed, facts: Facts): Promise<void> {
  const related = session.memory.related ?? [];
  if (related.includes('ingress')) await tellIngress(session, o, facts);
  if (related.includes('certificates')) await tellCertificates(session, o, facts);
  if (related.includes('vault-kv')) await tellVault(session, o, facts);
  await forgetEnded(session);
}

/** A unit that is not web, or that has a certificate of the operator's, asks for none, and keeps no key for one. */
async function tellCertificates({ hook, host }: Session, o: Observed, facts: Facts): Promise<void> {
  const [relation] = await hook.relations('certificates');
  const asked = isWeb(facts) ? o.web.certificate.asked : [];
  relation?.setUnit({
    certificate_signing_requests:
      asked.length === 0 ? undefined : asked.map((csr) => ({ certificate_signing_request: csr, ca: false })),
  });
  if (asked.length === 0) await host.files.remove(requestsPath(host));
}

/** Only web asks for credentials, and takes the question back when it is web no more: Vault's side then takes back the answer. */
async function tellVault({ hook, host }: Session, o: Observed, facts: Facts): Promise<void> {
  const [relation] = await hook.relations('vault-kv');
  if (relation === undefined) return;
  if (o.leader) await relation.setApplication({ mount_suffix: 'concourse' });
  if (!isWeb(facts)) return relation.setUnit({ nonce: undefined, egress_subnet: undefined });
  const { egressSubnets, ingressAddresses } = await hook.network('vault-kv', relation);
  const own = ingressAddresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`);
  relation.setUnit({
    nonce:
      (await relation.local()).values.nonce ??
      (await ownNonce(hook, () => host.random.bytes(16).toString('hex'))),
    egress_subnet: (egressSubnets.length > 0 ? egressSubnets : own.slice(0, 1)).join(','),
  });
}

/** The same as long as the relation lasts, also where web went to another unit and came back. */
async function ownNonce(hook: Session['hook'], nonce: () => string): Promise<string> {
  const kept = (await hook.secrets.get({ label: NONCE_LABEL }))?.['nonce'];
  if (kept !== undefined) return kept;
  const made = nonce();
  await hook.secrets.add({ nonce: made }, { label: NONCE_LABEL, owner: 'unit' });
  return made;
}

/** What was made for a relation that has ended. */
async function forgetEnded({ hook, host }: Session): Promise<void> {
  const { event } = hook;
  const ended = event.kind === 'relation-broken' ? event.relation.endpoint : undefined;
  if (ended === 'certificates') await host.files.remove(requestsPath(host));
  if (ended !== 'vault-kv') return;
  const kept = await hook.secrets.info({ label: NONCE_LABEL });
  if (kept !== undefined) await hook.secrets.remove(kept.uri);
}

/** Every unit tells web's address: what a unit does not tell, or a worker's own address, would be taken for broken. */
async function tellIngress({ hook }: Session, o: Observed, facts: Facts): Promise<void> {
  const [relation] = await hook.relations('ingress');
  const own = isWeb(facts) ? facts['web-address'] : undefined;
  const address = own ?? o.peers.get(o.goal?.installer ?? '')?.['web-address'];
  if (relation === undefined || address === undefined) return;
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, '');
  relation.setUnit({ host, ip: host });
  if (!o.leader) return;
  const https = protocol === 'https:';
  await relation.setApplication({
    model: hook.model.name,
    name: hook.application,
    // A URL leaves out the port that its scheme has anyway.
    port: Number(port || (https ? 443 : 80)),
    scheme: https ? 'https' : 'http',
    'strip-prefix': false,
    'redirect-https': false,
  });
}
