// The names that an operator types, found: applications, units (`app/leader` too), and pairs of endpoints that fit.
import { Impossible } from 'juju-ts-ops/testing';
import { applicationOf } from '../fleet.ts';
import type { Site } from './site.ts';

/** Endpoints that were not named are found where only one pair fits, as Juju does. */
export function endpoints(site: Site, one: string, other: string): [string, string] {
  const [mine, theirs] = [one, other].map((word) => candidates(site, word));
  const pairs = (mine ?? []).flatMap((a) =>
    (theirs ?? [])
      .filter((b) => a.interface === b.interface && a.role !== b.role && a.role !== 'peer')
      .map((b): [string, string] => [a.name, b.name]),
  );
  const [only, ...more] = pairs;
  if (only === undefined) throw new Impossible(`no relations found between ${one} and ${other}`);
  if (more.length > 0)
    throw new Impossible(`ambiguous relation: ${pairs.map((p) => p.join(' ')).join('; ')}`);
  return only;
}

function candidates(site: Site, word: string) {
  const [application = '', named] = word.split(':');
  const { charm } = site.juju.model.applications.get(known(site, application)) ?? {};
  return [...(charm?.endpoints ?? [])]
    .filter(([endpoint]) => named === undefined || endpoint === named)
    .map(([endpoint, declared]) => ({ ...declared, name: `${application}:${endpoint}` }));
}

export function known(site: Site, application: string): string {
  if (site.juju.model.applications.has(application)) return application;
  throw new Impossible(`application "${application}" not found`);
}

/** `app/leader` is the unit that leads. */
export function knownUnit(site: Site, word: string): string {
  const application = known(site, applicationOf(word));
  const unit = word === `${application}/leader` ? site.juju.leader(application) : word;
  if (unit !== undefined && site.juju.units(application).includes(unit)) return unit;
  throw new Impossible(`unit "${word}" not found`);
}
