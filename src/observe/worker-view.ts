// The worker service of this unit: what it should run, what it runs, whether web has let it in, and whether another unit
// has this machine's worker already.
import path from 'node:path';
import { fingerprint } from '../concourse/keys.ts';
import { REGISTRATION_MARKS, registration } from '../concourse/health.ts';
import { type Environment, parseEnvironmentFile } from '../concourse/environment-file.ts';
import { noEdits } from '../concourse/container-edits.ts';
import { type Gpus, gpuTags, gpuWords } from '../concourse/gpu-ids.ts';
import type { ServicePlan } from '../concourse/service.ts';
import { chooseDriver } from '../concourse/volume-driver.ts';
import { operatorProblems, WORKER_SERVICE, workerScriptPath, workerService } from '../concourse/worker.ts';
import type { Host, ServiceState } from '../host/host.ts';
import type { Settings, Status, WebElsewhere, WorkerView } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';
import { driverGrounds } from '../storage/driver-grounds.ts';
import {
  keptOtherwise,
  misplaced,
  type WorkDirectory,
  workerFolder,
  type WorkerState,
} from '../storage/worker-folder.ts';
import type { Facts } from '../upgrade/facts.ts';
import { type GivenToTasks, viewContainerEdits } from './container-edits-view.ts';
import { viewService } from './services.ts';
import { ownAddress } from './web-view.ts';

/** This worker's own key pair: on its own machine, never on the volume. */
export const workerKeyPath = (host: Host): string => path.join(host.paths.etc, 'worker_key');
export const workerPublicKeyPath = (host: Host): string => `${workerKeyPath(host)}.pub`;

export interface WorkerInputs {
  settings: Settings;
  /** Settings that options put into the worker's environment. */
  extra: Environment;
  installed: string | undefined;
  state: ServiceState | undefined;
  /** Services that run and use containerd's one socket. */
  rivals: readonly string[];
  /** The goal's installer, which is web; undefined when nothing is known of it. */
  web: Facts | undefined;
  installer: string;
  /** With mode=worker: another application's. */
  flight: WebElsewhere | undefined;
  /** The volume can be read: otherwise nothing of it is asked. */
  volumeUsable: boolean;
}

export async function viewWorker(session: Session, inputs: WorkerInputs): Promise<WorkerView> {
  const { hook, host } = session;
  const view = await viewService(session, WORKER_SERVICE, inputs.state);
  const publicSsh = (await host.files.readText(workerPublicKeyPath(host)))?.trim() || undefined;
  const { state } = inputs.volumeUsable
    ? await workerFolder(host, hook.unit).readState()
    : { state: undefined };
  const aside = state?.standingAside;
  const kept = await viewWork(session, inputs.settings.volumeDriver, state?.workDirectory);
  const registered = await registrationOf(session, view.up ? view.invocation : '');
  const decided = inputs.installed !== undefined && state?.workDirectory !== undefined;
  const given: GivenToTasks = decided
    ? await viewContainerEdits(session, inputs.settings)
    : { edits: noEdits, gpus: undefined };
  return {
    ...view,
    plan: kept.moving ? undefined : await planWorker(session, inputs, state, given),
    parked: await parkedAs(session),
    moving: kept.moving,
    work: kept.work,
    gpus: 'gpus' in given && given.gpus !== undefined ? gpuWords(given.gpus) : undefined,
    retirable: view.otherUnit === undefined && (view.up || (await hasScript(host))),
    registration: registered.state,
    complaint: registered.complaint,
    publicKey: publicSsh,
    fingerprint: publicSsh === undefined ? undefined : fingerprint(publicSsh),
    rival: inputs.settings.workerRuntime === 'containerd' ? inputs.rivals[0] : undefined,
    upgrade:
      aside === undefined
        ? undefined
        : { id: aside.upgradeId, deadline: aside.deadlineMs, landUntil: aside.landUntilMs },
  };
}

/** Another driver is looked at before anything is given up for it: one that cannot be leaves the worker as it is. */
async function viewWork(
  { hook, host, memory }: Session,
  wanted: Settings['volumeDriver'],
  decided: WorkDirectory | undefined,
): Promise<{ moving: boolean; work: WorkerView['work'] }> {
  if (decided === undefined) return { moving: false, work: undefined };
  const { path: place, reason, driver, driverReason = "Concourse's own choice" } = decided;
  const work = { path: place, reason, driver: driver ?? 'overlay', driverReason };
  if (misplaced(hook.unit, decided, memory.scratch)) return { moving: true, work };
  if (!keptOtherwise(decided, wanted)) return { moving: false, work };
  if ((await host.files.stat(place)) === undefined) return { moving: true, work };
  const { type } = await host.files.space(place);
  const choice = chooseDriver(wanted, await driverGrounds(host, type, wanted));
  if (!('problem' in choice)) return { moving: true, work };
  const unfit = statuses.driverUnfit(hook.application, wanted, choice.problem);
  return { moving: false, work: { ...work, unfit } };
}

