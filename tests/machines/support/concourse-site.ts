// Real machines with the packed charm on them and stand-in releases on a mirror: what the tests of this tier share.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { Lab, type LabOptions, type Machine, Site } from 'juju-lab';
import { inject, onTestFinished } from 'vitest';
import { makeStandInRelease, type StandInRequest } from '../../../lib/concourse-stand-in/src/index.ts';
import { nodeBinary } from '../../../scripts/pack/node-binary.ts';
import type { Stage } from '../../support/providers/stage.ts';
import { type SwitchMirror, serveOnSwitch } from './mirror.ts';
import { postgresOnSwitch, type SwitchPostgres } from './postgres.ts';
import { base, mirrorHost } from './rootfs.ts';

export const application = 'concourse-ci';
export const architecture = arch() === 'arm64' ? 'arm64' : 'amd64';
export const root = join(import.meta.dirname, '../../..');
export const cache = join(root, 'node_modules/.cache/machines');
export const web = `${application}/0`;
export const worker = `${application}/1`;
export const second = `${application}/2`;
export const webService = 'concourse-server.service';
export const workerService = 'concourse-worker.service';

export interface ConcourseSite {
  lab: Lab;
  site: Site;
  mirror: SwitchMirror;
  /** The shared volume as this host sees it. */
  volume: string;
  machine(unit: string): Machine;
  deploy(units: number, config?: Record<string, string | number | boolean>): Promise<void>;
  facts(unit: string): Record<string, string>;
  /** A unit is active, all of them are, and nothing is left to do. */
  settled(): Promise<void>;
  show(unit: string, service: string): Promise<Record<string, string>>;
  /** What web on that unit's machine says that it is. */
  webVersion(unit: string): Promise<string>;
  status(unit: string): { status: string; message: string };
  /** Runs the charm once more on a unit, as update-status does. */
  look(unit: string): Promise<void>;
  /** Takes the machine from the switch and from the controller; the volume stays. */
  partition(unit: string): void;
  heal(unit: string): void;
  /** Lets the next hook of that unit in which it occurs stand still right before the effect (see pause-at.mjs). */
  pauseAt(unit: string, effect: string): Promise<void>;
  /** Where it was asked for. */
  postgres: SwitchPostgres | undefined;
  /** For the applications beside it. */
  stage: Stage;
}

interface Wishes {
  /** Units whose size the volume has, in MiB. */
  volumeMiB?: number;
  /** Of single versions. */
  releases?: Record<string, Partial<StandInRequest>>;
  lab?: Partial<LabOptions>;
  releaseMirror?: string;
  /** A real one, where web keeps its workers; a folder stands in for it otherwise. */
  postgres?: true;
  /** Which units have the volume from the start; all of them by default. */
  mounts?: (unit: string) => boolean;
}

/** Ends with the test. */
export async function concourseSite(
  versions: readonly string[],
  wishes: Wishes = {},
): Promise<ConcourseSite> {
  return openSite(versions, wishes, (close) =>
    onTestFinished(({ task }) => close(task.result?.state === 'fail' ? task.name : undefined)),
  );
}

/** `opened` is called before anything can fail. Given the name of a test that failed, `close` keeps the machines' journals and consoles in
 * build/machines/. */
