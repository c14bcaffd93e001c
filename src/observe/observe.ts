// The only reader: configuration, goal, facts, the volume and this unit's services, as one plain value.
import { WEB_SERVICE } from '../concourse/web.ts';
import { CONTAINERD_RIVALS, WORKER_SERVICE } from '../concourse/worker.ts';
import type { Observed } from '../observed.ts';
import { malformed, type Session } from '../session.ts';
import { settleOptions } from '../settings.ts';
import type { Facts } from '../upgrade/facts.ts';
import { factsOf, type Goal } from '../upgrade/goal.ts';
import { viewVolume } from './volume-view.ts';
import { viewWeb } from './web-view.ts';
import { viewWorker } from './worker-view.ts';

export async function observe(session: Session): Promise<Observed> {
  const { hook, host, goal } = session;
  const [leader, config, peer, services, volume] = await Promise.all([
    hook.isLeader(),
    hook.config(),
    hook.peer('peers'),
    host.services.show([WEB_SERVICE, WORKER_SERVICE, ...CONTAINERD_RIVALS]),
    viewVolume(host.files, session.volume),
  ]);
  const options = settleOptions(config, session.memory.options ?? {}, hook.application);
  const isInstaller = goal?.installer === hook.unit;
  const units = peer !== undefined && (leader || isInstaller) ? await livingUnits(session) : undefined;
  const living = units && new Set(units.keys());
  const met = new Set([hook.unit, ...((isInstaller && (await peer?.units())) || [])]);
  const ownVolume = goal?.['volume-id'] !== undefined && volume.identity?.uuid !== goal['volume-id'];
  const everyone = isInstaller || ownVolume || (leader && installerGone(session, goal, living));
  const peers = await readPeers(session, everyone, goal);
  const web = goal === undefined ? undefined : factsOf(goal.installer, hook.unit, session.facts, peers);
  const { pin } = session;
  const observed: Observed = {
    now: host.clock.now(),
    unit: hook.unit,
    application: hook.application,
    modelUuid: hook.model.uuid,
    leader,
    connected: peer !== undefined,
    architecture: host.architecture,
    settings: options.settings,
    optionProblems: options.problems,
    optionsUnsettled: options.unsettled,
    pin: { version: pin.version, digests: known(pin.sha256) },
    webSecret: session.webSecret,
    postgresSecret: options.postgresSecret,
    goal,
    facts: session.facts,
    peers,
    living,
    unmet: isInstaller
      ? [...(units ?? [])].flatMap(([name, status]) => (status === 'active' && !met.has(name) ? [name] : []))
      : [],
    volume,
    web: await viewWeb(session, {
      settings: options.settings,
      postgresSecret: options.postgresSecret,
      installed: volume.installed,
      state: services[WEB_SERVICE],
      wanted: isInstaller,
    }),
    worker: await viewWorker(session, {
      settings: options.settings,
      installed: volume.installed,
      state: services[WORKER_SERVICE],
      rivals: CONTAINERD_RIVALS.filter((name) => services[name]?.active === 'active'),
      web,
      installer: goal?.installer ?? '',
      volumeUsable: volume.problem === undefined && volume.identity !== undefined,
    }),
    memory: session.memory,
    failures: session.failures,
    done: session.done,
  };
  session.memory = { ...session.memory, options: options.good };
  return observed;
}

function known(digests: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(digests).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
}

/** `goal-state` alone knows who lives: on Juju 4 a removed unit may stay in `relation-list` for ever. */
async function livingUnits({ hook }: Session): Promise<Map<string, string>> {
  const { units } = await hook.goalState();
  return new Map(
    Object.entries(units).flatMap(([name, { status }]) => (status === 'dying' ? [] : [[name, status]])),
  );
}

/** The leader reads everybody's facts only when it may have to name another installer. */
function installerGone(
  { hook }: Session,
  goal: Goal | undefined,
  living: ReadonlySet<string> | undefined,
): boolean {
  return goal === undefined || hook.dying || living?.has(goal.installer) === false;
}

/** Everybody's facts where they matter; else only those of the installer. */
async function readPeers(
  session: Session,
  everyone: boolean,
  goal: Goal | undefined,
): Promise<Map<string, Facts>> {
  const { hook } = session;
  const relation = await hook.peer('peers');
  if (relation === undefined) return new Map();
  const all = everyone ? await relation.units() : [goal?.installer];
  const names = all.filter((name) => name !== undefined && name !== hook.unit);
  const read = await Promise.all(
    names.map(async (name) => [name ?? '', await relation.unit(name ?? '')] as const),
  );
  for (const [name, bag] of read) {
    for (const problem of bag.problems) session.malformed.add(`${name}: ${malformed(problem)}`);
  }
  return new Map(read.map(([name, bag]) => [name, bag.values]));
}
