// The hooks in which this unit goes: it says that it leaves, names the next installer if it leads, retires its worker,
// and takes its services, timer, keys and folder away. Nothing that others share is touched.
import path from 'node:path';
import { EXPORTER_SERVICE } from './concourse/exporter.ts';
import { occasionalFiles, WEB_SERVICE } from './concourse/web.ts';
import { isMountUnitOf } from './concourse/mount-unit.ts';
import { ownerOf } from './concourse/unit-file.ts';
import { WORKER_SERVICE } from './concourse/worker.ts';
import { goalInputs } from './decide.ts';
import { gpuNotePath } from './observe/container-edits-view.ts';
import { settingsNotePath } from './observe/extra-view.ts';
import { mountUnitPath } from './observe/filesystem-view.ts';
import { SystemdFailure } from './host/errors.ts';
import { figuresPath } from './observability/figures.ts';
import { observe } from './observe/observe.ts';
import { peersNotePath } from './observe/peers.ts';
import { quietNotePath, relatedNotePath } from './quiet.ts';
import { wakeTimer } from './reconcile.ts';
import { rememberedSchema } from './memory.ts';
import { mountedBelow } from './perform/files.ts';
import { diagnosticsFolder } from './diagnostics/place.ts';
import { unmountVolume } from './perform/mount.ts';
import { retireWorker } from './perform/retire.ts';
import { stopWeb } from './perform/web.ts';
import type { Session } from './session.ts';
import { settleOptions } from './settings.ts';
import { statuses } from './statuses.ts';
import { isDetaching } from './storages.ts';
import { silenceNotePath } from './storage/answering.ts';
import { folderOfUnit } from './storage/layout.ts';
import { openMemory } from './storage/memory.ts';
import { workerFolder } from './storage/worker-folder.ts';
import { type Facts, wholeFacts } from './upgrade/facts.ts';
import { nextGoal, wholeGoal } from './upgrade/goal.ts';

const occasional = occasionalFiles('').map((file) => path.basename(file));
const files: Record<string, readonly string[]> = {
  [WEB_SERVICE]: [
    'web.env',
    'tsa_host_key',
    'session_signing_key',
    'authorized_worker_keys',
    ...occasional,
    'certificate_requests.json',
  ],
  [EXPORTER_SERVICE]: ['exporter.env', 'exporter.json'],
  [WORKER_SERVICE]: [
    'worker.env',
    'worker_key',
    'worker_key.pub',
    'tsa_host_key.pub',
    'worker-service.sh',
    'runtime',
  ],
};

export async function teardown(session: Session): Promise<void> {
  const { hook, host } = session;
  await host.services.disarmTimer(wakeTimer(hook.unit));
  await sayGoodbye(session);
  await retire(session);
  // The volume goes before `stop`: nothing may run from it then.
  if (isDetaching(hook.event, 'concourse-data') && (await owns(session, WEB_SERVICE))) await stopWeb(session);
  if (hook.event.kind === 'stop' || hook.event.kind === 'remove') await removeServices(session);
  if (hook.event.kind === 'remove') {
    await removeFiles(session);
    await unmount(session);
  }
  hook.status.add(statuses.leaving());
}

/** What a dying unit writes is committed, and heard at once: `relation-departed` may never come. */
async function sayGoodbye(session: Session): Promise<void> {
  const peer = await session.hook.peer('peers');
  if (peer === undefined) return;
  const leaving: Facts = { ...session.facts, leaving: true, ...calledOff(session.facts) };
  session.facts = leaving;
  const o = await observe(session);
  // One of several: the others answer, and nobody waits for it any more in an upgrade.
  if (o.settings.mode === 'web' && (await owns(session, WEB_SERVICE))) await stopWeb(session);
  const goal = o.leader && o.goal !== undefined ? nextGoal(goalInputs(o)) : undefined;
  if (goal !== undefined) await peer.setApplication(wholeGoal(goal));
  peer.setUnit(wholeFacts(leaving));
  if (session.memory.tsaRelations || session.memory.flight)
    await (await import('./tell-elsewhere.ts')).sayGoodbyeElsewhere(session);
}

