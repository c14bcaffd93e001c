// Reboots, of each unit at each phase of an upgrade: what starts with the machine, what does not, and that the upgrade goes on.
import { expect, test } from 'vitest';
import {
  application,
  concourseSite,
  installed,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';

test('at rest; of a worker before and after it has stopped for the upgrade, and of web meanwhile', async () => {
  const { lab, deploy, facts, settled, show, webVersion, machine } = await concourseSite([
    '8.1.0',
    '8.2.0',
    '8.3.0',
  ]);
  const late = `${application}/2`;
  await deploy(3, { 'upgrade-ready-timeout': '60s' });
  await lab.reboot(worker);
  await lab.reboot(web);
  await settled();
  expect(await webVersion(web)).toBe('8.1.0');
  expect(await show(worker, workerService)).toMatchObject({ ActiveState: 'active' });

  // A worker whose agent is away keeps the upgrade in prepare; another is rebooted before it hears of it.
  lab.agentDown(late);
  lab.agentDown(worker);
  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => facts(web)['upgrade-state'] === 'prepare', 60_000);
  expect(await show(worker, workerService)).toMatchObject({ ActiveState: 'active' });
  lab.agentUp(worker);
  await lab.reboot(worker);
  await lab.waitFor(() => facts(worker)['upgrade-ready'] === 'true', 60_000);
  await lab.reboot(worker);
  // Stopped for the upgrade, it is not started by the boot.
  expect(await show(worker, workerService)).toMatchObject({
    ActiveState: 'inactive',
    UnitFileState: 'disabled',
  });
  lab.agentUp(late);
  await lab.waitFor(
    () => facts(worker)['running-worker'] === '8.2.0' && facts(late)['running-worker'] === '8.2.0',
    120_000,
  );
  await settled();

  lab.agentDown(late);
  lab.configure(application, { version: '8.3.0' });
  await lab.waitFor(
    () => facts(worker)['upgrade-ready'] === 'true' && facts(worker)['upgrade-id'] === '3',
    60_000,
  );
  await lab.reboot(web);
  expect(await machine(web).sh(`systemctl is-active ${webService}`)).toBe('active\n');
  lab.agentUp(late);
  await lab.waitFor(
    () => facts(worker)['running-worker'] === '8.3.0' && facts(late)['running-worker'] === '8.3.0',
    120_000,
  );
  await settled();
  expect(await webVersion(web)).toBe('8.3.0');
});

test('of a worker and of web when the release is switched, and when the upgrade is complete', async () => {
  const { lab, deploy, facts, settled, show, webVersion, look, pauseAt, volume } = await concourseSite([
    '8.1.0',
    '8.2.0',
    '8.3.0',
  ]);
  await deploy(2);
  let paused = pauseAt(web, 'spawn systemctl.restart.concourse-server');
  lab.configure(application, { version: '8.2.0' });
  await paused;
  expect(installed(volume)).toBe('8.2.0');
  await lab.reboot(worker);
  await look(worker);
  // The volume names the new release, web runs the old one: not before web.
  expect(await show(worker, workerService)).toMatchObject({
    ActiveState: 'inactive',
    UnitFileState: 'disabled',
  });
  expect(await webVersion(web)).toBe('8.1.0');
  await lab.reboot(web);
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  await settled();
  expect(await webVersion(web)).toBe('8.2.0');

  paused = pauseAt(worker, 'spawn systemctl.restart.concourse-worker');
  lab.configure(application, { version: '8.3.0' });
  await paused;
  expect(facts(web)['upgrade-state']).toBe('complete');
  await lab.reboot(web);
  expect(await webVersion(web)).toBe('8.3.0');
  await lab.reboot(worker);
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.3.0', 120_000);
  await settled();
  expect(await show(worker, workerService)).toMatchObject({
    ActiveState: 'active',
    UnitFileState: 'enabled',
  });
});
