// The exporter beside web: started with the option, moved with web, restarted by another revision, and gone with all that it
// read when the option or the unit goes; and the charm's own figures that it serves.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { figureFamilies } from '../../src/observability/figures.ts';
import { application, Deployment, killAt } from './support/deployment.ts';

const service = 'concourse-exporter.service';
const metrics = { 'enable-metrics': true };

const state = async (d: Deployment, unit: string) =>
  (await d.machine(unit).services.show([service]))[service];
/** What is left of it on a machine. */
function traces(d: Deployment, unit: string): string[] {
  const { etc, systemd, run } = d.machine(unit).paths;
  const folders = [etc, systemd, run].filter(existsSync);
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /exporter|figures/.test(name),
    ),
  );
}
const figures = (d: Deployment, unit: string): Map<string, number> =>
  new Map(
    figureFamilies(
      readFileSync(
        join(d.machine(unit).paths.run, 'concourse-ci-figures', `${unit.replace('/', '-')}.json`),
        'utf8',
      ),
    ).flatMap(({ name, samples }) =>
      samples.map(({ labels = {}, suffix = '', value }): [string, number] => [
        `${name}${suffix}${Object.values(labels)
          .map((label) => ` ${label}`)
          .join('')}`,
        value,
      ]),
    ),
  );

test('web’s unit runs it with the option, and no other does', async () => {
  const d = await Deployment.settled();
  expect(d.juju.units(application).flatMap((unit) => traces(d, unit))).toEqual([]);
  d.juju.configure(application, metrics);
  await d.cluster.settle();
  expect(await state(d, d.unit(0))).toMatchObject({ active: 'active', enabled: true });
  expect([d.unit(1), d.unit(2)].flatMap((unit) => traces(d, unit))).toEqual([]);
  const file = join(d.machine(d.unit(0)).paths.etc, 'exporter.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ url: 'http://127.0.0.1:8080', port: 9358 });
  expect(statSync(file).mode & 0o077).toBe(0);
  const { password } = JSON.parse(readFileSync(file, 'utf8'));
  expect(JSON.stringify(d.juju.log)).not.toContain(password);
});

test('at rest it is left alone', async () => {
  const d = await Deployment.settled({ config: metrics });
  const { starts } = d.machine(d.unit(0)).services;
  const before = starts.length;
  d.juju.configure(application, { 'upgrade-ready-timeout': '3m' });
  await d.cluster.settle();
  expect(starts).toHaveLength(before);
});

test('without the option nothing is left of it', async () => {
  const d = await Deployment.settled({ config: metrics });
  d.juju.configure(application, { 'enable-metrics': false });
  await d.cluster.settle();
  expect(traces(d, d.unit(0))).toEqual([]);
  expect((await state(d, d.unit(0)))?.active).not.toBe('active');
  expect(d.status(d.unit(0))).toMatch(/^active/);
});

test('it moves with web', async () => {
  const d = await Deployment.settled({ config: metrics });
  await d.cluster.action(d.unit(0), 'move-web', { unit: d.unit(1) });
  await d.cluster.settle();
  expect(traces(d, d.unit(0))).toEqual([]);
  expect(await state(d, d.unit(1))).toMatchObject({ active: 'active' });
});

test('a unit that is removed takes it along', async () => {
  const d = await Deployment.settled({ config: metrics });
  d.juju.removeUnit(d.unit(0));
  await d.cluster.settle();
  expect(traces(d, d.unit(0))).toEqual([]);
});

test.each([2, 4, 6, 8, 10, 11, 12])(
  'a hook that is killed after its effect %i ends in the same place, and so does its undoing',
  async (n) => {
    const d = await Deployment.settled({ units: 1 });
    d.nextProcess.set(d.unit(0), killAt('after', n));
    d.juju.configure(application, metrics);
    await d.cluster.settle();
    expect(await state(d, d.unit(0))).toMatchObject({ active: 'active', enabled: true });
    d.nextProcess.set(d.unit(0), killAt('after', n));
    d.juju.configure(application, { 'enable-metrics': false });
    await d.cluster.settle();
    expect(traces(d, d.unit(0))).toEqual([]);
  },
);

test('hooks leave the charm’s figures for it', async () => {
  const d = await Deployment.settled({ config: metrics });
  const before = figures(d, d.unit(0));
  expect(before.get('concourse_charm_version_info 8.1.0 8.1.0 8.1.0')).toBe(1);
  expect(before.get('concourse_charm_upgrade_phase none')).toBe(1);
  d.juju.configure(application, { version: '8.2.0' });
  await d.cluster.settle();
  const after = figures(d, d.unit(0));
  expect(after.get('concourse_charm_hooks_total ok')).toBeGreaterThan(
    before.get('concourse_charm_hooks_total ok') ?? 0,
  );
  expect(after.get('concourse_charm_hook_tool_calls_total')).toBeGreaterThan(
    after.get('concourse_charm_hooks_total ok') ?? 0,
  );
  expect(after.get('concourse_charm_upgrade_phase complete')).toBe(1);
  expect(after.get('concourse_charm_version_info 8.2.0 8.2.0 8.2.0')).toBe(1);
  expect(after.get('concourse_charm_install_lock_held ')).toBe(0);
  const { run } = d.machine(d.unit(0)).paths;
  expect(statSync(join(run, 'concourse-ci-figures')).mode & 0o777).toBe(0o755);
});
