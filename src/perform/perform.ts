// Carries out one effect. A failure that an operator can mend comes back as data; everything else fails the hook.
import type { Effect, Failure, Observed } from '../observed.ts';
import type { Session } from '../session.ts';
import { makeWebSecret } from '../web-secret.ts';
import { failureOf } from './failure.ts';
import { askSchemas } from './schemas.ts';
import { mendMarker, prune, stage, switchRelease } from './release.ts';
import { mendPrivileges } from './database.ts';
import { forgetWorkers } from './forget-workers.ts';
import { mountVolume, unmountVolume } from './mount.ts';
import { retireWorker } from './retire.ts';
import { authorizeWorkers, awaitWeb, standAside, startWeb, stopWeb } from './web.ts';
import {
  awaitRegistration,
  beginUpgrade,
  landWorker,
  makeWorkerKey,
  prepareWorkerFolder,
  startWorker,
  stopWorker,
} from './worker.ts';

export async function perform(session: Session, o: Observed, effect: Effect): Promise<Failure | undefined> {
  try {
    await carryOut(session, o, effect);
    return undefined;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    session.hook.log.warning(`${effect.do}: ${failure.message}`);
    return failure;
  }
}

async function carryOut(session: Session, o: Observed, effect: Effect): Promise<void> {
  switch (effect.do) {
    case 'make-web-secret':
      return makeSecret(session);
    case 'mount-volume':
      return mountVolume(session, effect.plan);
    case 'unmount-volume':
      return unmountVolume(session);
    case 'claim-volume':
      return claimVolume(session);
    case 'ask-schemas':
      return askSchemas(session, effect.versions);
    case 'stage':
      return stage(session, o, effect);
    case 'switch':
      return switchRelease(session, o, effect);
    case 'mend-marker':
      return mendMarker(session, effect.version);
    case 'start-web':
      return startWeb(session, effect.plan);
    case 'await-web':
      return awaitWeb(session, o.settings, effect.version);
    case 'authorize-workers':
      return authorizeWorkers(session, effect, o.web);
    case 'forget-workers':
      return forgetWorkers(session, o.settings, effect.units);
    case 'mend-privileges':
      return mendPrivileges(session, o.postgresSecret, effect.database);
    case 'stop-web':
      return stopWeb(session);
    case 'stand-aside':
      return standAside(session, effect);
    case 'request-certificate':
      return (await import('./certificate.ts')).requestCertificate(session, effect);
    case 'start-exporter':
      return (await import('./exporter.ts')).startExporter(session, effect.plan);
    case 'remove-exporter':
      return (await import('./exporter.ts')).removeExporter(session);
    case 'begin-upgrade':
      return beginUpgrade(session, effect);
    case 'make-worker-key':
      return makeWorkerKey(session);
    case 'prepare-worker-folder':
      return prepareWorkerFolder(session, o.settings);
    case 'land-worker':
      return landWorker(session);
    case 'stop-worker':
      return stopWorker(session);
    case 'retire-worker':
      return retireOwn(session, o.settings.workerDrainTimeoutMs);
    case 'start-worker':
      return startWorker(session, effect.plan, effect.digest);
    case 'await-registration':
      return awaitRegistration(session);
    case 'prune':
      return prune(session, effect.versions);
    default:
      return effect satisfies never;
  }
}

/** Where this unit is about to be web, it has to forget its own worker, should that find no web to tell. */
async function retireOwn(session: Session, withinMs: number): Promise<void> {
  await retireWorker(session, withinMs);
  const known = new Set([...(session.memory.workers ?? []), session.hook.unit]);
  session.memory = { ...session.memory, workers: [...known].sort() };
}

/** Web's keys and the administrator's password, made by the leader once in the life of the application. */
async function makeSecret(session: Session): Promise<void> {
  const { hook, host } = session;
  session.webSecret = await hook.secrets.add(await makeWebSecret(host.random), {
    label: 'web',
    description: "Private keys of Concourse web, and the administrator's password",
    owner: 'application',
  });
}

async function claimVolume({ hook, host, volume }: Session): Promise<void> {
  await host.files.makeDirectory(host.paths.volume, { mode: 0o755, recursive: true });
  const identity = await volume.claimIdentity({
    uuid: host.random.uuid(),
    modelUuid: hook.model.uuid,
    application: hook.application,
  });
  hook.log.info(`the volume's id is ${identity.uuid}`);
}
