// What all benches share: whole processes measured side by side, in turns, so that whatever disturbs the machine disturbs all of them alike.
import { spawn } from 'node:child_process';
import { arch, cpus, loadavg, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';

export interface Way {
  name: string;
  /** For bash, with `set -e` and pipefail. Its last line, where it is JSON with `memoryBytes`, tells its peak memory. */
  script: string;
  /** Before each measurement, not counted. */
  prepare?: () => Promise<void>;
}

export interface Figures {
  /** Wall-clock time of the whole process, ms, of each round. */
  ms: number[];
  medianMs: number;
  /** The highest of all rounds; undefined where the way does not tell. */
  memoryBytes: number | undefined;
}

/** Each way once, then each once more, and so on. Throws when one fails. */
export async function sideBySide(
  ways: readonly Way[],
  rounds: number,
  tell: (text: string) => void,
): Promise<Map<string, Figures>> {
  const figures = new Map<string, Figures>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, script, prepare } of ways) {
      await prepare?.();
      const { ms, memoryBytes } = await measured(script);
      tell(`round ${round} of ${rounds}: ${name}: ${(ms / 1000).toFixed(2)} s`);
      const before = figures.get(name);
      const all = [...(before?.ms ?? []), ms];
      const most = Math.max(memoryBytes ?? 0, before?.memoryBytes ?? 0);
      figures.set(name, { ms: all, medianMs: median(all), memoryBytes: most === 0 ? undefined : most });
    }
  }
  return figures;
}

async function measured(script: string): Promise<{ ms: number; memoryBytes: number | undefined }> {
  const from = performance.now();
  const child = spawn('bash', ['-c', `set -e -o pipefail\n${script}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const ms = performance.now() - from;
  if (code !== 0) throw new Error(`exit ${code} of:\n${script}\n${stderr || stdout}`);
  const [, memory] = /"memoryBytes":([0-9]+)\}$/.exec(stdout.trim()) ?? [];
  return { ms, memoryBytes: memory === undefined ? undefined : Number(memory) };
}

/** The middle one; of an even number the mean of the middle two. Throws when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new Error('the median of nothing');
  return (upper + lower) / 2;
}

/** `900MB`, `1GB`, `230000000`: bytes. Undefined for anything else. */
export function bytesOf(text: string): number | undefined {
  const [, number, unit = ''] = /^([0-9]+)(kB|MB|GB)?$/.exec(text) ?? [];
  const factors: Record<string, number> = { '': 1, kB: 1e3, MB: 1e6, GB: 1e9 };
  return number === undefined ? undefined : Number(number) * (factors[unit] ?? 1);
}

const [loadBefore = 0] = loadavg();

/** The machine that figures are from, for people, and how busy others kept it when this began. */
export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 1e9)} GB, ${arch()}, Node ${process.versions.node}, load ${loadBefore.toFixed(1)} before`;
}
