// Upgrades of real services: builds go on, workers that do not answer or cannot be reached, and a release that is broken.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  application,
  concourseSite,
  installed,
  until,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';
import { beginTask, linesOf } from './support/tasks.ts';

test('a running build goes on through an upgrade by `version`', async () => {
  const { lab, deploy, facts, volume, machine, show, settled, webVersion } = await concourseSite([
    '8.1.0',
    '8.2.0',
  ]);
  await deploy(2);
  const tasks = join(volume, 'worker/concourse-ci-1/work_dir/tasks');
  beginTask(
    tasks,
    'build',
    'i=0; while [ ! -e /srv/database/finish ]; do echo line $i; i=$((i+1)); sleep 0.1; done; echo end',
  );
  await until(() => linesOf(tasks, 'build').length > 2);
  const shim = readFileSync(join(tasks, 'build.pid'), 'utf8').trim();
  const before = await show(worker, workerService);

  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  await settled();
  const after = await show(worker, workerService);
  expect(after['MainPID']).not.toBe(before['MainPID']);
  expect(after).toMatchObject({ ActiveState: 'active', NRestarts: '0' });
  expect(await webVersion(web)).toBe('8.2.0');
  expect(installed(volume)).toBe('8.2.0');
  // KillMode=process: systemd has left the shim where it was, in the service's own cgroup.
  expect(await machine(worker).sh(`cat /proc/${shim}/cgroup`)).toContain(workerService);
  expect(existsSync(join(tasks, 'build.status'))).toBe(false);

  writeFileSync(join(volume, '../database/finish'), '');
  await until(() => existsSync(join(tasks, 'build.status')));
  expect(readFileSync(join(tasks, 'build.status'), 'utf8').trim()).toBe('succeeded');
  const printed = linesOf(tasks, 'build');
  expect(printed.slice(0, -1)).toEqual(printed.slice(0, -1).map((_, index) => `line ${index}`));
});

test('a frozen worker is not waited for longer than upgrade-ready-timeout, and follows when it thaws', async () => {
  const { lab, deploy, facts, settled, webVersion } = await concourseSite(['8.1.0', '8.2.0']);
  await deploy(3, { 'upgrade-ready-timeout': '4s' });
  const frozen = `${application}/2`;
  lab.freeze(frozen);
  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  expect(await webVersion(web)).toBe('8.2.0');
  expect(facts(frozen)['running-worker']).toBe('8.1.0');
  lab.thaw(frozen);
  await lab.waitFor(() => facts(frozen)['running-worker'] === '8.2.0', 120_000);
  await settled();
});

test('a worker that is cut off neither holds up an upgrade nor loses the release that it runs, and follows when it is back', async () => {
  const { lab, deploy, facts, settled, webVersion, partition, heal, show, volume, machine } =
    await concourseSite(['8.1.0', '8.2.0', '8.3.0']);
  await deploy(3, { 'upgrade-ready-timeout': '4s', 'upgrade-complete-timeout': '8s' });
  const cut = `${application}/2`;
  const before = await show(cut, workerService);
  partition(cut);
  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  expect(await webVersion(web)).toBe('8.2.0');
  // It has heard of nothing: what it runs goes on, from a release that nobody has taken away.
  expect((await show(cut, workerService))['MainPID']).toBe(before['MainPID']);
  await lab.runAction(web, 'prune');
  expect(existsSync(join(volume, 'releases/8.1.0/bin/concourse'))).toBe(true);
  heal(cut);
  await lab.waitFor(() => facts(cut)['running-worker'] === '8.2.0', 120_000);
  await settled();

  // Cut off once it has stopped: the switch goes on without a word to it.
  const late = worker;
  lab.agentDown(late);
  lab.configure(application, { version: '8.3.0' });
  await lab.waitFor(() => facts(cut)['upgrade-ready'] === 'true', 60_000);
  partition(cut);
  lab.agentUp(late);
  await lab.waitFor(() => facts(late)['running-worker'] === '8.3.0', 120_000);
  expect(await show(cut, workerService)).toMatchObject({ ActiveState: 'inactive' });
  heal(cut);
  await lab.waitFor(() => facts(cut)['running-worker'] === '8.3.0', 120_000);
  await settled();
  expect(await machine(cut).sh(`systemctl is-enabled ${workerService}`)).toBe('enabled\n');
});

test('a release whose web ends at once is told of, and rolled back', async () => {
  const { lab, deploy, settled, status, show, webVersion } = await concourseSite(['8.1.0', '8.2.0'], {
    releases: { '8.2.0': { behaviour: { web: 'exits', exitMessage: 'broken on purpose' } } },
  });
  await deploy(2);
  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => status(web).status === 'blocked', 120_000);
  expect(status(web).message).toMatch(/rollback/);
  expect(Number((await show(web, webService))['NRestarts'])).toBeGreaterThan(0);
  const action = await lab.runAction(web, 'rollback');
  expect(action).toMatchObject({ status: 'completed' });
  await settled();
  expect(await webVersion(web)).toBe('8.1.0');
  expect(await show(web, webService)).toMatchObject({ ActiveState: 'active' });
});
