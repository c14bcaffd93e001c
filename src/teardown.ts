// The hooks in which this unit goes: it says that it leaves, names the next installer if it leads, retires its worker,
// and takes its services, timer, keys and folder away. Nothing that others share is touched.
import path from 'node:path';
import { WEB_SERVICE } from './concourse/web.ts';
import { WORKER_SERVICE } from './concourse/worker.ts';
import { goalInputs } from './decide.ts';
import { observe } from './observe/observe.ts';
import { peersNotePath } from './observe/peers.ts';
import { quietNotePath } from './quiet.ts';
import { wakeTimer } from './reconcile.ts';
import { rememberedSchema } from './memory.ts';
import type { Session } from './session.ts';
import { statuses } from './statuses.ts';
import { openMemory } from './storage/memory.ts';
import { workerFolder } from './storage/worker-folder.ts';
import { type Facts, wholeFacts } from './upgrade/facts.ts';
import { nextGoal, wholeGoal } from './upgrade/goal.ts';

/** Idle, a worker is gone within 57 s of SIGUSR2; one whose builds take longer is stopped all the same. */
const retireMs = 90_000;
const pollMs = 500;
const stopMs = 180_000;

const files: Record<string, readonly string[]> = {
  [WEB_SERVICE]: ['web.env', 'tsa_host_key', 'session_signing_key', 'authorized_worker_keys'],
  [WORKER_SERVICE]: ['worker.env', 'worker_key', 'worker_key.pub', 'tsa_host_key.pub', 'worker-service.sh'],
};

export async function teardown(session: Session): Promise<void> {
  const { hook } = session;
  await sayGoodbye(session);
  await retire(session);
  if (hook.event.kind === 'stop' || hook.event.kind === 'remove') await removeServices(session);
  if (hook.event.kind === 'remove') await removeFiles(session);
  hook.status.add(statuses.leaving());
}

/** What a dying unit writes is committed, and heard at once: `relation-departed` may never come. */
async function sayGoodbye(session: Session): Promise<void> {
  const peer = await session.hook.peer('peers');
  if (peer === undefined) return;
  const leaving: Facts = { ...session.facts, leaving: true, ...calledOff(session.facts) };
  session.facts = leaving;
  const o = await observe(session);
  if (o.leader && o.goal !== undefined) await peer.setApplication(wholeGoal(nextGoal(goalInputs(o))));
  peer.setUnit(wholeFacts(leaving));
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
async function retire({ hook, host }: Session): Promise<void> {
  if (!(await owns({ hook, host }, WORKER_SERVICE))) return;
  const running = async () => {
    const state = (await host.services.show([WORKER_SERVICE]))[WORKER_SERVICE];
    return state !== undefined && state.mainPid !== 0 && ['active', 'activating'].includes(state.active);
  };
  if (!(await running())) return;
  await hook.progress('retiring the worker');
  await host.services.disable(WORKER_SERVICE);
  await host.services.signal(WORKER_SERVICE, 'SIGUSR2');
  const start = host.clock.monotonic();
  while (await running()) {
    if (host.clock.monotonic() - start >= retireMs) {
      hook.log.warning(`the worker has not retired within ${retireMs / 1000}s: stopped`);
      break;
    }
    await host.clock.wait(pollMs);
  }
  await host.services.stop(WORKER_SERVICE, stopMs);
}

async function removeServices(session: Session): Promise<void> {
  const { hook, host } = session;
  await host.services.disarmTimer(wakeTimer(hook.unit));
  for (const service of [WORKER_SERVICE, WEB_SERVICE]) {
    if (!(await owns(session, service))) continue;
    await host.services.uninstall(service);
    for (const name of files[service] ?? []) await host.files.remove(path.join(host.paths.etc, name));
  }
}

/** A service of this machine may be another unit's. */
async function owns({ hook, host }: Pick<Session, 'hook' | 'host'>, service: string): Promise<boolean> {
  const text = await host.files.readText(path.join(host.paths.systemd, service));
  return text?.startsWith(`# Owner: ${hook.unit}\n`) === true;
}

/** This unit's own folders; never a release, and nothing of a volume that is not there any more. */
async function removeFiles({ hook, host, volume }: Session): Promise<void> {
  const facts = await volume.observe();
  if (facts.state === 'present' && !facts.readOnly) {
    const folder = workerFolder(host, hook.unit);
    const { state } = await folder.readState();
    if (state?.workDirectory?.place === 'local') await host.files.remove(state.workDirectory.path);
    await host.files.remove(folder.path);
  }
  for (const note of [quietNotePath(host.paths.run, hook.unit), peersNotePath(host.paths.run, hook.unit)]) {
    await host.files.remove(note);
  }
  await openMemory(host, hook.unit, rememberedSchema).forget();
  // Made by the charm, like the folder of notes: gone with the last file in it, which may be the administrator's.
  for (const folder of [
    host.paths.etc,
    path.dirname(quietNotePath(host.paths.run, hook.unit)),
    host.paths.memory,
  ]) {
    if ((await host.files.list(folder))?.length === 0) await host.files.remove(folder);
  }
}
