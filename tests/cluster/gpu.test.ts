// The options compute-runtime and gpu-device-ids: what tasks get, what web and people are told, what a machine lacks, and that it all goes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cdi, statOf } from '../support/cdi.ts';
import { application, Deployment, workerService } from './support/deployment.ts';

const worker = `${application}/1`;
const environment = async (d: Deployment) =>
  (await d.machine(worker).services.show([workerService]))[workerService]?.environment ?? {};
const root = (d: Deployment, name: string) => join(d.machine(worker).paths.root, name);
const shim = (d: Deployment) => readFileSync(join(d.machine(worker).paths.etc, 'runtime/runc'), 'utf8');

interface Machine {
  gpus: number;
  without: string[];
  modes: Record<string, string>;
  asked: string[];
}

async function machine(given: Partial<Machine> = {}) {
  const d = await Deployment.settled({ units: 2 });
  const m: Machine = { gpus: 2, without: [], modes: {}, asked: [], ...given };
  const { onCommand } = d.machine(worker);
  d.machine(worker).onCommand = (command, args, env) => {
    const said = (stdout: string) => ({ code: 0, stdout, stderr: '' });
    if (!['nvidia-smi', 'nvidia-ctk', 'stat'].includes(command)) return onCommand(command, args, env);
    m.asked.push(command);
    if (m.without.includes(command)) return { code: 127, stdout: '', stderr: `${command}: not found` };
    if (command === 'nvidia-smi') return said('GPU 0: NVIDIA L4 (UUID: GPU-1)\n');
    if (command === 'nvidia-ctk') return said(cdi(m.gpus));
    return said(statOf(args.slice(2), m.modes));
  };
  return { d, m };
}

function amd(d: Deployment, vendors: Record<string, string>) {
  mkdirSync(root(d, 'dev/dri'), { recursive: true });
  writeFileSync(root(d, 'dev/kfd'), '');
  for (const [name, vendor] of Object.entries(vendors)) {
    writeFileSync(root(d, `dev/dri/${name}`), '');
    mkdirSync(root(d, `sys/class/drm/${name}/device`), { recursive: true });
    writeFileSync(root(d, `sys/class/drm/${name}/device/vendor`), `${vendor}\n`);
  }
}

test('cuda: tasks get the GPUs with their libraries, web their tags, people their number; cleared, nothing of it is left', async () => {
  const { d, m } = await machine();
  const before = await environment(d);
  d.juju.configure(application, { 'compute-runtime': 'cuda', tag: 'big' });
  await d.cluster.settle();
  expect(d.status(worker)).toBe('active: worker 8.1.0 (GPU: 2x NVIDIA)');
  expect((await environment(d))['CONCOURSE_TAG']).toBe(
    'big,cuda,gpu,gpu-count=2,gpu-devices=0,gpu-devices=1',
  );
  for (const part of [
    '/dev/nvidia0',
    '/dev/nvidia1',
    '/dev/nvidiactl',
    'libcuda.so.580.65.06',
    'update-ldcache',
  ])
    expect(shim(d)).toContain(part.replaceAll('/', '\\/'));
  const asked = m.asked.length;
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(m.asked, 'asked once').toHaveLength(asked);
  d.juju.configure(application, { 'compute-runtime': 'none', tag: '', 'log-level': 'info' });
  await d.cluster.settle();
  expect(await environment(d)).toEqual(before);
  expect(existsSync(join(d.machine(worker).paths.etc, 'runtime'))).toBe(false);
  expect(d.status(worker)).toBe('active: worker 8.1.0');
});

