// flock that does not keep units apart: named by the installer once it is certain, and nothing else changes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Deployment } from './support/deployment.ts';

const updateStatusMs = 5 * 60_000;
/** Juju adds or takes away 20 % at random. */
const longest = updateStatusMs * 1.2;
const doubt = 'flock does not exclude on this volume';

/** The file that the worker's service locks, which the fake systemd does not do. */
function lockFile(d: Deployment, unit: string): string {
  const folder = join(d.machine(unit).paths.volume, 'worker', unit.replace('/', '-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.held'), '1');
  return join(folder, '.held');
}
/** What the service does once a minute. */
const signOfLife = (d: Deployment, unit: string): void =>
  writeFileSync(lockFile(d, unit), String(d.clock.now()));

test('flock that does not exclude is named by the installer at the second look', async () => {
  const d = await Deployment.settled({ updateStatusMs });
  for (const unit of [d.unit(1), d.unit(2)]) lockFile(d, unit);
  const before = d.status(d.unit(0));
  await d.cluster.advance(longest);
  signOfLife(d, d.unit(2));
  expect(d.status(d.unit(0))).toBe(before);
  await d.cluster.advance(longest);
  expect(d.status(d.unit(0))).toBe(`${before}; ${doubt} (see docs/reference/volumes.md)`);
  expect(d.status(d.unit(1))).toBe('active: worker 8.1.0');
  // Nothing else depends on it.
  d.juju.configure('concourse-ci', { version: '8.2.0' });
  await d.cluster.settle();
  expect(await d.workersRun()).toEqual(['8.2.0', '8.2.0']);
  expect(d.status(d.unit(0))).toContain(doubt);
  // And it goes as it came: somebody has mounted the volume with locks.
  await d.machine(d.unit(1)).locks.tryLock(lockFile(d, d.unit(1)));
  await d.cluster.advance(longest);
  expect(d.status(d.unit(0))).not.toContain(doubt);
});

test('where a worker’s lock is refused, flock is not doubted', async () => {
  const d = await Deployment.settled({ updateStatusMs });
  await d.machine(d.unit(2)).locks.tryLock(lockFile(d, d.unit(2)));
  for (let look = 0; look < 3; look += 1) {
    signOfLife(d, d.unit(1));
    await d.cluster.advance(longest);
  }
  expect(d.status(d.unit(0))).not.toContain(doubt);
});

test('a worker whose machine is off, whatever its databag says, is no proof', async () => {
  const d = await Deployment.settled({ units: 2, updateStatusMs });
  lockFile(d, d.unit(1));
  await d.powerOff(d.unit(1));
  await d.cluster.advance(3 * longest);
  expect(d.facts(d.unit(1))['running-worker']).toBe('8.1.0');
  expect(d.status(d.unit(0))).not.toContain(doubt);
});
