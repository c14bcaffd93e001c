// Concourse on a real PostgreSQL, reached by the network: one that goes away and comes back, and one whose password changes.
import { expect, test } from 'vitest';
import {
  application,
  concourseSite,
  until,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';

test('a PostgreSQL that goes away and comes back restarts nothing; its new password restarts web alone', async () => {
  const { lab, deploy, machine, show, look, settled, postgres, webVersion, status } = await concourseSite(
    ['8.1.0'],
    { postgres: true },
  );
  if (postgres === undefined) throw new Error('asked for');
  await deploy(2);
  // What web knows lies in the real one.
  await until(() => postgres.ask("SELECT name FROM stand_in WHERE name LIKE 'workers/%'") !== '');
  const webs = async () => {
    const { MainPID, NRestarts, ActiveState } = await show(web, webService);
    return { MainPID, NRestarts, ActiveState };
  };
  const workers = async () => (await show(worker, workerService))['MainPID'];
  const readable = async () =>
    (
      await machine(web).run(
        'curl',
        '-sf',
        '--max-time',
        '1',
        'http://127.0.0.1:8080/api/v1/teams/main/pipelines',
      )
    ).exitCode === 0;
  const before = [await webs(), await workers()];
  expect(await readable()).toBe(true);

  postgres.stop();
  await until(async () => !(await readable()));
  // Hooks go on meanwhile: web answers, though not for what lies in the database.
  for (const unit of [web, worker]) await look(unit);
  lab.configure(application, { 'upgrade-ready-timeout': '3m' });
  await lab.settle({ timeoutMs: 120_000 });
  expect(status(web)).toMatchObject({ status: expect.stringMatching(/waiting|blocked/) });
  expect(status(web).message).toMatch(/PostgreSQL|its database/);
  expect(status(worker).status).toBe('active');
  expect(await webVersion(web)).toBe('8.1.0');
  postgres.start();
  await until(readable);
  // Its timer would have it look again within 30 s.
  await look(web);
  await settled();
  expect([await webs(), await workers()]).toEqual(before);

  // A boot without it: web waits, and is there once it is.
  postgres.stop();
  await lab.reboot(web);
  expect(await readable()).toBe(false);
  postgres.start();
  await until(readable);
  await look(web);
  await settled();

  const rebooted = await webs();
  postgres.changePassword('@new/one: 100%');
  // What is connected stays so until the connection breaks.
  expect(await readable()).toBe(true);
  postgres.stop();
  postgres.start();
  await until(async () => !(await readable()));
  lab.operate((juju) => juju.updateSecret('postgres', { uri: postgres.uri() }));
  await until(readable);
  await settled();
  expect((await webs()).MainPID).not.toBe(rebooted.MainPID);
  expect(await workers()).toBe(before[1]);
  const files = await machine(web).sh(`stat -c '%a %U' /etc/concourse/web.env`);
  expect(files).toBe('600 root\n');
});