test('gpu-device-ids: no node and no rule of another GPU', async () => {
  const { d } = await machine({ gpus: 4 });
  d.juju.configure(application, { 'compute-runtime': 'cuda', 'gpu-device-ids': '1,3' });
  await d.cluster.settle();
  expect(d.status(worker)).toBe('active: worker 8.1.0 (GPU: 2x NVIDIA)');
  expect(shim(d)).toContain('\\/dev\\/nvidia1"');
  expect(shim(d)).not.toContain('nvidia0');
  expect(shim(d)).not.toContain('nvidia2');
  expect(shim(d)).toContain('"major":195,"minor":3,"access":"rw"');
  d.juju.configure(application, { 'gpu-device-ids': '7' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(
    /^blocked: juju config concourse-ci gpu-device-ids=…, .* there is no GPU 7, but 0, 1, 2, 3$/,
  );
  expect(await d.runs(worker, workerService)).toBe('8.1.0');
});

test('rocm: AMD’s render nodes and kfd, not the card of another maker', async () => {
  const { d } = await machine();
  amd(d, { renderD128: '0x8086', renderD129: '0x1002', renderD130: '0x1002' });
  d.juju.configure(application, { 'compute-runtime': 'rocm', 'gpu-device-ids': '1' });
  await d.cluster.settle();
  expect(d.status(worker)).toBe('active: worker 8.1.0 (GPU: 1x AMD)');
  expect((await environment(d))['CONCOURSE_TAG']).toBe('rocm,gpu,gpu-count=1,gpu-devices=1');
  expect(shim(d)).toContain('renderD130');
  expect(shim(d)).toContain('kfd');
  expect(shim(d)).not.toMatch(/renderD128|renderD129/);
});

test.each([
  [
    { without: ['nvidia-smi'] },
    /^blocked: juju exec --unit concourse-ci\/1 -- ubuntu-drivers install --gpgpu: nvidia-smi is missing/,
  ],
  [
    { without: ['nvidia-ctk'] },
    /^blocked: juju exec --unit concourse-ci\/1 -- apt-get install -y nvidia-container-toolkit: nvidia-ctk is missing/,
  ],
  [{ gpus: 0 }, /^blocked: .*there is no GPU$/],
  [
    { modes: { nvidiactl: '660' } },
    /^blocked: let all users of concourse-ci\/1 read and write \/dev\/nvidiactl/,
  ],
  [{ without: ['stat'] }, /^blocked: .*\/dev\/nvidia-uvm is no device$/],
] as const)(
  'a machine that lacks something (%j): the worker goes on without, and the status says what to type',
  async (given, message) => {
    const { d, m } = await machine({ ...structuredClone(given) } as Partial<Machine>);
    const before = await environment(d);
    d.juju.configure(application, { 'compute-runtime': 'cuda' });
    await d.cluster.settle();
    expect(d.status(worker)).toMatch(message);
    expect(await environment(d)).toEqual(before);
    Object.assign(m, { gpus: 1, without: [], modes: {} });
    await d.cluster.action(worker, 'status');
    d.juju.configure(application, { 'worker-drain': 'land' });
    await d.cluster.settle();
    expect(d.status(worker)).toBe('active: worker 8.1.0 (GPU: 1x NVIDIA)');
  },
);

test('rocm without its driver: the device is named', async () => {
  const { d } = await machine();
  d.juju.configure(application, { 'compute-runtime': 'rocm' });
  await d.cluster.settle();
  expect(d.status(worker)).toMatch(
    /^blocked: juju exec --unit concourse-ci\/1 -- modprobe amdgpu: \/dev\/kfd is missing/,
  );
});

test('another driver is asked anew, and folders come beside', async () => {
  const { d, m } = await machine({ gpus: 1 });
  mkdirSync(root(d, 'srv/datasets'), { recursive: true });
  mkdirSync(root(d, 'proc/driver/nvidia'), { recursive: true });
  writeFileSync(root(d, 'proc/driver/nvidia/version'), '580.65.06\n');
  d.juju.configure(application, { 'compute-runtime': 'cuda', 'folder-mounts': 'datasets' });
  await d.cluster.settle();
  expect(shim(d)).toContain('srv/datasets');
  const asked = m.asked.length;
  writeFileSync(root(d, 'proc/driver/nvidia/version'), '590.1\n');
  m.gpus = 2;
  d.juju.configure(application, { 'log-level': 'debug' });
  await d.cluster.settle();
  expect(m.asked.length).toBeGreaterThan(asked);
  expect(d.status(worker)).toBe('active: worker 8.1.0 (GPU: 2x NVIDIA)');
});
