// The packed charm in a lab, with stand-in releases from a local mirror: what the lab tests share.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab, type LabOptions } from 'juju-lab';
import { create, extract } from 'tar';
import { onTestFinished } from 'vitest';
import { makeStandInRelease, type StandInRequest } from '../../../lib/concourse-stand-in/src/index.ts';
import { unpackCharm } from '../../../scripts/pack/charm.ts';
import { type Mirror, serveMirror } from '../../../scripts/start/mirror.ts';

export const application = 'concourse-ci';
export const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
export const root = join(import.meta.dirname, '../../..');

export interface ConcourseLab {
  lab: Lab;
  mirror: Mirror;
  directory: string;
  deploy(units: number, config?: Record<string, string | number | boolean>): Promise<void>;
  facts(unit: string): Record<string, string>;
}

/** A directory that goes when the test is over. Short: sockets lie below it. */
export function temporary(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'concourse-lab-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export async function packedCharm(directory: string): Promise<string> {
  const charm = join(directory, 'charm');
  await unpackCharm({ root, entry: 'charm.ts', architecture }, charm, { linkNode: true });
  return charm;
}

export async function standIn(
  directory: string,
  version: string,
  more: Partial<StandInRequest> = {},
): Promise<string> {
  return (
    await makeStandInRelease({ version, architecture, directory: join(directory, 'releases'), ...more })
  ).path;
}

/** A stand-in with the programs that are started, one resource type and one fly: as a release must be, and no more. */
async function smallStandIn(directory: string, version: string): Promise<string> {
  const whole = await standIn(directory, version);
  const folder = join(directory, `small-${version}`);
  mkdirSync(folder);
  const wanted =
    /\/(bin\/(concourse|containerd-shim-runc-v2)|resource-types\/git\/.*|fly-assets\/fly-linux-amd64\.tgz)$/;
  await extract({ file: whole, cwd: folder, filter: (path) => wanted.test(path) });
  await create({ file: whole, cwd: folder, gzip: true, portable: true }, ['concourse']);
  return whole;
}

/** `small`: archives of a handful of files, where each file costs a test something. */
export async function concourseLab(
  versions: readonly string[],
  options: Partial<LabOptions> & { small?: boolean } = {},
): Promise<ConcourseLab> {
  const { small = false, ...labOptions } = options;
  const directory = temporary();
  const charm = await packedCharm(directory);
  const archives = [];
  for (const version of versions) archives.push(await (small ? smallStandIn : standIn)(directory, version));
  const mirror = await serveMirror(archives);
  const lab = new Lab({
    directory: join(directory, 'lab'),
    charm: { directory: charm },
    volume: { mountPath: '/var/lib/concourse' },
    extraEnvironment: { CONCOURSE_STAND_IN_DB: join(directory, 'database') },
    ...labOptions,
  });
  onTestFinished(async () => {
    await lab.close();
    await mirror.close();
  });
  return {
    lab,
    mirror,
    directory,
    facts: (unit) => lab.juju.databag('peers', unit),
    deploy: async (units, config = {}) => {
      const postgres = lab.juju.addSecret('postgres', {
        uri: 'postgresql://concourse:stand-in@127.0.0.1:5432/concourse',
      });
      lab.deploy(application, {
        units,
        config: {
          version: versions[0] ?? '',
          'release-mirror': mirror.url,
          'postgres-uri': postgres,
          'worker-runtime': 'houdini',
          ...config,
        },
      });
      lab.operate((juju) => juju.grantSecret('postgres', application));
      await settled(lab);
    },
  };
}

/** Every unit idle, and active. */
export async function settled(lab: Lab): Promise<void> {
  const statuses = () =>
    lab.juju.units(application).map((unit) => [unit, lab.juju.unitStatus(unit)] as const);
  const late = () => `not active: ${JSON.stringify(statuses())}`;
  await lab.waitFor(() => statuses().every(([, { status }]) => status === 'active'), 120_000, late);
  await lab.settle({ timeoutMs: 120_000 });
}
