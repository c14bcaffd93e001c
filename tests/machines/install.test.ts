// From nothing to a Concourse that runs jobs: what is on real machines afterwards.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  concourseSite,
  installed,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';

test('install: web and a worker run as services of systemd, and web answers', async () => {
  const { deploy, machine, show, volume, mirror } = await concourseSite(['8.1.0']);
  await deploy(2);
  expect(mirror.served).toEqual(['concourse-8.1.0-linux-amd64.tgz']);
  expect(installed(volume)).toBe('8.1.0');
  expect(await show(web, webService)).toMatchObject({
    ActiveState: 'active',
    UnitFileState: 'enabled',
    NRestarts: '0',
    User: 'concourse',
  });
  expect(await show(worker, workerService)).toMatchObject({
    ActiveState: 'active',
    UnitFileState: 'enabled',
    NRestarts: '0',
    KillMode: 'process',
  });
  const info = await machine(worker).sh(`curl -sf http://10.99.0.11:8080/api/v1/info`);
  expect(JSON.parse(info)).toMatchObject({ version: '8.1.0' });
  expect(readFileSync(join(machine(web).root, 'etc/passwd'), 'utf8')).toContain('concourse:');
});
