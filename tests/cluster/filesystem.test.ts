// The relation `filesystem`: the charm mounts what another application exports, says what keeps it from that, and takes it away
// when the relation ends or the unit goes.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { mountUnitFile, mountUnitName } from '../../src/concourse/mount-unit.ts';
import { SystemdFailure } from '../../src/host/errors.ts';
import { parseEndpoint } from '../../src/relations/filesystem.ts';
import { FilesProvider } from '../support/providers/files.ts';
import { application, Deployment, webService, workerService } from './support/deployment.ts';

const worker = `${application}/1`;
const nfs = 'nfs://(10.0.9.9)/srv/concourse';

interface Server {
  d: Deployment;
  files: FilesProvider;
  /** Why mounting fails; undefined when it does not. */
  refuses: string | undefined;
  mountName: string;
  mounted(unit: string): boolean;
}

/** The application, not deployed further than Juju's own bookkeeping, beside a file server. Nothing is mounted yet. */
function served(
  options: ConstructorParameters<typeof Deployment>[0] = {},
  programs = ['mount.nfs4'],
): Server {
  const d = new Deployment(options);
  const server: Server = {
    d,
    files: new FilesProvider(d.stage, nfs),
    refuses: undefined,
    mountName: '',
    mounted: (unit) => d.machine(unit).mounts.length > 0,
  };
  for (const unit of d.juju.units(application)) withMounts(server, unit, programs);
  server.files.integrate();
  return server;
}

/** The machine of a unit: nothing mounted, and what mounting and unmounting does there. */
function withMounts(server: Server, unit: string, programs: readonly string[]): void {
  const machine = server.d.machine(unit);
  const [mount] = machine.mounts;
  machine.mounts = [];
  for (const program of programs) {
    const file = join(machine.paths.root, 'usr/sbin', program);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
  }
  const { onStart } = machine.services;
  machine.services.onStart = async (started) => {
    await onStart?.(started);
    if (!started.name.endsWith('.mount')) return;
    server.mountName = started.name;
    if (server.refuses !== undefined) throw new SystemdFailure(server.refuses);
    if (mount !== undefined) machine.mounts = [{ ...mount, type: 'nfs4' }];
    machine.space = { type: 'nfs' };
  };
  machine.services.onStop = (name) => {
    if (name.endsWith('.mount')) machine.mounts = [];
  };
}

const unitFile = ({ d, mountName }: Server, unit: string) => join(d.machine(unit).paths.systemd, mountName);

test('units mount what the relation says, share it, and keep their containers on their own disks', async () => {
  const server = served();
  const { d } = server;
  await d.cluster.settle();
  expect(d.statuses().every((status) => status.startsWith('active: '))).toBe(true);
  expect(d.downloads).toEqual(['8.1.0']);
  expect(readFileSync(unitFile(server, worker), 'utf8')).toContain('What=10.0.9.9:/srv/concourse\n');
  const { services, paths } = d.machine(worker);
  expect((await services.show([server.mountName]))[server.mountName]?.enabled).toBe(true);
  const work = (await services.show([workerService]))[workerService]?.environment?.['CONCOURSE_WORK_DIR'];
  expect(work).toBe(join(paths.localWork, 'concourse-ci-1'));
  // At rest nothing is written or started again.
  const starts = services.starts.length;
  d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
  await d.cluster.settle();
  expect(services.starts).toHaveLength(starts);
});

test('nothing begins on the local disk while the file server has said nothing', async () => {
  const server = served();
  const { d } = server;
  server.files.endpoint = undefined;
  await d.cluster.settle();
  expect(d.statuses()).toEqual([0, 1, 2].map(() => 'waiting: for files to say which file system to mount'));
  expect(existsSync(join(d.volume, '.volume-id'))).toBe(false);
});

test.each([
  ['nfs-common', nfs, 'mount.nfs4'],
  ['ceph-common', 'cephfs://u@(10.0.0.1)/?fsid=1&name=x&auth=plain:k', 'mount.ceph'],
])(
  'a machine without %s says what to type, and goes on once it is there',
  async (debian, endpoint, program) => {
    const server = served({ units: 1 }, []);
    const { d } = server;
    server.files.endpoint = endpoint;
    await d.cluster.settle();
    expect(d.status(d.unit(0))).toBe(
      `blocked: juju exec --application concourse-ci -- apt-get install -y ${debian}: ${program} is missing`,
    );
    const sbin = join(d.machine(d.unit(0)).paths.root, 'usr/sbin');
    mkdirSync(sbin, { recursive: true });
    writeFileSync(join(sbin, program), '');
    await d.cluster.advance(120_000);
    expect(server.mounted(d.unit(0))).toBe(true);
    expect(d.status(d.unit(0))).toMatch(/^active/);
  },
);

