// The packed charm in a lab, deployed and at rest: where the benches of hooks and upgrades begin.
import { join } from 'node:path';
import { arch } from 'node:os';
import { Lab } from 'juju-lab';
import { makeStandInRelease } from '../../lib/concourse-stand-in/src/index.ts';
import { unpackCharm } from '../pack/charm.ts';
import { type Mirror, serveMirror } from '../start/mirror.ts';

const root = join(import.meta.dirname, '../..');
const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
export const application = 'concourse-ci';
/** 1 GB to a busy disk takes its time. */
const settleMs = 600_000;

/** As `npm run pack` makes it, unpacked as by Juju. */
export async function packedCharm(directory: string): Promise<string> {
  const charm = join(directory, 'charm');
  await unpackCharm({ root, entry: 'charm.ts', architecture }, charm, { linkNode: true });
  return charm;
}

/** Archives of stand-ins; the path of each. `startDelayMs`: how late its services answer. */
export async function standIns(
  directory: string,
  versions: readonly string[],
  { sizeBytes, startDelayMs }: { sizeBytes: number; startDelayMs: number },
): Promise<string[]> {
  const paths = [];
  for (const version of versions) {
    const request = { version, architecture, directory, sizeBytes, behaviour: { startDelayMs } } as const;
    paths.push((await makeStandInRelease(request)).path);
  }
  return paths;
}

export interface SettledLab {
  lab: Lab;
  /** What hooks and services get beside Juju's variables. */
  extraEnvironment: Record<string, string>;
  close(): Promise<void>;
}

/** One web unit, which leads, and `workers`, all active on `version`. Ends what it began when that fails. */
export async function settledLab(options: {
  directory: string;
  charm: string;
  archives: readonly string[];
  version: string;
  workers: number;
}): Promise<SettledLab> {
  const { directory, charm, archives, version, workers } = options;
  const mirror: Mirror = await serveMirror(archives);
  const extraEnvironment = { CONCOURSE_STAND_IN_DB: join(directory, 'database') };
  const lab = new Lab({
    directory: join(directory, 'lab'),
    charm: { directory: charm },
    volume: { mountPath: '/var/lib/concourse' },
    extraEnvironment,
  });
  const close = async () => {
    await lab.close();
    await mirror.close();
  };
  try {
    const postgres = lab.juju.addSecret('postgres', {
      uri: 'postgresql://concourse:stand-in@127.0.0.1:5432/concourse',
    });
    const config = {
      version,
      'release-mirror': mirror.url,
      'postgres-uri': postgres,
      'worker-runtime': 'houdini',
    };
    lab.deploy(application, { units: 1 + workers, config });
    lab.operate((juju) => juju.grantSecret('postgres', application));
    await allRun(lab, version);
    return { lab, extraEnvironment, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every unit is active and runs `version`, and none has anything to do. */
export async function allRun(lab: Lab, version: string): Promise<void> {
  const seen = () =>
    lab.juju.units(application).map((unit) => {
      const facts = lab.juju.databag('peers', unit);
      const { status, message } = lab.juju.unitStatus(unit);
      return { unit, status, message, runs: facts['running-web'] ?? facts['running-worker'] };
    });
  const late = () => `not every unit runs ${version}: ${JSON.stringify(seen())}`;
  await lab.waitFor(
    () => seen().every(({ status, runs }) => status === 'active' && runs === version),
    settleMs,
    late,
  );
  await lab.settle({ timeoutMs: settleMs });
}
