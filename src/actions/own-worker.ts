// The actions that take this unit's worker out of service: land-worker, to come back, and retire-worker, to be forgotten.
// restart-services brings it back.
import { ActionFailure } from 'juju-ts-ops';
import { WORKER_SERVICE } from '../concourse/worker.ts';
import { observe } from '../observe/observe.ts';
import { type Observed, ownUp } from '../observed.ts';
import { retireWorker, workerRuns } from '../perform/retire.ts';
import { remember, wakeSoon } from '../reconcile.ts';
import type { Session } from '../session.ts';
import { isWorker } from '../upgrade/facts.ts';

const pollMs = 1_000;
const sayMs = 15_000;

interface Params {
  /** ms; undefined: as worker-drain-timeout says. */
  timeout?: number | undefined;
}

/** Web gives no more builds, those that run may end, then the worker exits by itself and keeps its name and caches. */
export async function landWorker(session: Session, params: Params, tell: (text: string) => Promise<void>) {
  const { host } = session;
  const o = await observe(session);
  demandWorker(o);
  if (!ownUp(o.worker)) {
    if (o.worker.parked === 'landed')
      return { state: 'landed', seconds: '0.0', result: 'the worker has landed already' };
    throw new ActionFailure(`no worker runs on this unit: ${o.worker.parked ?? 'see the action status'}`);
  }
  await host.services.signal(WORKER_SERVICE, 'SIGUSR1');
  await park(session, 'landed');
  const withinMs = params.timeout ?? o.settings.workerDrainTimeoutMs;
  const [start, saidAt] = [host.clock.monotonic(), { ms: 0 }];
  const tookMs = () => host.clock.monotonic() - start;
  while (await workerRuns(host)) {
    if (tookMs() >= withinMs) {
      throw new ActionFailure(
        `builds still run after ${Math.round(withinMs / 1000)} s: the worker goes on landing, and is down when they end`,
        { results: { state: 'landing', seconds: seconds(tookMs()) } },
      );
    }
    if (tookMs() - saidAt.ms >= sayMs) {
      saidAt.ms = tookMs();
      await tell(`landing for ${Math.round(saidAt.ms / 1000)} s`);
    }
    await host.clock.wait(Math.min(pollMs, Math.max(1, withinMs - tookMs())));
  }
  return {
    state: 'landed',
    seconds: seconds(tookMs()),
    result: `the worker has landed, and is down until juju run ${o.unit} restart-services, or a reboot`,
  };
}

/** Web forgets the worker when its builds have ended; after `timeout` it is stopped, and they end with it. */
export async function retireOwnWorker(session: Session, params: Params) {
  const { host } = session;
  const o = await observe(session);
  demandWorker(o);
  if (!o.worker.retirable) {
    if (o.worker.parked === 'retired')
      return { state: 'retired', seconds: '0.0', result: 'the worker has retired already' };
    throw new ActionFailure('no worker runs on this unit: see the action status');
  }
  const start = host.clock.monotonic();
  await park(session, 'retired');
  const outcome = await retireWorker(session, params.timeout ?? o.settings.workerDrainTimeoutMs);
  const down = `it is down until juju run ${o.unit} restart-services`;
  const results = {
    retired: `the worker has retired, and web has forgotten it; ${down}`,
    stopped: `the worker was stopped with builds on it: prune-workers on the web unit makes web forget it; ${down}`,
    absent: `the worker did not run; prune-workers on the web unit makes web forget it; ${down}`,
  };
  return {
    state: outcome === 'absent' ? 'retired' : outcome,
    seconds: seconds(host.clock.monotonic() - start),
    result: results[outcome],
  };
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function demandWorker(o: Observed): void {
  if (o.worker.otherUnit !== undefined)
    throw new ActionFailure(`the worker of this machine is ${o.worker.otherUnit}'s: run it there`);
  if (!isWorker(o.facts)) throw new ActionFailure('this unit is no worker: see the action status');
  if (o.facts['upgrade-ready'] === true)
    throw new ActionFailure('the worker is stopped for an upgrade: try again when that has ended');
}

/** Remembered at once: whatever becomes of the action, the worker is not started behind the operator's back. */
async function park(session: Session, how: 'landed' | 'retired'): Promise<void> {
  session.memory = { ...session.memory, parked: { how, boot: await session.host.bootId() } };
  // The next hook says how it stands.
  await wakeSoon(session);
  await remember(session);
}
