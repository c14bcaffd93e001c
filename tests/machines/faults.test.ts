// What goes wrong around Concourse: the volume, the web unit that goes, services that do not stay up, a hook that fails.
import { execFileSync } from 'node:child_process';
import { statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

test('the web unit is removed: the leader names another, which becomes web', async () => {
  const { lab, deploy, facts, settled, webVersion, machine, show } = await concourseSite(['8.1.0']);
  await deploy(3);
  const gone = machine(web);
  lab.removeUnit(web);
  await until(() => gone.power === 'off', 120_000);
  expect(gone.lastWords).toBe('');
  const others = [worker, second];
  await lab.waitFor(() => others.some((unit) => facts(unit)['running-web'] === '8.1.0'), 120_000);
  await settled();
  const [next = '', other = ''] = facts(worker)['running-web'] === '8.1.0' ? others : others.toReversed();
  expect(await webVersion(next)).toBe('8.1.0');
  expect(facts(other)['running-worker']).toBe('8.1.0');
  expect(await show(next, workerService)).toMatchObject({
    ActiveState: 'inactive',
    UnitFileState: expect.not.stringMatching(/^enabled/),
  });
  expect(await show(next, webService)).toMatchObject({ ActiveState: 'active', User: 'concourse' });
});

test('the volume is unmounted, mounted again, read-only, and full', async () => {
  const { lab, deploy, machine, show, status, look, settled, volume, facts, webVersion } =
    await concourseSite(['8.1.0', '8.2.0'], {
      releases: { '8.2.0': { sizeBytes: 40_000_000 } },
      volumeMiB: 320,
    });
  await deploy(2);
  const before = [(await show(web, webService))['MainPID'], (await show(worker, workerService))['MainPID']];
  const same = async () =>
    expect([
      (await show(web, webService))['MainPID'],
      (await show(worker, workerService))['MainPID'],
    ]).toEqual(before);

  // Gone, on both: an empty folder is not taken for the volume, and what runs goes on.
  for (const unit of [web, worker]) {
    await machine(unit).sh('umount -l /var/lib/concourse');
    await look(unit);
    expect(status(unit)).toMatchObject({ status: 'blocked', message: expect.stringMatching(/mount/) });
    expect(await machine(unit).sh('ls -A /var/lib/concourse')).toBe('');
  }
  await same();
  for (const unit of [web, worker]) {
    await machine(unit).sh('mount --bind /srv/volume /var/lib/concourse');
    await look(unit);
  }
  await settled();
  await same();

  // Read-only on the worker: it has nothing to write but below its own folder, and says so.
  await machine(worker).sh('mount -o remount,ro,bind /var/lib/concourse');
  await look(worker);
  await same();
  await machine(worker).sh('mount -o remount,rw,bind /var/lib/concourse');
  await look(worker);
  await settled();

  // Full: the upgrade does not begin, no worker stops, and once there is room it goes on.
  const filler = join(volume, 'filler');
  const { bavail, bsize } = statfsSync(volume);
  execFileSync('fallocate', ['-l', String(bavail * bsize - 20_000_000), filler]);
  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => status(web).status === 'blocked', 60_000);
  expect(status(web).message).toMatch(/room|space|free/i);
  await same();
  expect(installed(volume)).toBe('8.1.0');
  execFileSync('rm', [filler]);
  await lab.runAction(web, 'upgrade');
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  await settled();
  expect(await webVersion(web)).toBe('8.2.0');
});

test('a worker that crashes is started again by systemd, and one that cannot start is told of', async () => {
  const { deploy, machine, show, status, look, settled } = await concourseSite(['8.1.0']);
  await deploy(2);
  const pid = (await show(worker, workerService))['MainPID'];
  await machine(worker).sh(`kill -KILL ${pid}`);
  // Not by its state alone: that of the one that was killed may still be shown.
  const again = async () => {
    const { SubState, MainPID, NRestarts } = await show(worker, workerService);
    return SubState === 'running' && MainPID !== pid && NRestarts === '1';
  };
  await until(again, 30_000);

  // An operator's own setting with which it ends at once, time and again.
  writeFileSync(
    join(machine(worker).root, 'etc/default/concourse-worker'),
    `CONCOURSE_STAND_IN_BEHAVIOUR='{"worker":"exits","exitMessage":"broken on purpose"}'\n`,
  );
  await look(worker);
  await until(async () => Number((await show(worker, workerService))['NRestarts']) > 1, 60_000);
  await look(worker);
  expect(status(worker).status).not.toBe('active');
  await machine(worker).sh('rm /etc/default/concourse-worker');
  await look(worker);
  await settled();
});

test('a hook that fails is an error until the machine is mended and the operator resolves it', async () => {
  const { lab, deploy, machine, settled } = await concourseSite(['8.1.0']);
  await deploy(2);
  await machine(worker).sh('mv /usr/bin/systemctl /usr/bin/systemctl.away');
  lab.configure(application, { 'log-level': 'debug' });
  const failed = () => lab.records.some(({ unit, outcome }) => unit === worker && outcome === 'failed');
  await lab.waitFor(failed, 60_000);
  await machine(worker).sh('mv /usr/bin/systemctl.away /usr/bin/systemctl');
  lab.operate((juju) => juju.resolve(worker, { retry: true }));
  await settled();
  expect(
    await machine(worker).sh(`tr '\\0' '\\n' </proc/$(systemctl show -P MainPID ${workerService})/environ`),
  ).toContain('CONCOURSE_LOG_LEVEL=debug');
});
