// From samples to what is said of them: medians, ratios, goals, a table.
import { median } from '../measure.ts';
import type { Plot } from '../plot.ts';
import type { Sample } from './unit-tools.ts';

/** A case's name → what each round found. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

export interface Row {
  name: string;
  wallMs: number;
  cpuMs: number;
  peakBytes: number;
  tools: number;
  /** Which, in the order of the last round. */
  toolNames: readonly string[];
  hostCommands: number;
  /** Wall time by that of bare Node in the same rounds. */
  toNode: number;
}

export interface HookResult {
  rows: Row[];
  ratios: Record<string, number>;
  goals: Record<string, boolean>;
}

export const cases = {
  node: 'node: an empty module',
  quiet: 'worker: another worker changed',
  worker: 'worker: update-status',
  workerWhole: 'worker: update-status, once an hour',
  workerConfig: 'worker: config-changed',
  web: 'web: update-status',
  webWhole: 'web: update-status, once an hour',
  webConfig: 'web: config-changed',
  manyNode: 'node: an empty module, later',
  manyQuiet: 'worker of 50: another worker changed',
  manyWorker: 'worker of 50: update-status',
  manyWeb: 'web of 50: update-status',
  manyWebWhole: 'web of 50: update-status, once an hour',
  pythonStatus: 'Python hello: update-status',
  pythonConfig: 'Python hello: config-changed',
  pythonChanged: 'Python hello: relation-changed',
} as const;

/** Throws when a case that is always measured is not there; Python's may lack. */
export function resultOf(samples: Samples): HookResult {
  const rows = [...samples].map(([name, each]) => rowOf(name, each, samples));
  const find = (name: string) => rows.find((row) => row.name === name);
  const get = (name: string): Row => {
    const row = find(name);
    if (row === undefined) throw new Error(`${name} was not measured`);
    return row;
  };
  const [quiet, worker, web] = [get(cases.quiet), get(cases.worker), get(cases.web)];
  const [manyQuiet, manyWorker, manyWeb] = [get(cases.manyQuiet), get(cases.manyWorker), get(cases.manyWeb)];
  const python = find(cases.pythonStatus);
  const ratios: Record<string, number> = {
    'quiet event to bare Node': quiet.toNode,
    'worker of 50 to worker of 3, update-status': rounded(manyWorker.toNode / worker.toNode),
    'web of 50 to web of 3, update-status': rounded(manyWeb.toNode / web.toNode),
  };
  const goals: Record<string, boolean> = {
    'a quiet event calls no hook tool': quiet.tools === 0 && manyQuiet.tools === 0,
    'a quiet event takes at most 1.3 × the start of bare Node': quiet.toNode <= 1.3,
    'update-status of a worker calls at most 6 hook tools': worker.tools <= 6,
    'update-status of web calls at most 6 hook tools': web.tools <= 6,
    'a worker of 50 calls as many hook tools as one of 3': manyWorker.tools === worker.tools,
  };
  if (python !== undefined) {
    for (const [who, row] of [['worker', worker] as const, ['web', web] as const]) {
      const ratio = rounded(row.wallMs / python.wallMs);
      ratios[`${who} to Python hello, update-status`] = ratio;
      goals[
        `update-status of ${who === 'web' ? 'web' : 'a worker'} takes at most half as long as Python’s hello`
      ] = ratio <= 0.5;
    }
    ratios['quiet event to Python hello, relation-changed'] = rounded(
      quiet.wallMs / get(cases.pythonChanged).wallMs,
    );
    ratios['worker to Python hello, CPU of update-status'] = rounded(worker.cpuMs / python.cpuMs);
  }
  return { rows, ratios, goals };
}

function rowOf(name: string, each: readonly Sample[], samples: Samples): Row {
  const wallMs = median(each.map((sample) => sample.wallMs));
  // Machines slow down and recover: the units of 50 have a bare Node of their own rounds.
  const node = samples.get(/ of 50:|, later/.test(name) ? cases.manyNode : cases.node) ?? each;
  return {
    name,
    wallMs: rounded(wallMs),
    cpuMs: rounded(median(each.map(({ cpuMs }) => cpuMs))),
    peakBytes: Math.max(...each.map(({ peakBytes }) => peakBytes)),
    tools: median(each.map(({ tools }) => tools.length)),
    toolNames: each.at(-1)?.tools ?? [],
    hostCommands: median(each.map(({ hostCommands }) => hostCommands)),
    toNode: rounded(wallMs / median(node.map((sample) => sample.wallMs))),
  };
}

export function tableOf({ rows }: HookResult): string[][] {
  const head = ['', 'wall', '× bare Node', 'CPU', 'memory', 'hook tools', 'systemctl'];
  return [
    head,
    ...rows.map(({ name, wallMs, toNode, cpuMs, peakBytes, tools, hostCommands }) => [
      name,
      `${wallMs.toFixed(0)} ms`,
      toNode.toFixed(2),
      `${cpuMs.toFixed(0)} ms`,
      `${(peakBytes / 1e6).toFixed(0)} MB`,
      String(tools),
      String(hostCommands),
    ]),
  ];
}

/** A bar for each case: ours, Python's, and bare Node's. */
export function plotOf({ rows }: HookResult): Plot {
  const tone = (name: string) => (name.startsWith('Python') ? 2 : name.startsWith('node') ? 1 : 0);
  return {
    title: 'What a hook takes, tools included',
    unit: 'ms',
    bars: rows.map(({ name, wallMs }) => ({ label: name, value: wallMs, tone: tone(name) })),
  };
}

const rounded = (number: number): number => Math.round(number * 100) / 100;
