// collect-diagnostics: an archive that tar reads, with what helps, and without a single secret.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { list } from 'tar';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { application, Deployment, webService } from './support/deployment.ts';

test.each([0, 1])('collects unit %s, without any secret, and says how to fetch it', async (number) => {
  const d = await Deployment.settled({ units: 2 });
  const users = d.juju.addSecret('people', { users: 'alice:battery-staple' });
  d.juju.grantSecret('people', application);
  d.juju.configure(application, { 'local-users': users });
  await d.cluster.settle();
  const unit = d.unit(number);
  const machine = d.machine(unit);
  // An operator's drop-in, with a secret in it that nobody knows.
  const dropIn = join(machine.paths.systemd, `${webService}.d`);
  mkdirSync(dropIn);
  writeFileSync(join(dropIn, 'own.conf'), '[Service]\nNice=5\nEnvironment=A_TOKEN=only-ours-0815\n');
  const answer = machine.onCommand;
  // A journal into which somebody has written a password.
  machine.onCommand = (command, args, env) =>
    command === 'journalctl'
      ? { code: 0, stdout: `said by ${args.at(-1)}: battery-staple hunter2hunter2\n`, stderr: '' }
      : answer(command, args, env);
  const action = await d.cluster.action(unit, 'collect-diagnostics');
  expect(action.status, action.message).toBe('completed');
  const file = String(action.results['file']);
  expect(action.results['result']).toContain(`juju scp ${unit}:${file} .`);
  const names: string[] = [];
  await list({ file, onReadEntry: (entry) => void names.push(entry.path) });
  const folder = unit.replace('/', '-');
  for (const name of [
    'status.txt',
    'databags.json',
    'options.json',
    'volume.txt',
    'volume.json',
    'settings/web.env',
    `systemd/${webService}.d/own.conf`,
    'journal/concourse-worker.service.txt',
    'juju-log.txt',
  ])
    expect(names).toContain(`${folder}/${name}`);
  const text = gunzipSync(readFileSync(file)).toString();
  expect(text).toContain('releases/8.1.0');
  expect(text).toContain('Nice=5\nEnvironment=…\n');
  expect(text).not.toContain('only-ours');
  expect(text).toContain(`said by ${webService}: `);
  // Of the private keys each line, but for what frames them.
  const own = [...d.juju.model.secrets.values()]
    .filter(({ owner }) => owner.kind === 'application')
    .flatMap(({ revisions }) => Object.entries(revisions.at(-1) ?? {}))
    .filter(([key]) => !key.endsWith('-pub'))
    .flatMap(([, value]) =>
      value.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----')),
    );
  expect(own.length).toBeGreaterThan(10);
  // What a worker's unit never had it cannot know: only web's is asked to recognise these two in a journal.
  const people = number === 0 ? ['battery-staple', 'hunter2hunter2'] : [];
  expect([...own, ...people].filter((secret) => text.includes(secret))).toEqual([]);
});

test('keeps the newest archive only, and goes with the unit', async () => {
  const d = await Deployment.settled({ units: 2 });
  const first = String((await d.cluster.action(d.unit(1), 'collect-diagnostics')).results['file']);
  await d.cluster.advance(5_000);
  const second = String((await d.cluster.action(d.unit(1), 'collect-diagnostics')).results['file']);
  expect([existsSync(first), existsSync(second)]).toEqual([false, true]);
  expect(readdirSync(dirname(second))).toHaveLength(1);
  d.juju.removeUnit(d.unit(1));
  await d.cluster.settle();
  expect(existsSync(second)).toBe(false);
});

test('works before there is anything, and where the volume cannot be used', async () => {
  const d = await Deployment.settled({ units: 1, config: { version: 'nonsense' } });
  expect((await d.cluster.action(d.unit(0), 'collect-diagnostics')).status).toBe('completed');
});

test('a disk that is full is said', async () => {
  const d = await Deployment.settled({ units: 1 });
  d.nextProcess.set(d.unit(0), (process) => {
    process.beforeEach = (effect) => {
      if (effect.includes('diagnostics'))
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
  });
  const action = await d.cluster.action(d.unit(0), 'collect-diagnostics');
  expect(action).toMatchObject({
    status: 'failed',
    message: expect.stringMatching(/^the archive cannot be written to .*ENOSPC/),
  });
});
