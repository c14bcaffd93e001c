// The charm: its definition with what it does in hooks and actions, on whatever machine it is given.
import type { Charm } from 'juju-ts-ops';
import { isCalm } from './calm/ask-again.ts';
import { takeNote } from './calm/take.ts';
import { getAdminPassword, restartServices } from './actions/services.ts';
import { status } from './actions/status.ts';
import { moveWeb, rollback, upgrade } from './actions/upgrades.ts';
import { acceptVolume, prune, unlock, verify } from './actions/volume.ts';
import { definition } from './definition.ts';
import type { Host } from './host/host.ts';
import { calmNotePath, isOthersBusiness, quietNotePath, readQuietNote } from './quiet.ts';
import { reconcile } from './reconcile.ts';
import { type Pin, pinnedRelease } from './release/version.ts';
import { type ConcourseHook, openSession, type Session } from './session.ts';
import { isLeaving } from './storages.ts';
import { teardown } from './teardown.ts';

/** `pin`: the release that this revision of the charm was made for. */
export function concourse(host: Host, pin: Pin = pinnedRelease()): Charm {
  const sessions = new WeakMap<ConcourseHook, Session>();
  const open = async (hook: ConcourseHook) => {
    const session = await openSession(hook, host, pin);
    sessions.set(hook, session);
    return session;
  };
  return definition.implement({
    reconcile: async (hook) => {
      if ((await isQuiet(hook, host)) || (await allIsCalm(hook, host))) return;
      const session = await open(hook);
      // Once it has said that it leaves, nothing starts again between two of its last hooks: a wake-up may come then.
      const leaves = session.published.leaving === true || (await isLeaving(hook));
      await (leaves ? teardown(session) : reconcile(session));
    },
    teardown: async (hook) => teardown(await open(hook)),
    ended: async (hook, ok) => {
      const session = sessions.get(hook);
      if (session === undefined || hook.event.kind === 'action') return;
      if (session.memory.exporter === true && !hook.dying)
        await (await import('./observability/ended.ts')).noteFigures(session, ok);
      if (session.otlpEndpoint !== undefined)
        await (await import('./observability/otlp.ts')).sendTrace(session, session.otlpEndpoint, ok);
      if (ok && session.calmUntil !== undefined) await takeNote(session);
    },
    actions: {
      status: async (hook, params) => status(await open(hook), params),
      upgrade: async (hook, params) => upgrade(await open(hook), params),
      rollback: async (hook, params) => rollback(await open(hook), params),
      verify: async (hook) => verify(await open(hook)),
      prune: async (hook, params) => prune(await open(hook), params),
      unlock: async (hook) => unlock(await open(hook)),
      'get-admin-password': async (hook) => getAdminPassword(await open(hook)),
      'move-web': async (hook, params) => moveWeb(await open(hook), params),
      'restart-services': async (hook) => restartServices(await open(hook)),
      'accept-volume': async (hook) => acceptVolume(await open(hook)),
      'set-admin-password': async (hook, params) =>
        (await import('./actions/keys.ts')).setAdminPassword(await open(hook), params),
      'rotate-keys': async (hook, params) =>
        (await import('./actions/keys.ts')).rotateKeys(await open(hook), params),
      'rotate-encryption-key': async (hook) =>
        (await import('./actions/keys.ts')).rotateEncryptionKey(await open(hook)),
      'prune-workers': async (hook, params) =>
        (await import('./actions/workers-of-web.ts')).pruneWorkers(await open(hook), params),
      'smoke-test': async (hook, params) =>
        (await import('./actions/workers-of-web.ts')).smokeTest(await open(hook), params, hook.action.log),
      'land-worker': async (hook, params) =>
        (await import('./actions/own-worker.ts')).landWorker(await open(hook), params, hook.action.log),
      'retire-worker': async (hook, params) =>
        (await import('./actions/own-worker.ts')).retireOwnWorker(await open(hook), params),
      'run-migrations': async (hook, params) =>
        (await import('./actions/run-migrations.ts')).runMigrations(
          await open(hook),
          params,
          hook.action.log,
        ),
      'collect-diagnostics': async (hook) =>
        (await import('./actions/collect-diagnostics.ts')).collectDiagnostics(
          await open(hook),
          hook.action.log,
        ),
      prefetch: async (hook, params) =>
        (await import('./actions/prefetch.ts')).prefetch(await open(hook), params, hook.action.log),
      hold: async (hook) => (await import('./actions/maintenance.ts')).hold(await open(hook)),
      resume: async (hook) => (await import('./actions/maintenance.ts')).resume(await open(hook)),
    },
  });
}

/** Likewise. */
async function allIsCalm(hook: ConcourseHook, host: Host): Promise<boolean> {
  if (hook.event.kind !== 'update-status') return false;
  const text = await host.files.readText(calmNotePath(host.paths.run, hook.unit));
  const ask = (tool: string, args: readonly string[]) => hook.tool(tool, args);
  return text !== undefined && isCalm(text, { host, ask, about: hook });
}

/** As `charm.ts` asks before any of this is loaded: for whoever runs the charm in another way. */
async function isQuiet({ event, unit }: ConcourseHook, host: Host): Promise<boolean> {
  const about = {
    dispatchPath: event.name,
    remoteUnit: event.relation?.remoteUnit ?? '',
    departingUnit: event.relation?.departingUnit ?? '',
    unit,
  };
  if (!isOthersBusiness(about, { installer: '' })) return false;
  return isOthersBusiness(
    about,
    readQuietNote(await host.files.readText(quietNotePath(host.paths.run, unit))),
  );
}