export async function openSite(
  versions: readonly string[],
  wishes: Wishes,
  opened: (close: (failed: string | undefined) => Promise<void>) => void,
): Promise<ConcourseSite> {
  const { mounts } = wishes;
  const made = base(cache);
  const charm = inject('charm');
  const site = await Site.open({
    rootfs: made.rootfs,
    hosts: [`{switch} ${mirrorHost}`],
    // What an administrator would look for on a machine from which the unit has gone.
    lastWords: [
      "systemctl list-units --all --plain --no-legend 'concourse*.service' 'concourse*.timer' 'concourse*.mount' 'concourse*.slice'",
      'ls -A /run/systemd/transient /etc/concourse /run/concourse-ci 2>/dev/null',
      "pgrep -a -f '/bin/[c]oncourse|[c]ontainerd-shim|[t]ask of a build'",
    ].join('; '),
    binds: (folder) => [
      { from: join(folder, 'volume'), to: '/var/lib/concourse', ...(mounts && { only: mounts }) },
      // Where an administrator mounts it from again.
      { from: join(folder, 'volume'), to: '/srv/volume' },
      { from: join(folder, 'database'), to: '/srv/database' },
      { from: join(folder, 'node'), to: '/opt/node', readOnly: true },
    ],
  });
  let lab: Lab | undefined;
  opened(async (failed) => {
    if (failed !== undefined) await keep(site, lab, failed);
    await lab?.close();
    await site.close();
  });
  makeVolume(site.folder, wishes.volumeMiB ?? 256);
  makeDatabase(join(site.folder, 'database'));
  mkdirSync(join(site.folder, 'node'));
  copyFileSync(join(import.meta.dirname, 'pause-at.mjs'), join(site.folder, 'node/pause-at.mjs'));
  copyFileSync((await nodeBinary(root, architecture)).binary, join(site.folder, 'node/node'));
  const archives = [];
  for (const version of versions) {
    const request = {
      ...(wishes.postgres && { behaviour: { database: 'postgresql' } as const }),
      version,
      architecture,
      node: '/opt/node/node',
      directory: join(site.folder, 'releases'),
    } as const;
    archives.push((await makeStandInRelease({ ...request, ...wishes.releases?.[version] })).path);
  }
  const mirror = await serveOnSwitch(site, made, archives);
  const postgres = wishes.postgres && postgresOnSwitch(site);
  const pauses = new Map<string, string>();
  const started = new Lab({
    directory: join(site.folder, 'lab'),
    charm: { directory: charm },
    machines: { make: site.make, address: site.address },
    hookEnvironment: (unit): Record<string, string> => {
      const effect = pauses.get(unit);
      if (effect === undefined) return {};
      return { NODE_OPTIONS: '--import=/opt/node/pause-at.mjs', PAUSE_BEFORE: effect };
    },
    ...wishes.lab,
  });
  lab = started;
  const paused = join(site.folder, 'database/paused');
  const settled = () => settle(started);
  return {
    lab: started,
    site,
    mirror,
    volume: join(site.folder, 'volume'),
    machine: (unit) => site.machine(unit),
    facts: (unit) => started.juju.databag('peers', unit),
    settled,
    webVersion: async (unit) => {
      const line = `curl -sf --max-time 5 --retry 9 --retry-delay 1 --retry-connrefused http://${site.address(unit)}:8080/api/v1/info`;
      const { version }: { version?: unknown } = JSON.parse(await site.machine(unit).sh(line));
      return String(version);
    },
    status: (unit) => started.juju.unitStatus(unit),
    look: async (unit) => {
      const { code, stderr } = await started.execIn(
        unit,
        'JUJU_DISPATCH_PATH=hooks/update-status ./dispatch',
      );
      if (code !== 0) throw new Error(`${unit}: ${stderr}`);
    },
    show: async (unit, service) => showService(site.machine(unit), service),
    partition: (unit) => {
      site.connect(unit, false);
      started.partition(unit);
    },
    heal: (unit) => {
      site.connect(unit, true);
      started.heal(unit);
    },
    pauseAt: async (unit, effect) => {
      pauses.set(unit, effect);
      await until(() => existsSync(paused), 60_000, `${unit} at ${effect}`);
      pauses.delete(unit);
      rmSync(paused);
    },
    postgres,
    stage: {
      juju: started.juju,
      play: (app, played) => started.play(app, played),
      operate: (command) => started.operate(command),
      settle: () => started.settle({ timeoutMs: 120_000 }),
      now: Date.now,
    },
    deploy: async (units, config = {}) => {
      const secret = started.juju.addSecret('postgres', {
        uri: postgres?.uri() ?? 'postgresql://concourse@/atc?host=/srv/database',
      });
      started.deploy(application, {
        units,
        config: {
          version: versions[0] ?? '',
          'release-mirror': wishes.releaseMirror ?? mirror.url,
          'postgres-uri': secret,
          'worker-runtime': 'houdini',
          'shared-storage': 'required',
          ...config,
        },
      });
      for (const machine of site.machines) allowDatabase(machine);
      started.operate((juju) => juju.grantSecret('postgres', application));
      await settled();
    },
  };
}

