// The GPUs of this machine, for tasks. Asked once for each boot, driver and choice, and only where the option compute-runtime says so;
// nothing is installed and nothing of the machine changed for it.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { z } from 'zod';
import type { ContainerEdits } from '../concourse/container-edits.ts';
import { type Chosen, chooseCuda, chooseRocm, parseNodes, usable } from '../concourse/gpu.ts';
import type { ComputeRuntime, Gpus } from '../concourse/gpu-ids.ts';
import { gpuNotePath } from './container-edits-view.ts';
import type { Settings, Status } from '../observed.ts';
import type { Session } from '../session.ts';
import { statuses } from '../statuses.ts';

const askMs = 30_000;
/** PCI's number of AMD. */
const amd = '0x1002';

type Found = { gpus: Gpus; edits: ContainerEdits } | { missing: Status };

const words = z.array(z.string());
const noteSchema = z.object({
  key: z.string(),
  found: z.object({
    gpus: z.object({ runtime: z.enum(['cuda', 'rocm']), ids: z.array(z.number()) }),
    edits: z.object({
      folders: z.array(z.object({ path: z.string(), writable: z.boolean() })),
      devices: z.array(
        z.object({ path: z.string(), type: z.literal('c'), major: z.number(), minor: z.number() }),
      ),
      mounts: z.array(z.object({ source: z.string(), destination: z.string(), options: words })),
      environment: words,
      hooks: z.array(
        z.object({ name: z.literal('createContainer'), path: z.string(), args: words, env: words }),
      ),
    }),
  }),
});

export async function viewGpus(session: Session, settings: Settings): Promise<Found | undefined> {
  const { computeRuntime: runtime, gpuDeviceIds } = settings;
  if (runtime === 'none') return undefined;
  const { hook, host } = session;
  const key = JSON.stringify([runtime, gpuDeviceIds, await driverOf(session, runtime)]);
  const file = gpuNotePath(host.paths.run, hook.unit);
  const noted = parseJson(noteSchema, await host.files.readText(file));
  if (noted?.key === key) return noted.found;
  const found = await ask(session, runtime, gpuDeviceIds);
  if ('missing' in found) return found;
  await host.files.makeDirectory(path.dirname(file), { mode: 0o700, recursive: true });
  await host.files.write(file, JSON.stringify({ key, found }), { mode: 0o600 });
  return found;
}

/** What changes when another driver is loaded or a card comes or goes. */
async function driverOf({ host }: Session, runtime: ComputeRuntime): Promise<unknown> {
  const at = (name: string) => path.join(host.paths.root, name);
  if (runtime === 'cuda') return (await host.files.readText(at('proc/driver/nvidia/version'))) ?? '';
  return [await host.files.list(at('dev/dri')), (await host.files.lstat(at('dev/kfd'))) !== undefined];
}

async function ask(
  session: Session,
  runtime: 'cuda' | 'rocm',
  wanted: Settings['gpuDeviceIds'],
): Promise<Found> {
  const { hook, host } = session;
  const chosen = runtime === 'cuda' ? await askCuda(session, wanted) : await askRocm(session, wanted);
  if ('missing' in chosen) return chosen;
  if ('problem' in chosen)
    return { missing: statuses.gpuUnfit(hook.application, hook.unit, runtime, chosen.problem) };
  const said = await host.commands.run('stat', ['-c', '%n %t %T %a %F', ...chosen.nodes], {
    timeoutMs: askMs,
  });
  const nodes = parseNodes(said.stdout);
  const gone = chosen.nodes.find((node) => !nodes.some((each) => each.path === node));
  if (gone !== undefined)
    return { missing: statuses.gpuUnfit(hook.application, hook.unit, runtime, `${gone} is no device`) };
  const shut = nodes.find((node) => !usable(node));
  if (shut !== undefined) return { missing: statuses.gpuShut(hook.unit, shut.path) };
  const devices = nodes.map(({ path: place, major, minor }) => ({
    path: place,
    type: 'c' as const,
    major,
    minor,
  }));
  return { gpus: { runtime, ids: chosen.ids }, edits: { ...chosen.edits, devices } };
}

async function askCuda(
  { hook, host }: Session,
  wanted: Settings['gpuDeviceIds'],
): Promise<Chosen | { missing: Status }> {
  const driver = await host.commands.run('nvidia-smi', ['--list-gpus'], { timeoutMs: askMs });
  if (driver.code !== 0)
    return {
      missing: statuses.gpuProgram(hook.unit, 'ubuntu-drivers install --gpgpu', 'nvidia-smi', driver.code),
    };
  const toolkit = await host.commands.run('nvidia-ctk', ['cdi', 'generate', '--format=json'], {
    timeoutMs: askMs,
  });
  if (toolkit.code !== 0) {
    const install = 'apt-get install -y nvidia-container-toolkit';
    return { missing: statuses.gpuProgram(hook.unit, install, 'nvidia-ctk', toolkit.code) };
  }
  return chooseCuda(toolkit.stdout, wanted);
}

async function askRocm(
  { hook, host }: Session,
  wanted: Settings['gpuDeviceIds'],
): Promise<Chosen | { missing: Status }> {
  const at = (name: string) => path.join(host.paths.root, name);
  if ((await host.files.lstat(at('dev/kfd'))) === undefined)
    return { missing: statuses.gpuProgram(hook.unit, 'modprobe amdgpu', '/dev/kfd', 127) };
  const names = ((await host.files.list(at('dev/dri'))) ?? []).filter((name) => /^renderD[0-9]+$/.test(name));
  const vendors = await Promise.all(
    names.map((name) => host.files.readText(at(`sys/class/drm/${name}/device/vendor`))),
  );
  return chooseRocm(
    names.filter((_, index) => vendors[index]?.trim() === amd),
    wanted,
    at('dev'),
  );
}
