// A build that runs is not lost: not by an upgrade, not by a worker that joins, not by a configuration that stays the same.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { application, concourseLab, settled } from './support/concourse-lab.ts';

test('a running build goes on through an upgrade, a joining worker and a no-op config-changed', async () => {
  const { lab, deploy, facts } = await concourseLab(['8.1.0', '8.2.0']);
  await deploy(2);
  const worker = `${application}/1`;
  const tasks = join(lab.volume, 'worker/concourse-ci-1/work_dir/tasks');
  const finish = join(lab.directory, 'finish');
  begin(
    tasks,
    'build',
    `i=0; while [ ! -e '${finish}' ]; do echo line $i; i=$((i+1)); sleep 0.1; done; echo end`,
  );
  await until(() => lines(tasks, 'build').length > 2);
  const shim = readFileSync(join(tasks, 'build.pid'), 'utf8').trim();

  lab.addUnit(application);
  await settled(lab);
  expect(alive(shim)).toBe(true);

  const starts = () => lab.log.filter(({ text }) => text.includes('concourse-worker.service starts')).length;
  const before = starts();
  lab.configure(application, { 'upgrade-ready-timeout': '3m' });
  await settled(lab);
  expect(starts()).toBe(before);
  expect(alive(shim)).toBe(true);

  lab.configure(application, { version: '8.2.0' });
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  await settled(lab);
  expect(alive(shim)).toBe(true);
  expect(existsSync(join(tasks, 'build.status'))).toBe(false);

  writeFileSync(finish, '');
  await until(() => existsSync(join(tasks, 'build.status')));
  expect(readFileSync(join(tasks, 'build.status'), 'utf8').trim()).toBe('succeeded');
  const printed = lines(tasks, 'build');
  expect(printed.at(-1)).toBe('end');
  expect(printed.slice(0, -1)).toEqual(printed.slice(0, -1).map((_, index) => `line ${index}`));
});

function begin(tasks: string, id: string, command: string): void {
  mkdirSync(tasks, { recursive: true });
  const fresh = join(dirname(tasks), `${id}.new`);
  writeFileSync(fresh, JSON.stringify({ command }));
  renameSync(fresh, join(tasks, `${id}.json`));
}

function lines(tasks: string, id: string): string[] {
  const log = join(tasks, `${id}.log`);
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
}

function alive(pid: string): boolean {
  return existsSync(`/proc/${pid}`);
}

/** The shim writes its files by itself: there is no event to wait for. */
async function until(holds: () => boolean): Promise<void> {
  const start = Date.now();
  while (!holds()) {
    if (Date.now() - start > 30_000) throw new Error(`not so within 30 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
