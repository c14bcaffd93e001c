// An application of workers in an upgrade of its web's, which tells of it through the relation `flight`: its volume has the release
// ready before web begins, its workers stop on web's word, and it switches when web has. Pure, like its neighbours. With a web that
// tells of no upgrades (another charm's) such an application goes through the protocol by itself once web has another version.
import { compatibility } from '../concourse/compatibility.ts';
import type { Observed, WebElsewhere } from '../observed.ts';
import type { ToldOfUpgrades } from '../relations/tsa.ts';
import { statuses } from '../statuses.ts';
import type { Facts } from './facts.ts';
import { follow } from './follower.ts';
import { heldBack } from './gates.ts';
import { mayRoll } from './rolling.ts';
import type { Goal } from './goal.ts';
import type { Step } from './installer.ts';

export type Leading = WebElsewhere & { told: ToldOfUpgrades };

/** The web whose upgrades this unit goes along with. */
export function leadingWeb(o: Observed): Leading | undefined {
  const { flight } = o;
  if (o.settings.mode !== 'worker' || flight?.told === undefined) return undefined;
  return { ...flight, told: flight.told };
}

/** The step of the unit that installs on this volume. */
export function alongStep(o: Observed, goal: Goal, web: Leading): Step {
  const { installed } = o.volume;
  const { told, version } = web;
  const held = heldBack(o, { ...goal, version: version ?? goal.version });
  const going = told.upgrade['upgrade-state'] === 'prepare';
  const step = follow(o, goal, {
    // While web prepares, everything stays as it is; a volume that has nothing yet gets what web runs.
    to: installed !== undefined && (going || held !== undefined) ? undefined : version,
    next: held === undefined ? told.ahead : undefined,
    digests: told.digests,
  });
  if (held !== undefined && version !== installed) return { ...held, effects: step.effects };
  if (version === undefined || installed === undefined || version === installed || step.statuses.length === 0)
    return step;
  const reason = step.statuses.map(({ message }) => message).join('; ');
  return {
    ...step,
    statuses: [statuses.behindWeb(installed, version, reason, compatibility(version, installed))],
  };
}

/** What a worker hears of upgrades, in the place of what its own installer says of them. `shared`: that one installs for it. */
export function heard(
  o: Observed,
  goal: Goal,
  installer: Facts | undefined,
  shared: boolean,
): Facts | undefined {
  const web = leadingWeb(o);
  if (web === undefined) return installer;
  const own: Facts = shared
    ? {
        'installed-version': installer?.['installed-version'],
        'release-digest': installer?.['release-digest'],
      }
    : { 'installed-version': o.volume.installed };
  const { upgrade } = web.told;
  // A held application does not follow, and one whose workers go in turn does so afterwards: they would stop for nothing.
  const stays = goal.hold === true || rollsBehind(o, upgrade['upgrade-to']);
  const state = stays ? undefined : upgrade['upgrade-state'];
  // Web's word that all stop goes before a turn that was not over.
  const turn = state === 'prepare' ? undefined : installer?.['upgrade-turn'];
  return { ...installer, ...own, ...upgrade, 'upgrade-state': state, 'upgrade-turn': turn };
}

/** Workers here stay on their release while web goes to that one, and follow in turn. */
export function rollsBehind(o: Observed, to: string | undefined): boolean {
  const { installed } = o.volume;
  return installed !== undefined && to !== undefined && mayRoll(o, installed, to);
}

/** The release that a stopped worker waits for its own volume to have, once web has it. */
export function switchAhead(o: Observed, goal: Goal): string | undefined {
  const version = leadingWeb(o)?.version;
  if (version === undefined || goal.hold === true || version === o.volume.installed) return undefined;
  return o.volume.releases.has(version) ? version : undefined;
}

/** On the volume of web itself: web installs there, and nobody here. Should web go to another volume, an operator says whose this one is. */
export function visiting({ application, flight, volume }: Observed): Omit<Step, 'facts'> {
  const { installed, identity } = volume;
  if (flight === undefined) return { effects: [], statuses: [] };
  const left = flight.told?.volume !== undefined && flight.told.volume !== identity?.uuid;
  if (left) return { effects: [], statuses: [statuses.volumeLeft(application, flight.application)] };
  return {
    effects: [],
    statuses: installed === undefined ? [statuses.installerSilent(flight.application)] : [],
  };
}
