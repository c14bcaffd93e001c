// The actions on what runs: restart-services and get-admin-password.
import { ActionFailure, PermissionDenied } from 'juju-ts-ops';
import { observe } from '../observe/observe.ts';
import { WEB_SERVICE } from '../concourse/web.ts';
import { WORKER_SERVICE } from '../concourse/worker.ts';
import { readWebSecret } from '../observe/web-view.ts';
import { ownUp } from '../observed.ts';
import { EffectFailed } from '../perform/failure.ts';
import { awaitWeb } from '../perform/web.ts';
import { awaitRegistration } from '../perform/worker.ts';
import { remember, wakeSoon } from '../reconcile.ts';
import type { Session } from '../session.ts';
import { demandVolume } from './situation.ts';

export async function restartServices(session: Session) {
  const { host } = session;
  const o = await observe(session);
  // What is stopped could not start again.
  demandVolume(o);
  const results: Record<string, string> = {};
  if (session.memory.parked !== undefined) {
    session.memory = { ...session.memory, parked: undefined };
    await wakeSoon(session);
    await remember(session);
    if (!o.worker.up) results['worker'] = 'starts in a moment: it was out of service';
  }
  try {
    if (ownUp(o.web)) {
      await host.services.restart(WEB_SERVICE);
      await awaitWeb(session, o.settings, o.web.runningVersion ?? '');
      results['web'] = `restarted, and answers as ${o.web.runningVersion}`;
    }
    // A worker starts only what the volume names: one that an upgrade is about to reach goes on as it is.
    if (ownUp(o.worker) && o.worker.runningVersion !== o.volume.installed) {
      const named = o.volume.installed ?? 'nothing';
      results['worker'] = `not restarted: it runs ${o.worker.runningVersion}, and the volume names ${named}`;
    } else if (ownUp(o.worker)) {
      await host.services.restart(WORKER_SERVICE);
      await awaitRegistration(session);
      results['worker'] = 'restarted, and registered';
    }
  } catch (error) {
    if (!(error instanceof EffectFailed)) throw error;
    throw new ActionFailure(error.message, { results, cause: error });
  }
  if (Object.keys(results).length === 0)
    throw new ActionFailure('no Concourse service runs on this unit: see the action status');
  return results;
}

/** The one action that exists to hand a secret over. */
export async function getAdminPassword(session: Session) {
  const { hook } = session;
  try {
    const secret = await readWebSecret(session);
    if (secret === undefined)
      throw new ActionFailure('the leader has not made the password yet: try again when web has started');
    return { username: 'admin', password: secret['admin-password'] };
  } catch (error) {
    if (!(error instanceof PermissionDenied)) throw error;
    throw new ActionFailure(
      `this unit may not read the secret: juju run ${hook.application}/leader get-admin-password`,
      { cause: error },
    );
  }
}
