// The actions that change the goal, all of them the leader's: upgrade, rollback, move-web.
import { ActionFailure } from 'juju-ts-ops';
import { observe } from '../observe/observe.ts';
import { goalInputs } from '../decide.ts';
import { compareVersions } from '../release/version.ts';
import type { Session } from '../session.ts';
import { backedUp, installedBy, rolledBackGoal, upgradedGoal } from '../upgrade/goal.ts';
import { demandLeader, goalOf, setGoal } from './situation.ts';

/** To the configured version, now: also after an attempt that failed, and past `upgrade-hold` and a rollback. */
export async function upgrade(session: Session, params: { 'backup-done': boolean }) {
  const o = await observe(session);
  demandLeader(o, 'upgrade');
  const goal = goalOf(o);
  if (goal.hold === true)
    throw new ActionFailure(`juju run ${o.application}/leader resume first: upgrades are held`);
  const asked = upgradedGoal(goal, goalInputs(o));
  const next = params['backup-done'] ? backedUp(asked) : asked;
  if (next.version === o.volume.installed) {
    const met = `Concourse ${next.version} is installed already`;
    if (goal.version === next.version) return { version: next.version, result: `${met}: nothing to do` };
    await setGoal(session, next);
    return { version: next.version, result: `${met}: the change to ${goal.version} is given up` };
  }
  await setGoal(session, next);
  return {
    version: next.version,
    'upgrade-id': next['upgrade-id'],
    result: `upgrade to ${next.version} begins`,
  };
}

export async function rollback(
  session: Session,
  params: { version?: string | undefined; 'backup-done': boolean },
) {
  const o = await observe(session);
  demandLeader(o, 'rollback');
  if (o.settings.mode === 'worker') {
    const web = o.flight?.application ?? 'web';
    throw new ActionFailure(`${web} decides the version: go back there, and these workers follow`);
  }
  const goal = goalOf(o);
  const { installed, previous, releases } = o.volume;
  if (installed === undefined)
    throw new ActionFailure('nothing is installed on the volume that this unit sees');
  const to = params.version ?? previous;
  const there = [...releases.keys()].filter((version) => compareVersions(version, installed) < 0);
  const choice = there.length === 0 ? 'no older one is on the volume' : `on the volume: ${there.join(', ')}`;
  if (to === undefined) throw new ActionFailure(`no release was installed before ${installed}; ${choice}`);
  if (!there.includes(to)) throw new ActionFailure(`cannot go back from ${installed} to ${to}; ${choice}`);
  const back = rolledBackGoal(goal, installed, to);
  const next = params['backup-done'] ? backedUp(back) : back;
  await setGoal(session, next);
  return {
    version: to,
    'upgrade-id': next['upgrade-id'],
    result: `rollback from ${installed} to ${to} begins; ${installed} is not gone back to until the upgrade action or another version asks`,
  };
}

export async function moveWeb(session: Session, params: { unit: string }) {
  const { hook } = session;
  const o = await observe(session);
  demandLeader(o, `move-web unit=${params.unit}`);
  const goal = goalOf(o);
  const { unit } = params;
  if (unit === goal.installer) throw new ActionFailure(`${unit} is the web unit already`);
  if (o.living?.has(unit) !== true) {
    throw new ActionFailure(
      `${unit} is not a living unit of ${o.application}; there are ${[...(o.living ?? [])].join(', ')}`,
    );
  }
  const facts = unit === o.unit ? session.facts : (await (await hook.peer('peers'))?.unit(unit))?.values;
  if (facts?.['volume-id'] === undefined)
    throw new ActionFailure(`${unit} has not said which volume it sees: try again when it has started`);
  const runsWeb = o.settings.mode === 'web' && facts['web-answers'] !== undefined;
  if (facts['volume-id'] !== goal['volume-id'] && !runsWeb) {
    throw new ActionFailure(
      `${unit} is on another volume than the application's: mount the shared volume there first`,
    );
  }
  const next = installedBy(goal, unit, {
    unit: o.unit,
    facts: session.facts,
    peers: new Map([[unit, facts]]),
  });
  await setGoal(session, next);
  return { unit, 'upgrade-id': next['upgrade-id'], result: `web moves from ${goal.installer} to ${unit}` };
}
