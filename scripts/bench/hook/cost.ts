// What one process and all that it waits for costs: wall, CPU, memory; by run-measured.pl, which says why.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Cost {
  wallMs: number;
  /** User and system, of the whole tree. */
  cpuMs: number;
  /** Of the largest process in it. */
  peakBytes: number;
}

export interface Command {
  program: string;
  args?: readonly string[];
  cwd: string;
  /** All of it: nothing is inherited. */
  env: Readonly<Record<string, string>>;
}

const script = join(import.meta.dirname, 'run-measured.pl');
/** Of the system call wait4, by the kernel's tables. */
const wait4: Partial<Record<NodeJS.Architecture, number>> = { x64: 61, arm64: 260 };

/** Rejects when the program did not end with 0, with what it printed. */
export async function costOf({ program, args = [], cwd, env }: Command): Promise<Cost> {
  const child = spawn('perl', [script, String(wait4[process.arch]), program, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, stdout, stderr, measured] = child.stdio;
  if (!stdout || !stderr || !measured || !('readable' in measured)) throw new Error('perl has no pipes');
  const [out, err, line] = await Promise.all([
    text(stdout),
    text(stderr),
    text(measured),
    once(child, 'close'),
  ]);
  const cost = parseCost(line);
  if (cost?.status === 0) return { wallMs: cost.wallMs, cpuMs: cost.cpuMs, peakBytes: cost.peakBytes };
  throw new Error(`${program} failed (wait status ${cost?.status ?? 'unknown'}):\n${out}${err}`);
}

/** The line of run-measured.pl. */
export function parseCost(line: string): (Cost & { status: number }) | undefined {
  const numbers = line.trim().split(' ').map(Number);
  const [wall, cpu, peak, status] = numbers;
  if (numbers.length !== 4 || numbers.some(Number.isNaN)) return undefined;
  if (wall === undefined || cpu === undefined || peak === undefined || status === undefined) return undefined;
  return { wallMs: wall * 1000, cpuMs: cpu * 1000, peakBytes: peak * 1024, status };
}
