// The URL under which an ingress serves web, where there is one.
import type { Status } from '../observed.ts';
import { ingressUrl } from '../relations/ingress.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';

/** Neither: no relation, or the other application has not said yet. */
export async function readIngress({ hook, memory }: Session): Promise<{ url?: string; concern?: Status }> {
  if (memory.related?.includes('ingress') !== true) return {};
  const [relation] = await hook.relations('ingress');
  const told = (await relation?.application())?.values.ingress;
  if (told === undefined) return {};
  const read = ingressUrl(told.url);
  return 'url' in read ? read : { concern: statuses.ingressUnfit(read.problem) };
}
