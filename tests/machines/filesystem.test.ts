// The relation `filesystem` on real machines: systemd mounts what an application that is played names, before anything is fetched. The
// server behind it is a folder of this host: the machines' mount.nfs4 binds what a client of NFS would mount.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FilesProvider } from '../support/providers/files.ts';
import {
  allowDatabase,
  application,
  concourseSite,
  until,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';

/** As mount(8) calls it: WHAT WHERE and options. What it was called with is the last line of /run/mounted. */
const mountProgram = `#!/bin/sh
echo "$*" >>/run/mounted
exec mount --bind "/srv/\${1##*/}" "$2"
`;

test('units mount what the relation names once the program is there, follow another address of it when it is mounted again, and let go of it at the end', async () => {
  const { lab, machine, mirror, settled, show, stage, status, volume, look, webVersion } =
    await concourseSite(['8.1.0'], { mounts: () => false });
  const units = [web, worker];
  const files = new FilesProvider(stage, undefined);
  const secret = lab.juju.addSecret('postgres', { uri: 'postgresql://concourse@/atc?host=/srv/database' });
  lab.deploy(application, {
    units: 2,
    config: {
      version: '8.1.0',
      'release-mirror': mirror.url,
      'worker-runtime': 'houdini',
      'shared-storage': 'required',
      'postgres-uri': secret,
    },
  });
  lab.operate((juju) => juju.grantSecret('postgres', application));
  files.integrate();
  await lab.settle({ timeoutMs: 120_000 });
  const messages = () => units.map((unit) => `${status(unit).status}: ${status(unit).message}`);
  expect(messages()).toEqual(units.map(() => 'waiting: for files to say which file system to mount'));

  files.endpoint = 'nfs://(10.99.0.1)/exports/volume';
  await files.changes();
  expect(messages()).toEqual(
    units.map(
      () =>
        'blocked: juju exec --application concourse-ci -- apt-get install -y nfs-common: mount.nfs4 is missing',
    ),
  );
  expect(mirror.served).toEqual([]);
  for (const unit of units) {
    writeFileSync(join(machine(unit).root, 'usr/sbin/mount.nfs4'), mountProgram, { mode: 0o755 });
    allowDatabase(machine(unit));
  }
  for (const unit of units) await look(unit);
  await settled();
  expect(mirror.served).toHaveLength(1);
  expect(existsSync(join(volume, 'bin/concourse'))).toBe(true);
  expect(readdirSync(join(volume, 'worker'))).toEqual(['concourse-ci-1']);
  for (const unit of units) {
    expect(await machine(unit).sh('tail -n 1 /run/mounted')).toMatch(
      /^10\.99\.0\.1:\/exports\/volume \/var\/lib\/concourse\b.*\bhard\b/,
    );
    expect(await show(unit, 'var-lib-concourse.mount')).toMatchObject({
      ActiveState: 'active',
      UnitFileState: 'enabled',
    });
  }
  const running = (await show(worker, workerService))['MainPID'];

  // Another address of the server: what runs keeps its volume, and it is mounted from there the next time.
  files.endpoint = 'nfs://(10.99.0.2)/exports/volume';
  await files.changes();
  await settled();
  expect((await show(worker, workerService))['MainPID']).toBe(running);
  await machine(worker).sh(`systemctl stop ${workerService} var-lib-concourse.mount`);
  await look(worker);
  await settled();
  expect((await show(worker, workerService))['ActiveState']).toBe('active');
  expect(await machine(worker).sh('tail -n 1 /run/mounted')).toMatch(/^10\.99\.0\.2:\/exports\/volume /);
  expect(mirror.served).toHaveLength(1);
  expect(await webVersion(web)).toBe('8.1.0');

  files.removeRelation();
  await lab.settle({ timeoutMs: 120_000 });
  for (const unit of units) {
    await until(async () => (await machine(unit).run('findmnt', '/var/lib/concourse')).exitCode !== 0);
    const left =
      "find /etc/systemd/system -name '*.mount'; ls -A /var/lib/concourse; pgrep -a -f '/bin/[c]oncourse'";
    expect((await machine(unit).run('/bin/sh', '-c', left)).stdout).toBe('');
    expect(status(unit).status).toBe('blocked');
  }
  expect((await show(web, webService))['ActiveState']).not.toBe('active');
  // Whoever mounts it again finds everything.
  expect(existsSync(join(volume, 'bin/concourse'))).toBe(true);
});
