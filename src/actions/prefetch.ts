// The action prefetch: a release is made whole and verified on the shared volume ahead of the upgrade to it.
import { ActionFailure } from 'juju-ts-ops';
import { observe } from '../observe/observe.ts';
import type { Observed } from '../observed.ts';
import { failureOf } from '../perform/failure.ts';
import { stageNow } from '../perform/release.ts';
import { remember } from '../reconcile.ts';
import { compareVersions } from '../release/version.ts';
import type { Session } from '../session.ts';
import { volumeVerdict } from '../upgrade/volume.ts';
import { demandInstaller, goalOf } from './situation.ts';

interface Params {
  version?: string | undefined;
  sha256?: string | undefined;
}

/** Changes neither the goal nor what anybody runs. The release stays on the volume until it is installed or another one is
 * prefetched. */
export async function prefetch(session: Session, params: Params, tell: (text: string) => Promise<void>) {
  const o = await observe(session);
  demandInstaller(o, 'prefetch');
  const verdict = volumeVerdict(o, goalOf(o));
  if (verdict.kind === 'refused') throw new ActionFailure(verdict.status.message);
  if (session.facts['upgrade-state'] === 'prepare')
    throw new ActionFailure('an upgrade is under way, and workers wait for it: try again when it has ended');
  const version = params.version ?? nextVersion(o);
  // What runs is never replaced under its services.
  const damaged = o.memory.damaged === version && version !== o.volume.installed;
  const there = o.volume.releases.has(version) && !damaged;
  if (!there) await download(session, o, version, params.sha256, tell);
  session.memory = {
    ...session.memory,
    prefetched: version === o.volume.installed ? undefined : version,
    damaged: damaged ? undefined : o.memory.damaged,
  };
  await remember(session);
  const stays = version === o.volume.installed ? 'it is installed' : 'an upgrade to it downloads nothing';
  return {
    version,
    downloaded: !there,
    result: there
      ? `${version} was on the volume already: ${stays}`
      : `${version} is on the volume, verified: ${stays}`,
  };
}

/** What the configuration asks for, or the newer of goal and pin; of workers alone, what web runs. */
function nextVersion(o: Observed): string {
  if (o.settings.mode === 'worker') return o.flight?.version ?? goalOf(o).version;
  if (o.settings.version !== undefined) return o.settings.version;
  const goal = goalOf(o).version;
  return compareVersions(o.pin.version, goal) > 0 ? o.pin.version : goal;
}

async function download(
  session: Session,
  o: Observed,
  version: string,
  sha256: string | undefined,
  tell: (text: string) => Promise<void>,
): Promise<void> {
  const goal = goalOf(o);
  const { architecture, pin, settings } = o;
  const pinned = pin.version === version ? pin.digests[architecture] : undefined;
  const digest = (goal.version === version ? goal.digests?.[architecture] : undefined) ?? pinned;
  // The option speaks of the version that is configured, and of no other.
  const configured = settings.version === version ? settings.releaseSha256 : undefined;
  const asked: Observed = { ...o, settings: { ...settings, releaseSha256: sha256 ?? configured } };
  let last = '';
  const say = async (text: string) => {
    // A line for each tenth is enough to read.
    const tenth = text.replace(/[0-9] %$/, '0 %');
    if (tenth !== last) await tell(text);
    last = tenth;
  };
  try {
    await stageNow(session, asked, { version, digest, say });
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    throw new ActionFailure(failure.message, { cause: error });
  }
}
