// Machines with real processes: power cuts, reboots, and a charm that is refreshed.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { application, concourseLab, settled } from './support/concourse-lab.ts';

const web = `${application}/0`;
const worker = `${application}/1`;

test('a worker that reboots comes back with the release that it ran', async () => {
  const { lab, deploy, facts } = await concourseLab(['8.1.0']);
  await deploy(2);
  await lab.reboot(worker);
  await settled(lab);
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.1.0', 60_000);
  expect(lab.juju.unitStatus(worker)).toMatchObject({ status: 'active', message: 'worker 8.1.0' });
});

test('web’s machine loses power in prepare: the worker comes back by its own timer, and web finishes the upgrade later', async () => {
  const { lab, deploy, facts } = await concourseLab(['8.1.0', '8.2.0']);
  await deploy(2, { 'upgrade-complete-timeout': '5s', 'upgrade-ready-timeout': '12s' });
  // The worker's agent is away when prepare is announced, so that there is time to cut web's power.
  lab.agentDown(worker);
  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => facts(web)['upgrade-state'] === 'prepare', 60_000);
  await lab.kill(web);
  lab.agentUp(worker);
  await lab.waitFor(() => facts(worker)['upgrade-ready'] === 'true', 60_000);
  expect(facts(worker)['running-worker']).toBeUndefined();
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.1.0', 60_000);
  expect(facts(worker)).toMatchObject({ 'upgrade-ready': 'false', 'upgrade-id': '2' });
  await lab.boot(web);
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  await settled(lab);
  expect(readFileSync(join(lab.volume, '.installed_version'), 'utf8')).toBe('8.2.0\n');
});

test('a refresh to a charm that pins a newer release upgrades all units, and an action tells', async () => {
  const { lab, deploy, facts, directory } = await concourseLab(['8.2.4', '8.2.5']);
  await deploy(2);
  lab.configure(application, { version: '' });
  await settled(lab);
  // The charm's own pin is 8.2.5: from 8.2.4, giving up the option upgrades; a refresh in place does not do it twice.
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.5', 120_000);
  await settled(lab);
  const newer = join(directory, 'newer-charm');
  cpSync(join(directory, 'charm'), newer, { recursive: true });
  writeFileSync(join(newer, 'version'), 'two\n');
  const before = facts(web)['upgrade-id'];
  lab.refresh(application, newer);
  await settled(lab);
  expect(facts(web)['upgrade-id']).toBe(before);
  const action = await lab.runAction(web, 'status', { format: 'json' });
  const report = JSON.parse(String(action.results['json']));
  expect(report).toMatchObject({
    unit: { name: web, role: 'web' },
    versions: { installed: '8.2.5', previous: '8.2.4', 'running-web': '8.2.5' },
    volume: { 'is-mount': true, 'shared-by': `${web}, ${worker}` },
    upgrade: { state: 'complete', outcome: 'upgraded' },
    services: { web: 'running', 'web-answers': '8.2.5' },
  });
});
