// Which GPUs tasks get, and what comes with them, out of what the vendors' tools and the kernel say; and what is said of that.
import { jsonValue } from '../json.ts';
import { z } from 'zod';
import { type ContainerEdits, noEdits } from './container-edits.ts';
import type { GpuIds } from './gpu-ids.ts';

const editsSchema = z.object({
  env: z.array(z.string()).optional(),
  deviceNodes: z.array(z.object({ path: z.string(), hostPath: z.string().optional() })).optional(),
  mounts: z
    .array(
      z.object({
        hostPath: z.string(),
        containerPath: z.string(),
        options: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  hooks: z
    .array(
      z.object({
        hookName: z.string(),
        path: z.string(),
        args: z.array(z.string()).optional(),
        env: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});
type Edits = z.infer<typeof editsSchema>;

/** A specification of the Container Device Interface, as `nvidia-ctk cdi generate` prints it. */
const cdiSchema = z.object({
  kind: z.string(),
  devices: z.array(z.object({ name: z.string(), containerEdits: editsSchema })),
  containerEdits: editsSchema.optional(),
});

/** Device nodes are paths still: their numbers are the kernel's to tell. */
export type Chosen = { ids: number[]; nodes: string[]; edits: ContainerEdits } | { problem: string };

/** The devices of `wanted`, and what all of them need. */
export function chooseCuda(text: string, wanted: GpuIds): Chosen {
  const read = cdiSchema.safeParse(jsonValue(text));
  if (!read.success)
    return { problem: 'nvidia-ctk cdi generate prints no specification: see docs/how-to/gpu.md' };
  const numbered = new Map(
    read.data.devices.filter(({ name }) => /^[0-9]+$/.test(name)).map((each) => [Number(each.name), each]),
  );
  const ids = chooseIds([...numbered.keys()], wanted);
  if ('problem' in ids) return ids;
  const parts = [
    read.data.containerEdits ?? {},
    ...ids.ids.flatMap((id) => numbered.get(id)?.containerEdits ?? []),
  ];
  const problem = parts.map(unfit).find((each) => each !== undefined);
  if (problem !== undefined) return { problem };
  return {
    ...ids,
    nodes: distinct(parts.flatMap(({ deviceNodes = [] }) => deviceNodes.map(({ path }) => path))),
    edits: {
      ...noEdits,
      environment: distinct(parts.flatMap(({ env = [] }) => env)),
      mounts: parts.flatMap(({ mounts = [] }) =>
        mounts.map(
          ({ hostPath, containerPath, options = ['ro', 'nosuid', 'nodev', 'rbind', 'rprivate'] }) => ({
            source: hostPath,
            destination: containerPath,
            options,
          }),
        ),
      ),
      hooks: parts.flatMap(({ hooks = [] }) =>
        hooks.map(({ path, args = [path], env = [] }) => ({
          name: 'createContainer' as const,
          path,
          args,
          env,
        })),
      ),
    },
  };
}

/** What the charm's runc does not carry out is not left out. */
function unfit({ hooks = [], deviceNodes = [] }: Edits): string | undefined {
  const hook = hooks.find(({ hookName }) => hookName !== 'createContainer');
  if (hook !== undefined) return `nvidia-ctk asks for a hook ${hook.hookName}, which the charm does not know`;
  const moved = deviceNodes.find(({ path, hostPath = path }) => path !== hostPath);
  return moved && `nvidia-ctk asks for ${moved.hostPath} under another name, which the charm does not do`;
}

/** `renderNodes`: names in /dev/dri of AMD's GPUs, such as renderD128. Their libraries come with the image. */
export function chooseRocm(renderNodes: readonly string[], wanted: GpuIds, dev: string): Chosen {
  const nodes = [...renderNodes].sort((a, b) => Number(a.slice(7)) - Number(b.slice(7)));
  const chosen = chooseIds([...nodes.keys()], wanted);
  if ('problem' in chosen) return chosen;
  const paths = chosen.ids.flatMap((id) => nodes[id] ?? []).map((node) => `${dev}/dri/${node}`);
  return { ...chosen, nodes: [`${dev}/kfd`, ...paths], edits: noEdits };
}

function chooseIds(there: readonly number[], wanted: GpuIds): { ids: number[] } | { problem: string } {
  const ids = [...there].sort((a, b) => a - b);
  if (ids.length === 0) return { problem: 'there is no GPU' };
  if (wanted === 'all') return { ids };
  const missing = wanted.find((id) => !there.includes(id));
  return missing === undefined
    ? { ids: [...wanted] }
    : { problem: `there is no GPU ${missing}, but ${ids.join(', ')}` };
}

export interface DeviceNode {
  path: string;
  major: number;
  minor: number;
  /** Permission bits. */
  mode: number;
}

/** Lines of `stat -c '%n %t %T %a %F'`; what is no character device is left out. */
export function parseNodes(text: string): DeviceNode[] {
  return text.split('\n').flatMap((line) => {
    const [, path, major = '', minor = '', mode = ''] =
      /^(\S+) ([0-9a-f]+) ([0-9a-f]+) ([0-7]+) character special file$/.exec(line) ?? [];
    if (path === undefined) return [];
    const hex = (digits: string) => Number.parseInt(digits, 16);
    return [{ path, major: hex(major), minor: hex(minor), mode: Number.parseInt(mode, 8) }];
  });
}

/** A user of a container is nobody in particular on the machine, root included: what not all may use, it may not. */
export const usable = ({ mode }: DeviceNode): boolean => (mode & 0o006) === 0o006;

const distinct = (items: readonly string[]): string[] => [...new Set(items)];
