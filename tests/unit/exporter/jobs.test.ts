// What is told of jobs: names, labels and values as dashboards for other charms for Concourse expect them, as text that Prometheus
// reads, whatever people call their jobs.
import { describe, expect, test } from 'vitest';
import { countOf, jobFamilies, jobsAtMost, type ListedJob, parseJobs } from '../../../src/exporter/jobs.ts';
import { exposition } from '../../../src/exporter/text.ts';

const job = (differing: Partial<ListedJob> = {}): ListedJob => ({
  name: 'unit',
  team_name: 'main',
  pipeline_name: 'app',
  ...differing,
});
const lines = (...jobs: ListedJob[]) =>
  exposition(jobFamilies(jobs, 1))
    .split('\n')
    .filter((line) => line.startsWith('concourse_job_'));

describe('the last build', () => {
  test.each([
    ['succeeded', 1],
    ['failed', 0],
    ['errored', -1],
    ['aborted', -2],
  ])('%s is %i, with its duration and its end', (status, value) => {
    const finished_build = { status, start_time: 1000, end_time: 1060 };
    expect(lines(job({ finished_build, next_build: { status: 'started' } }))).toEqual([
      `concourse_job_last_build_status{team="main",pipeline="app",job="unit"} ${value}`,
      `concourse_job_last_build_duration_seconds{team="main",pipeline="app",job="unit",status="${status}"} 60`,
      `concourse_job_last_build_timestamp{team="main",pipeline="app",job="unit",status="${status}"} 1060`,
    ]);
  });

  test.each([
    ['started', -3],
    ['pending', -4],
  ])('where none has ended, %s is %i', (status, value) => {
    expect(lines(job({ finished_build: null, next_build: { status } }))).toEqual([
      `concourse_job_last_build_status{team="main",pipeline="app",job="unit"} ${value}`,
    ]);
  });

  test('a job that was never triggered is pending', () => {
    expect(lines(job())).toEqual([
      'concourse_job_last_build_status{team="main",pipeline="app",job="unit"} -4',
    ]);
  });

  test('one that was aborted before it began has no duration', () => {
    expect(lines(job({ finished_build: { status: 'aborted', end_time: 5 } }))).toHaveLength(2);
  });

  test('a status that is not known is not told', () => {
    expect(lines(job({ finished_build: { status: 'paused' } }))).toEqual([]);
  });
});

test('instances of a pipeline are told apart', () => {
  const instance = (branch: string) => job({ pipeline_instance_vars: { branch, n: { a: 1 } } });
  const pipelines = lines(instance('main'), instance('dev')).map(
    (line) => /pipeline="(.*?[^\\])"/.exec(line)?.[1],
  );
  expect(pipelines).toEqual(['app/branch:main,n:{\\"a\\":1}', 'app/branch:dev,n:{\\"a\\":1}']);
});

test('names with quotes, backslashes and newlines stay within their label', () => {
  expect(lines(job({ name: 'a"b\\c\nd' }))).toEqual([
    'concourse_job_last_build_status{team="main",pipeline="app",job="a\\"b\\\\c\\nd"} -4',
  ]);
});

test('the number of jobs that are told has a limit, and what is left out is counted', () => {
  const jobs = Array.from({ length: jobsAtMost + 3 }, (_, index) => job({ name: `job-${index}` }));
  const text = exposition(jobFamilies(jobs, 7));
  expect(text.match(/^concourse_job_last_build_status\{/gm)).toHaveLength(jobsAtMost);
  expect(text).toContain('\nconcourse_exporter_jobs_left_out 3\n');
  expect(text).toContain(`\nconcourse_jobs_total ${jobsAtMost + 3}\n`);
  expect(text).toContain('\nconcourse_pipelines_total 7\n');
});

test('an unreadable job hides no other, and what is no list is none', () => {
  expect(parseJobs([{ name: 1 }, job()])).toEqual([job()]);
  expect(parseJobs(null)).toEqual([]);
  expect(parseJobs('not JSON')).toBeUndefined();
  expect(countOf(null)).toBe(0);
  expect(countOf({})).toBeUndefined();
});
