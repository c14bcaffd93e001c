// The charm's own figures: hooks add them to a file under /run, and the exporter reads it. Counters begin anew with each boot,
// as Prometheus expects of counters.
import { parseJson } from '../json.ts';
import path from 'node:path';
import { z } from 'zod';
import type { Family, Sample } from '../exporter/text.ts';
import { folderOfUnit } from '../storage/layout.ts';

const figuresSchema = z.object({
  hooks: z.object({ ok: z.number(), failed: z.number() }),
  seconds: z.number(),
  toolCalls: z.number(),
  last: z.object({ seconds: z.number(), toolCalls: z.number(), endedAt: z.number() }),
  situation: z.object({
    phase: z.string(),
    target: z.string(),
    installed: z.string(),
    running: z.string(),
    /** The unit that held the install lock when the hook looked; '' for nobody. */
    holder: z.string(),
  }),
});
export type Figures = z.infer<typeof figuresSchema>;
export type Situation = Figures['situation'];

/** Not in the folder of notes, which is root's alone: who serves them is not root. */
export const figuresPath = (run: string, unit: string): string =>
  path.join(run, 'concourse-ci-figures', `${folderOfUnit(unit)}.json`);

const unknown: Situation = { phase: 'none', target: '', installed: '', running: '', holder: '' };

/** One hook, as it ended. */
export interface HookRun {
  ok: boolean;
  seconds: number;
  toolCalls: number;
  /** Unix time, s. */
  endedAt: number;
}

/** The file's next text. One that cannot be read begins anew. `situation`: undefined where the hook failed before it knew. */
export function addHook(text: string | undefined, run: HookRun, situation: Situation | undefined): string {
  const before = parseJson(figuresSchema, text);
  const next: Figures = {
    hooks: {
      ok: (before?.hooks.ok ?? 0) + (run.ok ? 1 : 0),
      failed: (before?.hooks.failed ?? 0) + (run.ok ? 0 : 1),
    },
    seconds: (before?.seconds ?? 0) + run.seconds,
    toolCalls: (before?.toolCalls ?? 0) + run.toolCalls,
    last: { seconds: run.seconds, toolCalls: run.toolCalls, endedAt: run.endedAt },
    situation: situation ?? before?.situation ?? unknown,
  };
  return JSON.stringify(next);
}

const phases = ['none', 'prepare', 'complete'];

/** As metrics; nothing before the first hook. */
export function figureFamilies(text: string | undefined): Family[] {
  const figures = parseJson(figuresSchema, text);
  if (figures === undefined) return [];
  const { hooks, seconds, toolCalls, last, situation } = figures;
  const { phase, holder, ...versions } = situation;
  const family = (
    name: string,
    type: Family['type'],
    help: string,
    ...samples: readonly Sample[]
  ): Family => ({ name: `concourse_charm_${name}`, type, help, samples });
  return [
    family(
      'hooks_total',
      'counter',
      'Hooks of this unit since the machine started',
      { labels: { result: 'ok' }, value: hooks.ok },
      { labels: { result: 'failed' }, value: hooks.failed },
    ),
    family(
      'hook_duration_seconds',
      'summary',
      'How long they took',
      { suffix: '_sum', value: seconds },
      { suffix: '_count', value: hooks.ok + hooks.failed },
    ),
    family('hook_tool_calls_total', 'counter', 'Calls of hook tools', { value: toolCalls }),
    family('last_hook_duration_seconds', 'gauge', 'How long the last one took', { value: last.seconds }),
    family('last_hook_tool_calls', 'gauge', 'Its calls of hook tools', { value: last.toolCalls }),
    family('last_hook_timestamp_seconds', 'gauge', 'When it ended, Unix time', { value: last.endedAt }),
    family(
      'upgrade_phase',
      'gauge',
      'The phase of the upgrade, as the last hook saw it',
      ...phases.map((name) => ({ labels: { phase: name }, value: name === phase ? 1 : 0 })),
    ),
    family('version_info', 'gauge', 'Versions of Concourse, as the last hook saw them', {
      labels: versions,
      value: 1,
    }),
    family('install_lock_held', 'gauge', 'Whether the install lock was held when a hook last looked', {
      labels: { holder },
      value: holder === '' ? 0 : 1,
    }),
  ];
}
