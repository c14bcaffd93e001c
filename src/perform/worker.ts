// Effects on the worker service of this unit, its key and its folder on the volume.
import { REGISTRATION_MARKS, registration } from '../concourse/health.ts';
import type { ServicePlan } from '../concourse/service.ts';
import { runtimeDirectory, WORKER_SERVICE } from '../concourse/worker.ts';
import { workerKeyPath, workerPublicKeyPath } from '../observe/worker-view.ts';
import { plannedVersion, type Settings } from '../observed.ts';
import { verifyRelease } from '../release/manifest.ts';
import { rememberedSchema } from '../memory.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { openMemory } from '../storage/memory.ts';
import { keptOtherwise, misplaced, type WorkDirectory, workerFolder } from '../storage/worker-folder.ts';
import { workerRuns } from './retire.ts';
import { fail } from './failure.ts';
import { makeEtc, marksLast, mountedBelow, replaceFile } from './files.ts';

/** A worker that is let in registers within 1.4 s; longer is for a machine under load. */
const registrationMs = 8_000;
const pollMs = 250;
/** The unit's own TimeoutStopSec is 60 s for each of its steps. */
const stopMs = 180_000;

/** The public key comes last: with it, the pair is there. A worker that runs goes on with what it has in hand. */
export async function makeWorkerKey(session: Session): Promise<void> {
  const { host, hook } = session;
  const rekeyed = (await host.files.lstat(workerPublicKeyPath(host))) !== undefined;
  const { privatePem, publicSsh } = await host.random.rsaKey();
  await makeEtc(host);
  await replaceFile(host.files, { path: workerKeyPath(host), content: privatePem, mode: 0o600 });
  await replaceFile(host.files, { path: workerPublicKeyPath(host), content: `${publicSsh}\n`, mode: 0o644 });
  session.memory = {
    ...session.memory,
    workerKeys: session.goal?.['worker-keys'],
    rekeyed: rekeyed || undefined,
  };
  if (rekeyed) hook.log.info('the worker has a new key, and starts with it when web lets it in');
}

export async function prepareWorkerFolder(
  session: Session,
  { volumeDriver }: Pick<Settings, 'volumeDriver'>,
): Promise<void> {
  const { hook, host } = session;
  const folder = workerFolder(host, hook.unit);
  const { state, problem } = await folder.readState();
  if (problem !== undefined) hook.log.warning(problem);
  const { scratch } = session.memory;
  const wishes = { scratch, driver: volumeDriver };
  const before = state?.workDirectory;
  const moves =
    before !== undefined && (misplaced(hook.unit, before, scratch) || keptOtherwise(before, volumeDriver));
  // Before anything is given up for it.
  if (moves) usable(hook, volumeDriver, await folder.decideWorkDirectory(wishes));
  if (state !== undefined && moves) {
    const mounted = await mountedBelow(host, before.path);
    if (mounted !== undefined)
      fail('mounted', `juju ssh ${hook.unit} sudo umount -l ${mounted}: the work directory moves`);
    await folder.abandonWorkDirectory(state, scratch);
  }
  // A new work directory where there was one before: its volumes are gone, so the worker must have a new name.
  if (before === undefined || moves) {
    const { incarnation } = session.memory;
    session.memory = { ...session.memory, incarnation: incarnation === undefined ? 0 : incarnation + 1 };
    await openMemory(host, hook.unit, rememberedSchema).replace(session.memory);
  }
  const { workDirectory: _, ...rest } = state ?? {};
  const made = await folder.ensureWorkDirectory(moves ? rest : (state ?? {}), wishes);
  const { path, reason, driver, driverReason } = usable(hook, volumeDriver, made);
  hook.log.info(`work directory ${path}: ${reason}`);
  if (driver !== undefined) hook.log.info(`volume driver ${driver}: ${driverReason}`);
}

function usable(
  { application }: Session['hook'],
  wanted: Settings['volumeDriver'],
  decided: WorkDirectory | { problem: string },
): WorkDirectory {
  if (!('problem' in decided)) return decided;
  return fail('volume-driver', statuses.driverUnfit(application, wanted, decided.problem).message);
}