test('a mount that is refused is said in the words of mount(8), and tried again', async () => {
  const server = served({ units: 1 });
  const { d } = server;
  const unit = d.unit(0);
  server.refuses = 'systemctl start var-lib-concourse.mount failed with exit code 1: Job failed.';
  const { services } = d.machine(unit);
  const { onStart } = services;
  services.onStart = async (started) => {
    if (started.name.endsWith('.mount')) {
      services.append(
        started.name,
        'mount.nfs4: access denied by server while mounting 10.0.9.9:/srv/concourse',
      );
      services.append(started.name, 'another line about a mount');
    }
    await onStart?.(started);
  };
  await d.cluster.settle();
  expect(d.status(unit)).toBe(
    'blocked: mount 10.0.9.9:/srv/concourse: mount.nfs4: access denied by server while mounting 10.0.9.9:/srv/concourse',
  );
  server.refuses = undefined;
  await d.cluster.advance(120_000);
  expect(d.status(unit)).toMatch(/^active/);
});

test('the key of CephFS lies in a file of root’s alone, and nowhere else', async () => {
  const server = served({ units: 1 }, ['mount.ceph']);
  const { d } = server;
  server.files.endpoint = 'cephfs://u@(10.0.0.1)/a?fsid=1&name=x&auth=plain:AQDhushhush';
  await d.cluster.settle();
  const { etc } = d.machine(d.unit(0)).paths;
  expect(readFileSync(join(etc, 'volume_key'), 'utf8')).toBe('AQDhushhush\n');
  expect(statSync(join(etc, 'volume_key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(unitFile(server, d.unit(0)), 'utf8')).not.toContain('hushhush');
  expect(JSON.stringify(d.juju.log)).not.toContain('hushhush');
});

test('an endpoint that cannot be mounted is named', async () => {
  const server = served({ units: 1 });
  server.files.endpoint = 'lustre://(10.0.0.1)/?fs-name=x';
  await server.d.cluster.settle();
  expect(server.d.status(server.d.unit(0))).toBe(
    'blocked: relation filesystem: files: lustre is not mounted by this charm, only nfs and cephfs',
  );
});

test('when the relation ends, what runs stops, and the volume is unmounted then', async () => {
  const server = served();
  const { d } = server;
  await d.cluster.settle();
  const busy: string[] = [];
  for (const unit of d.juju.units(application)) {
    const { services } = d.machine(unit);
    const { onStop } = services;
    services.onStop = async (name) => {
      await onStop?.(name);
      if (!name.endsWith('.mount')) return;
      for (const service of [webService, workerService])
        if ((await d.runs(unit, service)) !== undefined) busy.push(unit);
    };
  }
  server.files.removeRelation();
  await d.cluster.settle();
  expect(d.juju.units(application).map((unit) => server.mounted(unit))).toEqual([false, false, false]);
  expect(busy).toEqual([]);
  expect(existsSync(unitFile(server, worker))).toBe(false);
});

test('a unit that goes leaves its folder of the volume first, then unmounts it', async () => {
  const server = served();
  const { d } = server;
  await d.cluster.settle();
  d.juju.removeUnit(worker);
  await d.cluster.settle();
  expect(existsSync(join(d.volume, 'worker/concourse-ci-1'))).toBe(false);
  expect(server.mounted(worker)).toBe(false);
  expect(existsSync(unitFile(server, worker))).toBe(false);
  expect(await d.workersRun()).toEqual(['8.1.0']);
});

test('two units on one machine: the first that goes leaves the volume to the other', async () => {
  const server = served();
  const { d } = server;
  await d.cluster.settle();
  mkdirSync(join(d.machine(worker).paths.root, 'var/lib/juju/agents/unit-concourse-ci-9'), {
    recursive: true,
  });
  d.juju.removeUnit(worker);
  await d.cluster.settle();
  expect(server.mounted(worker)).toBe(true);
});

test('a unit that has a volume already does not get another mounted over it', async () => {
  const d = await Deployment.settled({ units: 1 });
  const unit = d.unit(0);
  const files = new FilesProvider(d.stage, nfs);
  mkdirSync(join(d.machine(unit).paths.root, 'usr/sbin'), { recursive: true });
  writeFileSync(join(d.machine(unit).paths.root, 'usr/sbin/mount.nfs4'), '');
  files.integrate();
  await d.cluster.settle();
  // Mounted by somebody else: it stays, and goes on working.
  expect(d.status(unit)).toMatch(/^blocked: umount \/var\/lib\/concourse, or juju remove-relation/);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  expect(d.installed()).toBe('8.2.0');
  // On the local disk: the same.
  d.machine(unit).mounts = [];
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(d.status(unit)).toMatch(/^blocked: juju remove-unit concourse-ci\/0, and add one: /);
  expect(await d.runs(unit, webService)).toBe('8.2.0');
});

test('a unit that has not heard of the relation leaves a mount alone that another unit of its machine has made', async () => {
  const d = new Deployment();
  const { paths, services } = d.machine(d.unit(0));
  const parsed = parseEndpoint(nfs, '');
  if (!parsed.ok) throw new Error(parsed.problem);
  const file = join(paths.systemd, mountUnitName(paths.volume));
  writeFileSync(file, mountUnitFile(application, paths.volume, parsed.source));
  const stopped: string[] = [];
  services.onStop = (name) => void stopped.push(name);
  await d.cluster.settle();
  expect(stopped.filter((name) => name.endsWith('.mount'))).toEqual([]);
  expect(existsSync(file)).toBe(true);
  expect(d.status(d.unit(0))).toMatch(/^active: /);
});
