// What Concourse's API says of jobs, as metrics with the names, labels and values of the exporter that other charms for Concourse
// bring, so that dashboards made for it go on working.
import { z } from 'zod';
import type { Family, Sample } from './text.ts';

const build = z.object({
  status: z.string(),
  start_time: z.number().optional(),
  end_time: z.number().optional(),
});
const jobSchema = z.object({
  name: z.string(),
  team_name: z.string(),
  pipeline_name: z.string(),
  pipeline_instance_vars: z.record(z.string(), z.unknown()).nullish(),
  finished_build: build.nullish(),
  next_build: build.nullish(),
});
export type ListedJob = z.infer<typeof jobSchema>;

/** Undefined when it is not a list. A job that cannot be read hides no other. */
export function parseJobs(body: unknown): ListedJob[] | undefined {
  const list = z.array(z.unknown()).safeParse(body ?? []).data;
  return list?.flatMap((job) => jobSchema.safeParse(job).data ?? []);
}

/** Of a list of pipelines only its length is of interest; `null` is an empty one. */
export const countOf = (body: unknown): number | undefined =>
  z.array(z.unknown()).safeParse(body ?? []).data?.length;

/** A running build counts only where none has ended. Anything else is not known, and not told. */
const statusValues: Readonly<Record<string, number>> = {
  succeeded: 1,
  failed: 0,
  errored: -1,
  aborted: -2,
  started: -3,
  pending: -4,
};

/** Beyond it, jobs are left out and counted: a scrape is bounded, whatever the number of pipelines. */
export const jobsAtMost = 10_000;

export function jobFamilies(jobs: readonly ListedJob[], pipelines: number): Family[] {
  const told = jobs.slice(0, jobsAtMost);
  const status: Sample[] = [];
  const duration: Sample[] = [];
  const timestamp: Sample[] = [];
  for (const job of told) {
    const labels = { team: job.team_name, pipeline: pipelineOf(job), job: job.name };
    const last = job.finished_build ?? job.next_build ?? { status: 'pending' };
    const value = statusValues[last.status];
    if (value !== undefined) status.push({ labels, value });
    if (job.finished_build == null) continue;
    const { start_time: start, end_time: end, status: word } = job.finished_build;
    // Aborted before it began, a build has no start.
    if (start && end) duration.push({ labels: { ...labels, status: word }, value: end - start });
    if (end) timestamp.push({ labels: { ...labels, status: word }, value: end });
  }
  const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name,
    type: 'gauge',
    help,
    samples,
  });
  return [
    gauge(
      'concourse_job_last_build_status',
      'Last build of a job: 1 succeeded, 0 failed, -1 errored, -2 aborted; where none has ended: -3 started, -4 pending',
      status,
    ),
    gauge('concourse_job_last_build_duration_seconds', 'How long the last build that ended took', duration),
    gauge('concourse_job_last_build_timestamp', 'When the last build that ended did, Unix time', timestamp),
    gauge('concourse_pipelines_total', 'Number of pipelines', [{ value: pipelines }]),
    gauge('concourse_jobs_total', 'Number of jobs', [{ value: jobs.length }]),
    gauge('concourse_exporter_jobs_left_out', 'Jobs beyond the number that is told', [
      { value: jobs.length - told.length },
    ]),
  ];
}

/** Instances of one pipeline share its name: without their variables the same series would be there twice. */
function pipelineOf({ pipeline_name, pipeline_instance_vars: vars }: ListedJob): string {
  const named = Object.entries(vars ?? {}).map(
    ([name, value]) => `${name}:${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return named.length === 0 ? pipeline_name : `${pipeline_name}/${named.sort().join(',')}`;
}
