// The exporter as it runs: the charm's executable, as the plan of its service starts it, beside a stand-in for Concourse's web
// on loopback.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  keyPair,
  type Program,
  Stage,
  unpackedRelease,
} from '../../../lib/concourse-stand-in/tests/programs.ts';
import { EXPORTER_PORT, exporterService } from '../../../src/concourse/exporter.ts';
import { parseEnvironmentFile } from '../../../src/concourse/environment-file.ts';
import { parsePostgresUri } from '../../../src/concourse/postgres.ts';
import type { PlannedService } from '../../../src/concourse/service.ts';
import { webService } from '../../../src/concourse/web.ts';
import { addHook } from '../../../src/observability/figures.ts';
import { planOf, settingsOf, web } from '../concourse/settings.ts';

const webAddress = '127.0.20.8';
const address = '127.0.20.9';
const root = join(import.meta.dirname, '../../..');
const admin = { user: 'admin', password: 's3cret-of-the-admin' };

let releases: Stage;
let release: string;
let stage: Stage;

beforeAll(async () => {
  releases = new Stage();
  release = await unpackedRelease(releases.directory, { version: '8.2.0' });
});
afterAll(() => releases.close());
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

function written(planned: PlannedService) {
  const plan = planOf(planned);
  for (const { path, content, mode } of plan.files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
  }
  return { plan, environment: parseEnvironmentFile(plan.files[0]?.content ?? '') };
}

function startWeb(jobs: object[]): Program {
  const key = keyPair().privatePem;
  const database = `postgresql://ci:x@/atc?host=${encodeURIComponent(stage.path('database'))}`;
  const parsed = parsePostgresUri(database);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  const { plan, environment } = written(
    webService({
      ...web,
      release,
      etc: stage.path('etc'),
      defaults: stage.path('default'),
      address: webAddress,
      user: undefined,
      postgres: parsed.connection,
      admin,
      keys: { tsaHostPem: key, sessionSigningPem: key },
      authorizedKeysPath: stage.write('authorized', ''),
    }),
  );
  const [program = '', ...args] = (settingsOf(plan.unit, 'ExecStart')[0] ?? '').split(' ');
  const CONCOURSE_STAND_IN_JOBS = stage.write('jobs.json', JSON.stringify(jobs));
  return stage.start(program, args, { ...environment, CONCOURSE_STAND_IN_JOBS });
}

/** The same arguments as the service's, for the source instead of the packed charm. */
function startExporter(): Program {
  const { plan, environment } = written(
    exporterService({
      unit: 'concourse-ci/0',
      charm: '/charm',
      revision: '7',
      etc: stage.path('etc'),
      address,
      url: `http://${webAddress}:8080`,
      admin,
      figures: stage.path('figures.json'),
    }),
  );
  const command = (settingsOf(plan.unit, 'ExecStart')[0] ?? '').split(' ');
  expect(command.slice(0, 3)).toEqual([
    '/charm/bin/node',
    '--max-old-space-size=128',
    '/charm/lib/charm.mjs',
  ]);
  return stage.start(
    process.execPath,
    ['--max-old-space-size=128', join(root, 'charm.ts'), ...command.slice(3)],
    environment,
  );
}

const scrape = async () => (await fetch(`http://${address}:${EXPORTER_PORT}/metrics`)).text();
const samples = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('jobs of every team and the charm’s own figures are scraped', async () => {
  const build = { status: 'failed', start_time: 1000, end_time: 1030 };
  await startWeb([
    { name: 'unit', team_name: 'main', pipeline_name: 'app', finished_build: build },
    { name: 'deploy', team_name: 'ops', pipeline_name: 'prod', next_build: { status: 'started' } },
  ]).said('atc.listening');
  const situation = {
    phase: 'prepare',
    target: '8.3.0',
    installed: '8.2.0',
    running: '8.2.0',
    holder: 'concourse-ci/0',
  };
  stage.write(
    'figures.json',
    addHook(undefined, { ok: true, seconds: 0.25, toolCalls: 9, endedAt: 5 }, situation),
  );
  const program = startExporter();
  await program.said('web lists its jobs');
  const told = samples(await scrape());
  expect(told).toEqual(
    expect.arrayContaining([
      'concourse_job_last_build_status{team="main",pipeline="app",job="unit"} 0',
      'concourse_job_last_build_duration_seconds{team="main",pipeline="app",job="unit",status="failed"} 30',
      'concourse_job_last_build_status{team="ops",pipeline="prod",job="deploy"} -3',
      'concourse_pipelines_total 2',
      'concourse_jobs_total 2',
      'concourse_exporter_info{version="7"} 1',
      'concourse_exporter_up 1',
      'concourse_charm_hooks_total{result="ok"} 1',
      'concourse_charm_hook_duration_seconds_sum 0.25',
      'concourse_charm_hook_tool_calls_total 9',
      'concourse_charm_upgrade_phase{phase="prepare"} 1',
      'concourse_charm_upgrade_phase{phase="complete"} 0',
      'concourse_charm_version_info{target="8.3.0",installed="8.2.0",running="8.2.0"} 1',
      'concourse_charm_install_lock_held{holder="concourse-ci/0"} 1',
    ]),
  );
  expect(new Set(told.map((line) => line.replace(/ \S+$/, ''))).size).toBe(told.length);
  expect(program.lines.join('\n')).not.toContain(admin.password);
  expect((await fetch(`http://${address}:${EXPORTER_PORT}/`)).status).toBe(404);
  expect((await fetch(`http://${address}:${EXPORTER_PORT}/metrics`, { method: 'POST' })).status).toBe(405);
  expect(await program.stop()).toBe(0);
});

test('without a web it answers at once, and tells of no job; soon after web has come, it does', async () => {
  const program = startExporter();
  await program.said('web gave no token');
  const told = samples(await scrape());
  expect(told).toContain('concourse_exporter_up 0');
  expect(told.filter((line) => line.startsWith('concourse_job'))).toEqual([]);
  await startWeb([]).said('atc.listening');
  await program.said('web lists its jobs');
  expect(await program.stop()).toBe(0);
});
