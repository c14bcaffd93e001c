// The actions on the volume: verify, prune, unlock, accept-volume.
import { ActionFailure } from 'juju-ts-ops';
import { observe } from '../observe/observe.ts';
import { verifyRelease } from '../release/manifest.ts';
import { remember, wakeSoon } from '../reconcile.ts';
import type { Session } from '../session.ts';
import { LockBusy } from '../storage/failures.ts';
import { describeHolder } from '../storage/holder.ts';
import { withInstallLock } from '../storage/lock.ts';
import { workerFoldersToPrune } from '../storage/prune.ts';
import { breakStaleLock } from '../storage/unlock.ts';
import { factsOf } from '../upgrade/goal.ts';
import { onThisVolume } from '../upgrade/guests.ts';
import { releasesToPrune, silentUnits } from '../upgrade/tidying.ts';
import { demandInstaller, demandVolume, goalOf } from './situation.ts';

/** Reads every byte of the installed release. */
export async function verify(session: Session) {
  const { host } = session;
  const o = await observe(session);
  const version = o.volume.installed;
  if (version === undefined)
    throw new ActionFailure(o.volume.problem ?? 'nothing is installed on the volume that this unit sees');
  const published =
    o.goal === undefined ? undefined : factsOf(o.goal.installer, o.unit, session.facts, o.peers);
  const expected = published?.['installed-version'] === version ? published['release-digest'] : undefined;
  const result = await verifyRelease(host.files, session.volume.layout.release(version), {
    version,
    architecture: host.architecture,
    depth: 'contents',
    ...(expected === undefined ? {} : { expectedDigest: expected }),
  });
  if (result.ok) {
    const { length } = result.manifest.files;
    return {
      version,
      digest: result.digest,
      files: length,
      result: `all ${length} files of ${version} are as they were staged`,
    };
  }
  const installs = o.goal?.installer === o.unit;
  if (installs) {
    session.memory = { ...session.memory, damaged: version };
    await remember(session);
  }
  const mend = installs
    ? 'rollback, then upgrade stage it anew'
    : `juju run ${o.goal?.installer} verify, then rollback and upgrade, stage it anew`;
  throw new ActionFailure(`release ${version} is damaged: ${result.problems.join('; ')}; ${mend}`, {
    results: { version, problems: result.problems.join('\n') },
  });
}

export async function prune(session: Session, params: { 'dry-run': boolean }) {
  const { hook, host } = session;
  const o = await observe(session);
  demandInstaller(o, 'prune');
  const facts = await session.volume.observe();
  if (facts.state !== 'present') throw new ActionFailure(facts.problems.join('; '));
  const releases = releasesToPrune(o, facts.releases);
  const silent = silentUnits(o);
  const workers = await session.volume.workers();
  // Who lives of another application that shares the volume is not asked here.
  const ours =
    onThisVolume(o).length === 0 ? workers : workers.filter((unit) => unit.startsWith(`${o.application}/`));
  const units = workerFoldersToPrune(ours, o.living ?? new Set(workers));
  const { staging } = facts;
  const found = {
    releases: releases.join(', ') || 'none',
    'worker-folders': units.join(', ') || 'none',
    leftovers: staging.join(', ') || 'none',
    ...(silent.length > 0 && {
      'not-heard': `${silent.join(', ')}: releases stay until they have said what they run`,
    }),
  };
  if (params['dry-run']) return { ...found, result: 'nothing was removed: dry-run' };
  await withInstallLock(
    host,
    { unit: hook.unit, purpose: 'the action prune', waitMs: 25_000 },
    async (held) => {
      for (const version of releases) await held.removeRelease(version);
      for (const unit of units) await held.removeWorkerFolder(unit);
    },
  ).catch(refuseBusy);
  return { ...found, result: 'removed' };
}

export async function unlock(session: Session) {
  const { hook, host } = session;
  demandVolume(await observe(session));
  const found = await breakStaleLock(host, hook.unit).catch(refuseBusy);
  const holder = found.holder === undefined ? 'nobody' : describeHolder(found.holder);
  const result =
    found.state === 'stale' ? 'the lock of a holder that is gone was removed' : 'there was nothing to remove';
  return { state: found.state, holder, evidence: found.evidence, result };
}

/** `LockBusy` is an answer, not an accident. */
function refuseBusy(error: unknown): never {
  if (error instanceof LockBusy)
    throw new ActionFailure(`${error.message}: it lives, so its lock stays`, { cause: error });
  throw error;
}

/** An unmarked volume gets an id first: an operator who says "this one" may mean an empty one. */
export async function acceptVolume(session: Session) {
  const { hook, host } = session;
  const o = await observe(session);
  if (o.volume.problem !== undefined)
    throw new ActionFailure(`the volume cannot be accepted: ${o.volume.problem}`);
  goalOf(o);
  const identity =
    o.volume.identity ??
    (await session.volume.claimIdentity({
      uuid: host.random.uuid(),
      modelUuid: o.modelUuid,
      application: o.application,
    }));
  session.memory = { ...session.memory, acceptedVolume: identity.uuid };
  await wakeSoon(session);
  await remember(session);
  const peer = await hook.peer('peers');
  peer?.setUnit({ 'volume-id': identity.uuid });
  const owner = identity.application === o.application ? '' : `; it belonged to ${identity.application}`;
  return {
    'volume-id': identity.uuid,
    result: `accepted; this unit goes on with it at once${owner}`,
  };
}
