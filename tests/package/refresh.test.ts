// An earlier package replaced by this one in place, on units whose last hook was the earlier one's, in the middle of something.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { application, bareSite } from './support/bare-site.ts';
import { unpacked } from './support/folders.ts';
import { previousCharm } from './support/previous.ts';

const web = `${application}/0`;
const worker = `${application}/1`;
const services = { [web]: 'concourse-server.service', [worker]: 'concourse-worker.service' };

/** The part of a unit's memory that is looked at. */
const remembered = z.looseObject({
  staging: z.object({ failures: z.number(), notBefore: z.number() }).optional(),
});

test('what an earlier package left on machines and volume is understood, and services go on', async () => {
  const previous = previousCharm();
  // A test of two equal packages would test nothing.
  expect(readdirSync(join(previous, 'lib'))).not.toEqual(readdirSync(join(unpacked(), 'lib')));
  const { lab, site, deploy, settled, offer, volume } = await bareSite(previous);
  await deploy(2);

  // Its last word: a release that it could not find, and back-off in its memory.
  lab.configure(application, { version: '8.2.0' });
  const stuck = () => lab.juju.unitStatus(web).message;
  await lab.waitFor(
    () => /8\.2\.0/.test(stuck()) && lab.juju.unitStatus(web).status !== 'active',
    60_000,
    stuck,
  );
  await lab.settle({ timeoutMs: 60_000 });
  const before = await state();
  expect(before.memory[web]).toMatchObject({ staging: { failures: 1 } });
  expect(before.run[worker]).toContain('concourse-ci-1.quiet');

  const ran = lab.records.length;
  lab.refresh(application, unpacked());
  const upgraded = () => lab.records.slice(ran).filter(({ name }) => name === 'upgrade-charm');
  await lab.waitFor(() => upgraded().length === 2 && upgraded().every(({ exit }) => exit === 0), 60_000);
  await lab.settle({ timeoutMs: 60_000 });
  const after = await state();
  for (const unit of [web, worker]) {
    // A service is restarted for another unit file or environment, and for nothing else.
    const same = before.texts[unit] === after.texts[unit];
    expect(`${unit} ${after.pids[unit] === before.pids[unit] ? 'goes on' : 'restarted'}`).toBe(
      `${unit} ${same ? 'goes on' : 'restarted'}`,
    );
  }
  expect(after.kept).toEqual(before.kept);
  // It knows what it waits for; and back-off begins anew, for another charm may know better.
  expect(lab.juju.unitStatus(web).status).not.toBe('active');
  expect(stuck()).toContain('8.2.0');
  expect(after.memory[web]?.staging?.failures).toBe(1);
  expect(after.memory[web]?.staging?.notBefore).toBeGreaterThan(before.memory[web]?.staging?.notBefore ?? 0);

  await offer('8.2.0');
  await settled();
  expect(lab.juju.databag('peers', worker)['running-worker']).toBe('8.2.0');
  expect(readFileSync(join(volume, '.previous_version'), 'utf8')).toBe('8.1.0\n');
  const verified = await lab.runAction(web, 'verify');
  expect(verified.status, verified.message).toBe('completed');
  const back = await lab.runAction(web, 'rollback');
  expect(back.status, back.message).toBe('completed');
  await lab.waitFor(() => lab.juju.databag('peers', worker)['running-worker'] === '8.1.0', 60_000);
  await lab.settle({ timeoutMs: 60_000 });
  const bad = lab.records.filter(({ exit }) => exit !== 0);
  expect(bad.map(({ unit, name, exit }) => `${unit} ${name}: ${exit}`)).toEqual([]);

  async function state() {
    const memory: Record<string, z.infer<typeof remembered>> = {};
    const pids: Record<string, string> = {};
    const texts: Record<string, string> = {};
    const run: Record<string, string> = {};
    for (const [unit, service] of Object.entries(services)) {
      const on = site.machine(unit);
      const tag = unit.replace('/', '-');
      memory[unit] = remembered.parse(JSON.parse(await on.sh(`cat /var/lib/concourse-ci/${tag}.json`)));
      pids[unit] = await on.sh(`systemctl show -P MainPID -P NRestarts ${service}`);
      texts[unit] = await on.sh(`cat /etc/systemd/system/${service} /etc/concourse/*.env`);
      run[unit] = await on.sh('ls /run/concourse-ci');
    }
    const password = await lab.runAction(web, 'get-admin-password');
    const keys = await site.machine(worker).sh('cat /etc/concourse/worker_key');
    const hostKey = await site.machine(web).sh('cat /etc/concourse/tsa_host_key');
    const id = readFileSync(join(volume, '.volume-id'), 'utf8');
    const text = readFileSync(join(volume, 'worker/concourse-ci-1/state.json'), 'utf8');
    const { workDirectory } = z.object({ workDirectory: z.looseObject({}) }).parse(JSON.parse(text));
    return {
      memory,
      pids,
      texts,
      run,
      kept: { password: password.results, keys, hostKey, id, workDirectory },
    };
  }
});