/** Landing is for coming back: after a reboot nothing keeps it away. */
async function parkedAs(session: Session): Promise<WorkerView['parked']> {
  const { parked } = session.memory;
  if (parked?.how !== 'landed') return parked?.how;
  if ((await session.host.bootId()) === parked.boot) return 'landed';
  session.memory = { ...session.memory, parked: undefined };
  return undefined;
}

/** It comes with each start, and goes when the worker has retired. */
async function hasScript(host: Host): Promise<boolean> {
  return (await host.files.lstat(workerScriptPath(host.paths.etc))) !== undefined;
}

async function registrationOf(
  session: Session,
  invocation: string,
): Promise<{ state: WorkerView['registration']; complaint: string | undefined }> {
  if (invocation === '') return { state: 'unknown', complaint: undefined };
  const lines = await session.host.services.log(WORKER_SERVICE, {
    invocation,
    containing: REGISTRATION_MARKS,
  });
  const last = registration(lines);
  if (last.state !== 'unregistered') return { state: last.state, complaint: undefined };
  return {
    state: 'unregistered',
    complaint: last.reason === 'other' ? session.hook.masked(last.detail) : last.reason,
  };
}

async function planWorker(
  session: Session,
  inputs: WorkerInputs,
  state: WorkerState | undefined,
  given: GivenToTasks,
): Promise<ServicePlan | { missing: Status } | undefined> {
  const { hook, host } = session;
  const { settings, installed } = inputs;
  if (installed === undefined || state?.workDirectory === undefined) return undefined;
  const elsewhere = settings.mode === 'worker';
  const tsa = elsewhere ? tsaElsewhere(session, inputs.flight) : tsaOf(session, inputs.web);
  if (tsa === undefined) return { missing: noWeb(hook.application, inputs) };
  const workerKeyPem = await host.files.readText(workerKeyPath(host));
  if (workerKeyPem === undefined) return undefined;
  const operatorEnvironment = await host.files.readText(path.join(host.paths.defaults, 'concourse-worker'));
  if ('missing' in given) return given;
  const operator = parseEnvironmentFile(operatorEnvironment ?? '');
  const refused = operatorProblems(settings.workerRuntime, operator, given.edits);
  if (refused.length > 0) return { missing: statuses.operatorFile(refused) };
  const { path: folder, lockPath: lockFile } = workerFolder(host, hook.unit);
  const planned = workerService({
    unit: hook.unit,
    version: installed,
    release: session.volume.layout.release(installed),
    etc: host.paths.etc,
    defaults: host.paths.defaults,
    run: host.paths.run,
    volume: host.paths.volume,
    folder,
    workDirectory: state.workDirectory.path,
    volumeDriver: state.workDirectory.driver,
    edits: given.edits,
    lockFile,
    incarnation: session.memory.incarnation,
    address: (await ownAddress(hook)).bind,
    model: elsewhere ? hook.model.uuid : undefined,
    tsaHosts: tsa.hosts,
    tsaHostKeys: tsa.hostKeys,
    workerKeyPem,
    runtime: settings.workerRuntime,
    logLevel: settings.logLevel,
    proxies: hook.proxies,
    extra: withTags(inputs.extra, given.gpus),
    operatorEnvironment,
  });
  if (planned.ok) return planned.plan;
  return { missing: statuses.effectFailed(planned.problems.map(({ message }) => message).join('; ')) };
}

function noWeb(application: string, { settings, flight, installer }: WorkerInputs): Status {
  if (settings.mode !== 'worker') return statuses.webAbsent(installer);
  return flight === undefined ? statuses.workerAlone(application) : statuses.flightSilent(flight.application);
}

type Tsa = Pick<WebElsewhere, 'hosts' | 'hostKeys'>;

/** Those of the option `tag` come first. */
function withTags(extra: Environment, gpus: Gpus | undefined): Environment {
  if (gpus === undefined) return extra;
  const tags = [...(extra['CONCOURSE_TAG']?.split(',') ?? []), ...gpuTags(gpus)];
  return { ...extra, CONCOURSE_TAG: [...new Set(tags)].join(',') };
}

/** Where workers register. When web has left, where they did: a worker that comes back needs no word from it. */
function tsaOf(session: Session, web: Facts | undefined): Tsa | undefined {
  const address = web?.['tsa-address'];
  const hostKey = web?.['tsa-host-key'];
  const known = session.memory.tsa;
  if (address === undefined || hostKey === undefined)
    return known && { hosts: [known.address], hostKeys: [known.hostKey] };
  if (known?.address !== address || known.hostKey !== hostKey) {
    session.memory = { ...session.memory, tsa: { address, hostKey } };
  }
  return { hosts: [address], hostKeys: [hostKey] };
}

/** The same, with another application's web. The relation ends: so does that. */
function tsaElsewhere(session: Session, flight: WebElsewhere | undefined): Tsa | undefined {
  if (flight === undefined || flight.hosts.length === 0) return flight && session.memory.webs;
  const { hosts, hostKeys } = flight;
  session.memory = { ...session.memory, webs: { hosts, hostKeys } };
  return { hosts, hostKeys };
}
