// A failing history as a file: the plan and what it breaks, so that a test repeats it for ever.
import { z } from 'zod';
import type { Plan } from './plan.ts';
import type { Outcome } from './simulate.ts';

const plan = z.custom<Plan>(
  (value) => typeof value === 'object' && value !== null && 'settings' in value && 'faults' in value,
);
const schema = z.object({
  /** What it broke before it was mended. */
  broke: z.string(),
  /** The deliberate defect that puts it back: see mutations.ts. */
  mutation: z.string().optional(),
  /** The commit on which it did. */
  commit: z.string(),
  plan,
});

export function historyOf(
  found: Plan,
  outcome: Pick<Outcome, 'violation'>,
  about: { commit: string; mutation?: string | undefined },
): string {
  return `${JSON.stringify({ broke: outcome.violation ?? '', ...about, plan: found }, undefined, 1)}\n`;
}

export function parseHistory(text: string): z.infer<typeof schema> {
  return schema.parse(JSON.parse(text));
}
