// Which GPUs the options ask for, and what web and people are told of those that a worker has.
import { z } from 'zod';

export type ComputeRuntime = 'none' | 'cuda' | 'rocm';
export type GpuIds = 'all' | readonly number[];

export interface Gpus {
  runtime: 'cuda' | 'rocm';
  /** By the numbers of the vendor's tools, ascending. */
  ids: readonly number[];
}

/** `all`, or numbers as nvidia-smi and rocm-smi have them. */
export const gpuIdsSchema = z
  .string()
  .trim()
  .regex(/^(?:all|[0-9]{1,3}(?:\s*,\s*[0-9]{1,3})*)$/, 'all, or numbers of GPUs separated by commas')
  .transform(
    (text): GpuIds =>
      text === 'all' ? text : [...new Set(text.split(',').map(Number))].sort((a, b) => a - b),
  );

/** Concourse separates tags by commas, so each device has a tag of its own. */
export function gpuTags({ runtime, ids }: Gpus): string[] {
  return [runtime, 'gpu', `gpu-count=${ids.length}`, ...ids.map((id) => `gpu-devices=${id}`)];
}

/** `2x NVIDIA` */
export const gpuWords = ({ runtime, ids }: Gpus): string =>
  `${ids.length}x ${runtime === 'cuda' ? 'NVIDIA' : 'AMD'}`;