/** W1: before anything stops, until when this worker waits at most. */
export async function beginUpgrade(
  { hook, host }: Session,
  { id, deadline, landUntil }: { id: number; deadline: number; landUntil?: number | undefined },
): Promise<void> {
  const folder = workerFolder(host, hook.unit);
  const { state } = await folder.readState();
  const standingAside = { upgradeId: id, deadlineMs: deadline, landUntilMs: landUntil };
  await folder.writeState({ ...state, standingAside });
  hook.log.info(`stopping for upgrade ${id}, until ${new Date(deadline).toISOString()} at most`);
}

/** W2, where builds shall end first: web gives no more work, and the worker exits by itself when it has landed. Disabled after
 * the signal: whoever finds it enabled has not told it. */
export async function landWorker({ hook, host }: Session): Promise<void> {
  await host.services.signal(WORKER_SERVICE, 'SIGUSR1');
  await host.services.disable(WORKER_SERVICE);
  hook.log.info('concourse-worker.service lands');
}

/** W2: gracefully, shims of builds kept; and not started by a reboot. */
export async function stopWorker(session: Session): Promise<void> {
  const { hook, host, memory } = session;
  // One that an operator told to land, and that has not yet: its builds wait for it to come back.
  if (memory.parked !== undefined && (await workerRuns(host)))
    session.memory = { ...memory, parked: undefined };
  await host.services.disable(WORKER_SERVICE);
  await host.services.stop(WORKER_SERVICE, stopMs);
  hook.log.info('concourse-worker.service is stopped and disabled');
}

/** W5: the release is verified, then what the plan says is written and started. */
export async function startWorker(
  session: Session,
  plan: ServicePlan,
  digest: string | undefined,
): Promise<void> {
  const { hook, host, volume } = session;
  const version = plannedVersion(plan);
  const verified = await verifyRelease(host.files, volume.layout.release(version), {
    version,
    architecture: host.architecture,
    depth: 'sizes',
    ...(digest === undefined ? {} : { expectedDigest: digest }),
  });
  if (!verified.ok)
    fail('release-broken', `release ${version} does not verify: ${verified.problems.join('; ')}`);
  const folder = workerFolder(host, hook.unit);
  const { scratch } = session.memory;
  usable(hook, 'auto', await folder.ensureWorkDirectory((await folder.readState()).state ?? {}, { scratch }));
  await makeEtc(host);
  await host.services.install(WORKER_SERVICE, plan.unit);
  await makeRuntime(host, plan);
  for (const { path, content, mode } of marksLast(plan))
    await replaceFile(host.files, { path, content, mode });
  await host.services.enable(WORKER_SERVICE);
  await host.services.restart(WORKER_SERVICE);
  session.memory = { ...session.memory, rekeyed: undefined };
  hook.log.info(`concourse-worker.service starts Concourse ${version}`);
}

/** The folder of the plan's own programs; gone with the options that asked for them. Shims of builds that live on find the release's
 * in their PATH then. */
async function makeRuntime(host: Session['host'], plan: ServicePlan): Promise<void> {
  const directory = runtimeDirectory(host.paths.etc);
  if (plan.files.some((file) => file.path.startsWith(`${directory}/`)))
    return host.files.makeDirectory(directory, { mode: 0o755, recursive: true });
  if ((await host.files.lstat(directory)) !== undefined) await host.files.remove(directory);
}

/** Bounded; a worker that takes longer is looked at again by timer. */
export async function awaitRegistration({ host }: Session): Promise<void> {
  const start = host.clock.monotonic();
  for (;;) {
    const state = (await host.services.show([WORKER_SERVICE]))[WORKER_SERVICE];
    const invocation = state?.invocation ?? '';
    const lines = await host.services.log(WORKER_SERVICE, { invocation, containing: REGISTRATION_MARKS });
    const last = registration(lines);
    if (last.state === 'registered') return;
    if (host.clock.monotonic() - start >= registrationMs) {
      fail('not-registered', `the worker has not registered within ${registrationMs / 1000}s`, true);
    }
    await host.clock.wait(pollMs);
  }
}
