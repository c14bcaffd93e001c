// Units on bare machines, with a stand-in release that Juju hands them as a resource: no network is needed, and none is there.
import { copyFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Lab, Site } from 'juju-lab';
import { onTestFinished } from 'vitest';
import { makeStandInRelease } from '../../../lib/concourse-stand-in/src/index.ts';
import { nodeBinary } from '../../../scripts/pack/node-binary.ts';
import { architecture, root } from './folders.ts';
import { rootfs } from './rootfs.ts';

export const application = 'concourse-ci';
const first = '8.1.0';

export interface BareSite {
  lab: Lab;
  site: Site;
  /** The shared volume as this host sees it. */
  volume: string;
  deploy(units: number, config?: Record<string, string>): Promise<void>;
  /** Attaches that version's release in the place of the one before, and asks for it. */
  offer(version: string): Promise<void>;
  /** All units are active, and nothing is left to do. */
  settled(): Promise<void>;
}

/** `charm`: an unpacked one. Everything ends with the test. */
export async function bareSite(charm: string): Promise<BareSite> {
  const site = await Site.open({
    rootfs: rootfs(),
    binds: (folder) => [
      { from: join(folder, 'volume'), to: '/var/lib/concourse' },
      { from: join(folder, 'database'), to: '/srv/database' },
      { from: join(folder, 'releases'), to: '/srv/releases', readOnly: true },
    ],
  });
  let lab: Lab | undefined;
  onTestFinished(async (context) => {
    if (context.task.result?.state === 'fail') console.error(lastLines(lab));
    await lab?.close();
    await site.close();
  });
  const folder = (name: string): string => join(site.folder, name);
  for (const name of ['volume', 'database/atc/workers', 'releases']) {
    mkdirSync(folder(name), { recursive: true });
  }
  makeDatabase(folder('database'));
  copyFileSync((await nodeBinary(root, architecture)).binary, folder('releases/node'));
  const release = async (version: string): Promise<{ path: string; sha256: string }> => {
    const directory = folder('releases');
    const request = { version, architecture, directory, node: '/srv/releases/node' } as const;
    const { path, sha256 } = await makeStandInRelease(request);
    return { path: join('/srv/releases', basename(path)), sha256 };
  };
  const started = new Lab({
    directory: folder('lab'),
    charm: { directory: charm },
    machines: { make: site.make, address: site.address },
  });
  lab = started;
  const statuses = () => started.juju.units(application).map((unit) => [unit, started.juju.unitStatus(unit)]);
  const settled = async (): Promise<void> => {
    const active = () =>
      started.juju.units(application).every((unit) => started.juju.unitStatus(unit).status === 'active');
    await started.waitFor(active, 90_000, () => `not active: ${JSON.stringify(statuses())}`);
    await started.settle({ timeoutMs: 90_000 });
  };
  return {
    lab: started,
    site,
    volume: folder('volume'),
    settled,
    offer: async (version) => {
      const { path, sha256 } = await release(version);
      started.operate((juju) => juju.attachResource(application, 'concourse-release', path));
      started.configure(application, { version, 'release-sha256': sha256 });
    },
    deploy: async (units, config = {}) => {
      const { path, sha256 } = await release(first);
      const postgres = started.juju.addSecret('postgres', { uri: databaseUri(1) });
      started.deploy(application, {
        units,
        resources: { 'concourse-release': path },
        config: {
          version: first,
          'release-sha256': sha256,
          'postgres-uri': postgres,
          'worker-runtime': 'houdini',
          'shared-storage': 'required',
          ...config,
        },
      });
      for (const machine of site.machines) allowDatabase(machine.root);
      started.operate((juju) => juju.grantSecret('postgres', application));
      await settled();
    },
  };
}

/** What stands in for PostgreSQL is a folder; another number is another content of the secret. */
export const databaseUri = (number: number): string =>
  `postgresql://concourse:${number}@/atc?host=/srv/database`;

/** Web's user and root both write to it. */
function makeDatabase(folder: string): void {
  const history = join(folder, 'atc/migrations_history');
  writeFileSync(history, '');
  for (const path of [folder, join(folder, 'atc'), join(folder, 'atc/workers')]) chmodSync(path, 0o777);
  chmodSync(history, 0o666);
}

/** A real database is reached by the network: the unit file lets web write nowhere. */
function allowDatabase(machineRoot: string): void {
  const dropIns = join(machineRoot, 'etc/systemd/system/concourse-server.service.d');
  mkdirSync(dropIns, { recursive: true });
  writeFileSync(join(dropIns, 'database.conf'), '[Service]\nReadWritePaths=/srv/database\nUMask=0000\n');
}

const lastLines = (lab: Lab | undefined): string =>
  (lab?.log ?? [])
    .slice(-60)
    .map(({ unit, level, text }) => `${unit} ${level} ${text}`)
    .join('\n');
