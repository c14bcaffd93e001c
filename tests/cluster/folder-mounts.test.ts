// The option folder-mounts: workers are begun with it, and not while a folder that it names is not there; it goes without a trace.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { application, Deployment, workerService } from './support/deployment.ts';

const worker = `${application}/1`;
const environment = async (d: Deployment) =>
  (await d.machine(worker).services.show([workerService]))[workerService]?.environment ?? {};
const srv = (d: Deployment, name = '') => join(d.machine(worker).paths.root, 'srv', name);
const runtime = (d: Deployment) => join(d.machine(worker).paths.etc, 'runtime');
const shim = (d: Deployment) => readFileSync(join(runtime(d), 'runc'), 'utf8');

async function deployment(folders: readonly string[]) {
  const d = await Deployment.settled({ units: 2 });
  for (const folder of folders) mkdirSync(srv(d, folder), { recursive: true });
  return d;
}

test('the worker begins containerd by way of the charm’s runc, which names what was allowed; cleared, nothing of it is left', async () => {
  const d = await deployment(['datasets', 'cache', 'not-allowed']);
  const before = await environment(d);
  d.juju.configure(application, { 'folder-mounts': 'datasets, cache:rw' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(/^active/);
  expect((await environment(d))['CONCOURSE_CONTAINERD_BIN']).toBe(join(runtime(d), 'launch'));
  expect(readdirSync(runtime(d)).sort()).toEqual(['launch', 'runc']);
  for (const name of ['launch', 'runc']) expect(statSync(join(runtime(d), name)).mode & 0o7777).toBe(0o755);
  expect(shim(d)).toContain(`folder '${srv(d, 'datasets')}'`);
  expect(shim(d)).toContain(`folder '${srv(d, 'cache')}'`);
  expect(shim(d)).not.toContain('not-allowed');
  d.juju.configure(application, { 'folder-mounts': '' });
  await d.cluster.settle();
  expect(await environment(d)).toEqual(before);
  expect(existsSync(runtime(d))).toBe(false);
});

test('a folder that is missing: the worker goes on as it is, and is told what to type; a new one does not begin', async () => {
  const d = await deployment(['datasets']);
  const starts = d.machine(worker).services.starts.length;
  d.juju.configure(application, { 'folder-mounts': 'datasets,cache' });
  await d.cluster.settle();
  expect(d.status(worker)).toBe(
    `blocked: juju exec --unit ${worker} -- mkdir ${srv(d, 'cache')}: folder-mounts names it, and it is missing`,
  );
  expect(d.machine(worker).services.starts).toHaveLength(starts);
  expect(await d.runs(worker, workerService)).toBe('8.1.0');
  d.juju.addUnit(application);
  await d.cluster.settle();
  expect(d.status(d.unit(2))).toMatch(/^blocked: juju exec --unit concourse-ci\/2 -- mkdir .*\/srv: /);
  expect(await d.runs(d.unit(2), workerService)).toBeUndefined();
  mkdirSync(srv(d, 'cache'));
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(/^active/);
  expect(shim(d)).toContain(srv(d, 'cache'));
});

test('a symbolic link is refused, also one that leads to a folder', async () => {
  const d = await deployment(['real']);
  symlinkSync('real', srv(d, 'datasets'));
  d.juju.configure(application, { 'folder-mounts': 'datasets' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(
    /^blocked: juju config concourse-ci folder-mounts=…: .*datasets is a symbolic link$/,
  );
  rmSync(srv(d, 'datasets'));
});

test.each(['../etc', '/srv/datasets', 'a/b', '.hidden', 'cache:write', 'cache,cache:rw', "it's", 'a b'])(
  '%s is no folder of the list',
  async (value) => {
    const d = await deployment([]);
    d.juju.configure(application, { 'folder-mounts': value });
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(
      /^blocked: juju config concourse-ci folder-mounts=…: .* is not names of folders in \/srv/,
    );
    expect(existsSync(runtime(d))).toBe(false);
  },
);

test('the program that begins containerd is the charm’s own: extra-worker-env cannot put another in its place', async () => {
  const d = await deployment([]);
  d.juju.configure(application, { 'extra-worker-env': 'CONCOURSE_CONTAINERD_BIN=/usr/bin/containerd' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(/CONCOURSE_CONTAINERD_BIN is the charm's own/);
});

test('without containers there is nothing to mount into', async () => {
  const d = await deployment([]);
  d.juju.configure(application, { 'folder-mounts': 'datasets', 'worker-runtime': 'houdini' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(/^active/);
  expect(existsSync(runtime(d))).toBe(false);
});