/** An ext4 of its own, so that it can be full, and read-only. */
function makeVolume(folder: string, sizeMiB: number): void {
  const image = join(folder, 'volume.img');
  execFileSync('truncate', ['-s', `${sizeMiB}M`, image]);
  execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', image]);
  mkdirSync(join(folder, 'volume'));
  execFileSync('mount', ['-o', 'loop', image, join(folder, 'volume')]);
}

/** What stands in for PostgreSQL is a folder, which web's user and root both write to. */
function makeDatabase(folder: string): void {
  mkdirSync(join(folder, 'atc/workers'), { recursive: true });
  writeFileSync(join(folder, 'atc/migrations_history'), '');
  for (const each of ['', 'atc', 'atc/workers']) chmodSync(join(folder, each), 0o777);
  chmodSync(join(folder, 'atc/migrations_history'), 0o666);
}

/** A real database is reached by the network: the unit file lets web write nowhere. */
export function allowDatabase(machine: Machine): void {
  const dropIns = join(machine.root, `etc/systemd/system/${webService}.d`);
  mkdirSync(dropIns, { recursive: true });
  writeFileSync(join(dropIns, 'database.conf'), '[Service]\nReadWritePaths=/srv/database\nUMask=0000\n');
}

async function settle(lab: Lab): Promise<void> {
  const statuses = () =>
    lab.juju.units(application).map((unit) => [unit, lab.juju.unitStatus(unit)] as const);
  const late = () => `not active: ${JSON.stringify(statuses())}`;
  await lab.waitFor(() => statuses().every(([, { status }]) => status === 'active'), 120_000, late);
  await lab.settle({ timeoutMs: 120_000 });
}

export async function showService(machine: Machine, service: string): Promise<Record<string, string>> {
  const text = await machine.sh(`systemctl show ${service}`);
  return Object.fromEntries(
    text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** What nobody tells of is asked for, 20 times a second. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000,
  what = String(holds),
): Promise<void> {
  const start = Date.now();
  while (!(await holds())) {
    if (Date.now() - start > withinMs) throw new Error(`not so within ${withinMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function keep(site: Site, lab: Lab | undefined, test: string): Promise<void> {
  const folder = join(root, 'build/machines', test.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 80));
  mkdirSync(folder, { recursive: true });
  for (const machine of site.machines) {
    const name = machine.name.replace('/', '-');
    if (existsSync(machine.console)) copyFileSync(machine.console, join(folder, `${name}.console.log`));
    if (machine.power !== 'on') continue;
    const { stdout } = await machine.run('journalctl', '-b', '-o', 'short-monotonic', '--no-pager');
    writeFileSync(join(folder, `${name}.journal.log`), stdout);
  }
  if (lab !== undefined) {
    cpSync(join(lab.directory, 'log'), folder, { recursive: true });
    writeFileSync(join(folder, 'status.json'), JSON.stringify(lab.status(), undefined, 2));
    const hooks = lab.records.map(
      ({ started, unit, name, ms, outcome }) =>
        `${new Date(started).toISOString()} ${unit} ${name} ${Math.round(ms)} ms ${outcome}\n`,
    );
    writeFileSync(join(folder, 'hooks.log'), hooks.join(''));
  }
  console.error(`logs of the machines: ${folder}`);
}

export const installed = (volume: string): string =>
  readFileSync(join(volume, '.installed_version'), 'utf8').trim();
