// Tells other applications what they must know of web. Loaded only where web has such a relation.
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { type Facts, isWeb } from '../upgrade/facts.ts';

export async function tellRelated(session: Session, o: Observed, facts: Facts): Promise<void> {
  const related = session.memory.related ?? [];
  if (related.includes('ingress')) await tellIngress(session, o, facts);
}

/** Every unit tells web's address: what a unit does not tell, or a worker's own address, would be taken for broken. */
async function tellIngress({ hook }: Session, o: Observed, facts: Facts): Promise<void> {
  const [relation] = await hook.relations('ingress');
  const web = isWeb(facts) ? facts : o.peers.get(o.goal?.installer ?? '');
  const address = web?.['web-address'];
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
