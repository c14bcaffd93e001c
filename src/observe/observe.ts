// The only reader: configuration, goal, facts, the volume and this unit's services, as one plain value.
import { EXPORTER_SERVICE } from '../concourse/exporter.ts';
import { WEB_SERVICE } from '../concourse/web.ts';
import { CONTAINERD_RIVALS, WORKER_SERVICE } from '../concourse/worker.ts';
import type { Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { settleOptions } from '../settings.ts';
import { factsOf } from '../upgrade/goal.ts';
import { viewExporter } from './exporter-view.ts';
import { settleExtras } from './extra-view.ts';
import { viewFilesystem } from './filesystem-view.ts';
import { readPeers } from './peers.ts';
import { viewVolume } from './volume-view.ts';
import { viewWeb } from './web-view.ts';
import { viewWorker } from './worker-view.ts';

export async function observe(session: Session): Promise<Observed> {
  const { hook, host, goal } = session;
  const [leader, config, peer, services, volume] = await Promise.all([
    hook.isLeader(),
    hook.config(),
    hook.peer('peers'),
    host.services.show([WEB_SERVICE, WORKER_SERVICE, EXPORTER_SERVICE, ...CONTAINERD_RIVALS]),
    viewVolume(host.files, session.volume),
  ]);
  const options = await settleExtras(
    session,
    settleOptions(config, session.memory.options ?? {}, hook.application),
    volume.installed,
  );
  // Juju has taken it away: what is mounted there from now on is another matter.
  if (!volume.isMount) session.memory = { ...session.memory, detaching: undefined };
  const isInstaller = goal?.installer === hook.unit;
  const { mode } = options.settings;
  // With mode=web every unit is; else the one that installs.
  const isWeb = mode === 'web' ? goal !== undefined : isInstaller && mode !== 'worker';
  const ownVolume = goal?.['volume-id'] !== undefined && volume.identity?.uuid !== goal['volume-id'];
  const {
    facts: peers,
    living,
    dying,
    met,
  } = await readPeers(session, { leader, ownVolume, oneOfWebs: mode === 'web' });
  const web = goal === undefined ? undefined : factsOf(goal.installer, hook.unit, session.facts, peers);
  const strangers = (shown: readonly string[]) =>
    [...(living ?? [])].flatMap(([name, status]) => (shown.includes(status) && !met.has(name) ? [name] : []));
  const { pin, memory } = session;
  // Lazily: most units have neither.
  const related = memory.flight || memory.tsaRelations ? await import('./related.ts') : undefined;
  const flight = memory.flight ? await related?.viewFlight(session) : undefined;
  if (!isWeb && memory.tsaRelations) await related?.forgetTsa(session);
  const tsa = (isWeb && memory.tsaRelations && (await related?.viewTsa(session))) || [];
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
    published: session.published,
    facts: session.facts,
    peers,
    living: living && new Set(living.keys()),
    dying,
    // One that is blocked may run a worker all the same; one that waits may not even have a machine yet.
    unmet: isInstaller ? strangers(['active', 'blocked']) : [],
    lost: isInstaller ? strangers(['unknown']) : [],
    volume,
    filesystem: await viewFilesystem(session),
    flight,
    tsa,
    web: await viewWeb(session, {
      settings: options.settings,
      postgresSecret: options.postgresSecret,
      extra: { ...options.environment.web, ...options.extra.web },
      certificateSecret: options.certificateSecret,
      vaultCa: options.vaultCa,
      extraSecret: options.extraSecret,
      usersSecret: options.usersSecret,
      mainTeam: options.mainTeam,
      installed: volume.installed,
      state: services[WEB_SERVICE],
      wanted: isInstaller || isWeb,
    }),
    worker: await viewWorker(session, {
      settings: options.settings,
      extra: { ...options.environment.worker, ...options.extra.worker },
      installed: volume.installed,
      state: services[WORKER_SERVICE],
      rivals: CONTAINERD_RIVALS.filter((name) => services[name]?.active === 'active'),
      web,
      installer: goal?.installer ?? '',
      flight,
      volumeUsable: volume.problem === undefined && volume.identity !== undefined,
    }),
    exporter: await viewExporter(session, options.settings, services[EXPORTER_SERVICE], isInstaller),
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