/** An installer that goes in `prepare` lets the workers come back. */
function calledOff(facts: Facts): Facts {
  if (facts['upgrade-state'] !== 'prepare') return {};
  return {
    'upgrade-state': 'complete',
    'upgrade-outcome': 'unchanged',
    'upgrade-error': 'the installer was removed',
    'upgrade-deadline': undefined,
  };
}

/** A worker that is removed for good tells web so, and lets its builds end, within bounds. */
async function retire(session: Session): Promise<void> {
  const { hook, memory } = session;
  if (!(await owns(session, WORKER_SERVICE))) return;
  const { settings } = settleOptions(await hook.config(), memory.options ?? {}, hook.application);
  await retireWorker(session, settings.workerDrainTimeoutMs);
}

async function removeServices(session: Session): Promise<void> {
  const { host } = session;
  for (const service of [WORKER_SERVICE, EXPORTER_SERVICE, WEB_SERVICE]) {
    if (!(await owns(session, service))) continue;
    await host.services.uninstall(service);
    for (const name of files[service] ?? []) await host.files.remove(path.join(host.paths.etc, name));
  }
}

/** The volume that the relation brought; not under another unit of the application on this machine. */
async function unmount(session: Session): Promise<void> {
  const { hook, host } = session;
  if (!isMountUnitOf(hook.application, await host.files.readText(mountUnitPath(host)))) return;
  const agents = (await host.files.list(path.join(host.paths.root, 'var/lib/juju/agents'))) ?? [];
  const others = agents.filter((agent) => agent.startsWith(`unit-${hook.application}-`));
  if (others.some((agent) => agent !== `unit-${folderOfUnit(hook.unit)}`)) return;
  try {
    await unmountVolume(session);
  } catch (error) {
    // Somebody looks at it: that must not keep the unit.
    if (!(error instanceof SystemdFailure)) throw error;
    hook.log.warning(`${error.message}; sudo umount -l ${host.paths.volume}`);
  }
}

/** A service of this machine may be another unit's. */
async function owns({ hook, host }: Pick<Session, 'hook' | 'host'>, service: string): Promise<boolean> {
  const text = await host.files.readText(path.join(host.paths.systemd, service));
  return ownerOf(text) === hook.unit;
}

/** This unit's own folders; never a release, and nothing of a volume that is not there any more. */
async function removeFiles(session: Session): Promise<void> {
  const { hook, host, volume } = session;
  const facts = await volume.observe();
  if (facts.state === 'present') {
    const folder = workerFolder(host, hook.unit);
    const { state } = await folder.readState();
    if (state?.workDirectory?.place === 'scratch')
      await removeUnlessMounted(session, state.workDirectory.path);
    // On a volume that is read-only here the installer removes it, by the action `prune`.
    if (!facts.readOnly) await removeUnlessMounted(session, folder.path);
  }
  // Also when the volume that tells of it has gone before.
  await removeUnlessMounted(session, path.join(host.paths.localWork, folderOfUnit(hook.unit)));
  await host.files.remove(diagnosticsFolder(host));
  for (const note of [quietNotePath, peersNotePath, settingsNotePath, figuresPath, gpuNotePath])
    await host.files.remove(note(host.paths.run, hook.unit));
  await host.files.remove(silenceNotePath(host.paths.run));
  for (const endpoint of ['tsa', 'flight'] as const)
    await host.files.remove(relatedNotePath(host.paths.run, hook.unit, endpoint));
  await openMemory(host, hook.unit, rememberedSchema).forget();
  // Made by the charm, like the folder of notes: gone with the last file in it, which may be the administrator's.
  for (const folder of [
    host.paths.etc,
    path.dirname(quietNotePath(host.paths.run, hook.unit)),
    path.dirname(figuresPath(host.paths.run, hook.unit)),
    host.paths.memory,
  ]) {
    if ((await host.files.list(folder))?.length === 0) await host.files.remove(folder);
  }
}

async function removeUnlessMounted({ hook, host }: Session, directory: string): Promise<void> {
  const mounted = await mountedBelow(host, directory);
  if (mounted === undefined) return host.files.remove(directory);
  hook.log.warning(`${directory} stays: ${mounted} is mounted. sudo umount -l it, then remove it`);
}
