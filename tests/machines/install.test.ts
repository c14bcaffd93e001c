// From nothing to a Concourse with two workers, and back: what is on real machines afterwards.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import {
  application,
  concourseSite,
  installed,
  second,
  until,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';
import { hiddenHost } from './support/rootfs.ts';
import { beginTask, linesOf } from './support/tasks.ts';

test('install, a worker that joins, a no-op config-changed, and removal', async () => {
  const { lab, deploy, machine, show, volume, mirror, settled, webVersion, facts } = await concourseSite([
    '8.1.0',
  ]);
  await deploy(2);
  expect(mirror.served).toHaveLength(1);
  expect(installed(volume)).toBe('8.1.0');
  expect(await webVersion(web)).toBe('8.1.0');
  const running = { ActiveState: 'active', UnitFileState: 'enabled', NRestarts: '0' };
  expect(await show(web, webService)).toMatchObject({
    ...running,
    User: 'concourse',
    ProtectSystem: 'strict',
  });
  expect(await show(worker, workerService)).toMatchObject({
    ...running,
    KillMode: 'process',
    Slice: 'concourse.slice',
  });
  // systemd knows every setting of both, and finds nothing to say.
  for (const [unit, service] of [
    [web, webService],
    [worker, workerService],
  ] as const) {
    const verified = await machine(unit).run('systemd-analyze', 'verify', `/etc/systemd/system/${service}`);
    expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await machine(unit).sh(`journalctl -b -u ${service} -p warning -o cat --no-pager -q`)).toBe('');
    const owner = await machine(unit).sh(`ps -o user= -p $(systemctl show -P MainPID ${service})`);
    expect(owner.trim()).toBe(unit === web ? 'concourse' : 'root');
  }
  // Web's user reads its own keys and nothing else, and others on the machine not even those.
  expect(modes(join(machine(web).root, 'etc/concourse'))).toEqual({
    authorized_worker_keys: 0o644,
    session_signing_key: 0o640,
    tsa_host_key: 0o640,
    'web.env': 0o600,
  });

  const before = await mainPids();
  lab.addUnit(application);
  await settled();
  expect(facts(second)['running-worker']).toBe('8.1.0');
  expect(mirror.served).toHaveLength(1);
  lab.configure(application, { 'upgrade-ready-timeout': '3m' });
  await settled();
  expect(await mainPids()).toEqual(before);

  const gone = machine(second);
  lab.removeUnit(second);
  await until(() => !lab.unitNames().includes(second));
  await until(() => gone.power === 'off');
  expect(gone.lastWords).toBe('');
  // On its disk: the mount point, the agent's own, and the drop-in, which the user has put there.
  const left = readdirSync(gone.written, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('concourse'))
    .filter(
      (path) =>
        !/^(etc\/systemd\/system\/concourse-server.service.d|var\/lib\/juju\/|var\/tmp\/juju-lab\/)/.test(
          path,
        ),
    );
  expect(left.filter((path) => !isWhiteout(join(gone.written, path)))).toEqual(['var/lib/concourse']);
  expect(existsSync(join(volume, 'worker/concourse-ci-2'))).toBe(false);
  expect(readdirSync(join(volume, 'releases'))).toEqual(['8.1.0']);
  await settled();
  expect(await mainPids()).toEqual(before);

  async function mainPids() {
    const [one, two] = [await show(web, webService), await show(worker, workerService)];
    return [one['MainPID'], one['NRestarts'], two['MainPID'], two['NRestarts']];
  }
});

test('a worker that is removed with a build on it waits for that no longer than asked, and leaves none of its processes', async () => {
  const { lab, deploy, machine, volume, settled } = await concourseSite(['8.1.0']);
  await deploy(2, { 'worker-drain-timeout': '2s' });
  const tasks = join(volume, 'worker/concourse-ci-1/work_dir/tasks');
  beginTask(tasks, 'endless', 'while sleep 0.1; do echo on; done # task of a build');
  await until(() => linesOf(tasks, 'endless').length > 2);
  const gone = machine(worker);
  expect(await gone.sh("pgrep -c -f '[t]ask of a build'")).not.toBe('0\n');
  lab.removeUnit(worker);
  await until(() => gone.power === 'off');
  expect(gone.lastWords).toBe('');
  expect(existsSync(join(volume, 'worker/concourse-ci-1'))).toBe(false);
  await settled();
});

test('a release is fetched through the model’s proxy, from a host that only the proxy knows', async () => {
  const { deploy, mirror, webVersion } = await concourseSite(['8.1.0'], {
    releaseMirror: `https://${hiddenHost}`,
    lab: { proxies: { https: 'http://10.99.0.1:3128' } },
  });
  await deploy(1, { mode: 'all' });
  expect(await webVersion(web)).toBe('8.1.0');
  expect(mirror.proxied.length).toBeGreaterThan(0);
  expect(new Set(mirror.proxied)).toEqual(new Set([`${hiddenHost}:443`]));
});

test('the charm that runs here is the one that is packed', () => {
  expect(readFileSync(join(inject('charm'), 'dispatch'), 'utf8')).toContain('./bin/node');
});

/** How an overlay says that a file of the layer below is gone. */
function isWhiteout(path: string): boolean {
  return statSync(path).isCharacterDevice();
}

function modes(folder: string): Record<string, number> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, statSync(join(folder, name)).mode & 0o777]),
  );
}
