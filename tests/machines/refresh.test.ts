// Upgrades that a new revision of the charm brings by its pin, and what a revision with the same pin leaves alone.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { unpackCharm } from '../../scripts/pack/charm.ts';
import { pinnedRelease } from '../../src/release/version.ts';
import {
  application,
  architecture,
  concourseSite,
  installed,
  root,
  second,
  type ConcourseSite,
  web,
  webService,
  worker,
  workerService,
} from './support/concourse-site.ts';

test('a refresh restarts nothing as long as the pin is the same, and upgrades all units together when it is another', async () => {
  const now = pinnedRelease().version;
  const next = now.replace(/[0-9]+$/, (patch) => String(Number(patch) + 1));
  const made = await concourseSite([now, next]);
  const { lab, deploy, facts, settled, webVersion, volume, mirror, site } = made;
  await deploy(3, { version: '' });
  expect(await webVersion(web)).toBe(now);
  const before = await pids(made);

  lab.refresh(application, inject('charm'));
  await settled();
  for (const unit of [web, worker, second]) expect(lab.juju.charmRevision(unit)).toBe(1);
  expect(await pids(made)).toEqual(before);
  expect(mirror.served).toHaveLength(1);

  const charm = await charmThatPins(next, site.folder);
  lab.refresh(application, charm);
  const run = () => [worker, second].every((unit) => facts(unit)['running-worker'] === next);
  await lab.waitFor(run, 120_000);
  await settled();
  expect(await webVersion(web)).toBe(next);
  expect(installed(volume)).toBe(next);
  expect(facts(web)).toMatchObject({ 'upgrade-state': 'complete', 'upgrade-outcome': 'upgraded' });
  expect(mirror.served).toHaveLength(2);

  // An older revision: its pin lowers nothing.
  const upgraded = await pids(made);
  lab.refresh(application, inject('charm'));
  await settled();
  expect(await webVersion(web)).toBe(next);
  expect(await pids(made)).toEqual(upgraded);
});

/** As `npm run pack` makes it, from the same sources but for the pin. */
async function charmThatPins(version: string, folder: string): Promise<string> {
  const source = join(folder, 'source');
  mkdirSync(source);
  for (const name of ['src', 'charm.ts', 'package.json', 'package-lock.json'])
    cpSync(join(root, name), join(source, name), { recursive: true });
  for (const name of ['metadata', 'config', 'actions'])
    cpSync(join(root, `${name}.yaml`), join(source, `${name}.yaml`));
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  const pin = { version, sha256: { amd64: null, arm64: null }, seen: 'in a test' };
  writeFileSync(join(source, 'src/release/pins.json'), JSON.stringify(pin));
  const charm = join(folder, 'charm');
  await unpackCharm({ root: source, entry: 'charm.ts', architecture }, charm, { linkNode: true });
  return charm;
}

async function pids({ show }: ConcourseSite): Promise<unknown[]> {
  const of = async (unit: string, service: string) => {
    const { MainPID, NRestarts } = await show(unit, service);
    return { MainPID, NRestarts };
  };
  return [await of(web, webService), await of(worker, workerService), await of(second, workerService)];
}
