// The volume as deciding needs it, from what the storage manager found and the manifests of its releases.
import type { Files } from '../host/host.ts';
import type { VolumeView } from '../observed.ts';
import { readManifest, releaseDigest } from '../release/manifest.ts';
import type { Volume } from '../storage/volume.ts';

export async function viewVolume(files: Files, volume: Volume): Promise<VolumeView> {
  const facts = await volume.observe();
  if (facts.state !== 'present') {
    const [problem = 'it cannot be used'] = facts.problems;
    return { ...nothing, absent: facts.state === 'absent', problem, isMount: facts.mount.isMount };
  }
  const releases = new Map<string, { digest: string; architecture: string }>();
  for (const version of facts.releases) {
    const manifest = await readManifest(files, volume.layout.release(version));
    if (manifest?.version !== version) continue;
    releases.set(version, { digest: releaseDigest(manifest), architecture: manifest.architecture });
  }
  const malformed = facts.id === undefined && facts.problems.some((text) => text.includes('.volume-id'));
  return {
    absent: false,
    problem: malformed ? facts.problems.find((text) => text.includes('.volume-id')) : undefined,
    isMount: facts.mount.isMount,
    identity: facts.id,
    installed: facts.installed,
    marker: facts.marker,
    previous: facts.previous,
    releases,
    lockedBy: facts.holder?.unit,
    leftovers: facts.staging.length + (facts.download === undefined ? 0 : 1),
  };
}

const nothing: Omit<VolumeView, 'absent' | 'problem' | 'isMount'> = {
  identity: undefined,
  installed: undefined,
  marker: undefined,
  previous: undefined,
  releases: new Map(),
  leftovers: 0,
};
