// Two webs behind an ingress and workers in two applications of their own, on one PostgreSQL: people who poll web see no failed request, and
// a build goes on, through an upgrade that migrates nothing; the same after the first web's machine is gone for good.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IngressProvider } from '../support/providers/ingress.ts';
import {
  application,
  concourseSite,
  type ConcourseSite,
  until,
  web,
  webService,
  workerService,
} from './support/concourse-site.ts';
import { Switchboard } from './support/switchboard.ts';
import { beginTask, linesOf } from './support/tasks.ts';

const port = 8000;
const others = ['workers/0', 'gpu/0'] as const;
const name = (unit: string) => unit.replace('/', '-');

/** What an ingress does: the next web where one does not answer. */
async function balance(hosts: Switchboard, ingress: IngressProvider): Promise<void> {
  let turn = 0;
  // While a unit that has just come has not said where it is, the last whole answer counts, as with traefik's library.
  let backends: string[] = [];
  await hosts.serve({ port }, async ({ method, path }) => {
    backends = ingress.backends() ?? backends;
    turn += 1;
    for (const index of backends.keys()) {
      const answer = await hosts.ask(`${backends[(turn + index) % backends.length]}${path}`, { method });
      if (answer !== undefined) return answer;
    }
    return { status: 502, body: '' };
  });
}

/** Asks as long as `during` lasts, and tells which versions answered and what failed. */
async function polled(hosts: Switchboard, host: string, during: () => Promise<void>) {
  const seen = { asked: 0, failed: [] as string[], versions: new Set<string>() };
  let over = false;
  const polling = (async () => {
    while (!over) {
      const answer = await hosts.ask(`http://${host}:${port}/api/v1/info`);
      seen.asked += 1;
      if (answer?.status !== 200) seen.failed.push(`${answer?.status}: ${answer?.body}`);
      else seen.versions.add(/"version":"([^"]+)"/.exec(answer.body)?.[1] ?? answer.body);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  try {
    await during();
  } finally {
    over = true;
    await polling;
  }
  return seen;
}

/** The folder of the worker's tasks, as this host sees it. */
async function tasksOf({ machine }: ConcourseSite, unit: string): Promise<string> {
  const line = await machine(unit).sh('grep CONCOURSE_WORK_DIR= /etc/concourse/worker.env');
  const [, directory = 'nowhere'] = /=\W*(\/[^"'\n]+)/.exec(line) ?? [];
  return join(machine(unit).root, directory, 'tasks');
}

test('an upgrade of two webs and two applications of workers: no failed request, no lost build; then the first web is destroyed', async () => {
  const site = await concourseSite(['8.2.0', '8.2.1', '8.2.2'], {
    postgres: true,
    mounts: (unit) => unit.startsWith(`${application}/`),
  });
  const { lab, facts, volume } = site;
  const hosts = new Switchboard(site.site);
  const ingress = new IngressProvider(site.stage);
  const host = site.site.switchAddress;
  ingress.url = `http://${host}:${port}/`;
  await balance(hosts, ingress);
  await site.deploy(2, { mode: 'web' });
  for (const unit of others)
    lab.deploy(unit.split('/')[0] ?? '', {
      units: 1,
      config: { mode: 'worker', 'release-mirror': site.mirror.url, 'worker-runtime': 'houdini' },
    });
  ingress.integrate();
  for (const unit of others)
    lab.operate((juju) => juju.integrate(`${application}:tsa`, `${unit.split('/')[0]}:flight`));
  const allRun = (webs: readonly string[], version: string) => () =>
    webs.every((unit) => facts(unit)['web-answers'] === version) &&
    others.every(
      (unit) => facts(unit)['running-worker'] === version && site.status(unit).status === 'active',
    );
  const told = () =>
    JSON.stringify([...lab.juju.units(application), ...others].map((unit) => [unit, site.status(unit)]));
  const first = [web, `${application}/1`];
  await lab.waitFor(allRun(first, '8.2.0'), 180_000, told);
  await site.settled();
  const list = async () =>
    String(
      (await lab.runAction(facts(web)['role'] ? web : (first[1] ?? ''), 'prune-workers', { 'dry-run': true }))
        .results['listed'],
    );
  const listed = others.map((unit) => `${name(unit)}-m${lab.juju.model.uuid.slice(0, 8)} (running)`);
  await until(async () => listed.every(async (each) => (await list()).includes(each)));

  const tasks = await tasksOf(site, others[0]);
  beginTask(
    tasks,
    'build',
    'i=0; while [ ! -e /srv/database/finish ]; do echo line $i; i=$((i+1)); sleep 0.1; done; echo end',
  );
  await until(() => linesOf(tasks, 'build').length > 2);
  const running = await site.show(others[0], workerService);

  const upgrade = await polled(hosts, host, async () => {
    lab.configure(application, { version: '8.2.1' });
    await lab.waitFor(allRun(first, '8.2.1'), 180_000, told);
  });
  expect(upgrade.failed).toEqual([]);
  expect([...upgrade.versions]).toEqual(['8.2.0', '8.2.1']);
  expect(upgrade.asked).toBeGreaterThan(20);
  expect((await site.show(others[0], workerService))['MainPID']).not.toBe(running['MainPID']);
  expect(existsSync(join(tasks, 'build.status'))).toBe(false);

  // Its machine burns down. Who polls goes on; the other web takes over, and one more is added.
  const second = [`${application}/1`, `${application}/2`];
  const failover = await polled(hosts, host, async () => {
    await lab.kill(web);
    lab.operate((juju) => juju.removeUnit(web, { force: true }));
    lab.operate((juju) => juju.addUnit(application));
    await site.look(`${application}/1`);
    await lab.waitFor(allRun(second, '8.2.1'), 180_000, told);
    lab.configure(application, { version: '8.2.2' });
    await lab.waitFor(allRun(second, '8.2.2'), 180_000, told);
  });
  expect(failover.failed).toEqual([]);
  expect([...failover.versions]).toEqual(['8.2.1', '8.2.2']);
  for (const unit of second) expect((await site.show(unit, webService))['ActiveState']).toBe('active');
  const hostsOf = await site.machine(others[0]).sh('cat /etc/concourse/worker.env');
  for (const unit of second) expect(hostsOf).toContain(`${site.site.address(unit)}:2222`);
  expect(hostsOf).not.toContain(`${site.site.address(web)}:2222`);

  expect(existsSync(join(tasks, 'build.status'))).toBe(false);
  writeFileSync(join(volume, '../database/finish'), '');
  await until(() => existsSync(join(tasks, 'build.status')));
  expect(readFileSync(join(tasks, 'build.status'), 'utf8').trim()).toBe('succeeded');
  const printed = linesOf(tasks, 'build');
  expect(printed.slice(0, -1)).toEqual(printed.slice(0, -1).map((_, index) => `line ${index}`));
});
