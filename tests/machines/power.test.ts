// The installer loses its power: whenever that is, what is installed stays whole, and after the boot the upgrade goes on.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createHost } from '../../src/host/real/index.ts';
import { verifyRelease } from '../../src/release/manifest.ts';
import {
  architecture,
  concourseSite,
  installed,
  until,
  web,
  webService,
  worker,
} from './support/concourse-site.ts';

test('during a download', async () => {
  const { lab, deploy, volume, mirror, facts, settled, show } = await concourseSite(['8.1.0', '8.2.0'], {
    releases: { '8.2.0': { sizeBytes: 8_000_000 } },
  });
  await deploy(2);
  const held = mirror.holdAt(4_000_000);
  lab.configure('concourse-ci', { version: '8.2.0' });
  await held;
  await until(() => existsSync(join(volume, '.download_in_progress')));
  await lab.kill(web);
  mirror.letGo();
  // A failed download costs nothing: no worker has stopped.
  expect(facts(worker)['running-worker']).toBe('8.1.0');
  await whole(volume, '8.1.0');
  await lab.boot(web);
  expect((await show(web, webService))['ActiveState']).toBe('active');
  await lab.waitFor(() => facts(worker)['running-worker'] === '8.2.0', 120_000);
  await settled();
  await clean(volume, '8.2.0');
});

/** In the order in which they come. */
const moments = [
  ['while the archive is unpacked', 'open staging/.*/bin/gdn$'],
  ['before the staged release gets its name', 'rename releases/8'],
  ['before bin is switched', 'rename concourse/bin$'],
  ['between the switch and the marker', 'rename installed_version$'],
  ['before web is restarted', 'spawn systemctl.restart.concourse-server'],
  ['before complete is said', 'spawn relation-set'],
] as const;

test('at each step of an upgrade from S1 to S7', async () => {
  const versions = ['8.1.0', ...moments.map((_, index) => `8.1.${index + 1}`)];
  const { lab, deploy, volume, facts, settled, webVersion, pauseAt } = await concourseSite(versions);
  await deploy(2);
  for (const [index, [moment, effect]] of moments.entries()) {
    const [from = '', to = ''] = [versions[index], versions[index + 1]];
    // What is said last is said in the hook that has switched.
    const begin = () => lab.configure('concourse-ci', { version: to });
    if (effect === 'spawn relation-set') {
      begin();
      await lab.waitFor(() => facts(web)['upgrade-state'] === 'prepare', 60_000);
      await pauseAt(web, effect);
    } else {
      const paused = pauseAt(web, effect);
      begin();
      await paused;
    }
    await lab.kill(web);
    const switched = index >= 3;
    await whole(volume, switched ? to : from);
    await lab.boot(web);
    await lab.waitFor(
      () => facts(worker)['running-worker'] === to,
      120_000,
      () => moment,
    );
    await settled();
    expect(await webVersion(web), moment).toBe(to);
    await clean(volume, to);
  }
});

/** What `bin` points at is a complete, verified release. */
async function whole(volume: string, version: string): Promise<void> {
  expect(readlinkSync(join(volume, 'bin'))).toBe(`releases/${version}/bin`);
  const { files } = createHost();
  const verified = await verifyRelease(files, join(volume, 'releases', version), {
    architecture,
    depth: 'contents',
  });
  expect(verified).toMatchObject({ ok: true });
}

async function clean(volume: string, version: string): Promise<void> {
  await whole(volume, version);
  expect(installed(volume)).toBe(version);
  const left = ['.download_in_progress', '.install.lease'].filter((name) => existsSync(join(volume, name)));
  expect(left).toEqual([]);
  expect(readdirSync(join(volume, '.staging'))).toEqual([]);
  expect(readFileSync(join(volume, '.installed_version'), 'utf8')).toBe(`${version}\n`);
}
