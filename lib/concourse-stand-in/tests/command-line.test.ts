// The stand-in's commands that end by themselves.
import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { run, Stage, unpackedRelease } from './programs.ts';

let stage: Stage;
const concourse: Record<string, string> = {};
beforeAll(async () => {
  stage = new Stage();
  for (const version of ['8.1.0', '8.2.0'])
    concourse[version] = `${await unpackedRelease(stage.directory, { version })}/bin/concourse`;
});
afterAll(() => stage.close());

const call = (version: string, args: string, env = {}) =>
  run(concourse[version] ?? '', args.split(' '), {
    CONCOURSE_POSTGRES_USER: 'concourse',
    CONCOURSE_STAND_IN_DB: stage.path('database'),
    ...env,
  });

test('--version says the version and nothing else', async () => {
  expect((await call('8.2.0', '--version')).stdout).toBe('8.2.0\n');
});

test.each(['--version', 'web', 'worker', 'migrate --supported-db-version', 'generate-key -t rsa -f key'])(
  '%s panics where CONCOURSE_VERSION is set',
  async (args) => {
    const { code, stderr } = await call('8.2.0', args, { CONCOURSE_VERSION: '8.2.0' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^panic: /);
  },
);

test.each(['web', 'worker'])('%s --help names settings, and ends with 1', async (command) => {
  const { code, stdout, stderr } = await call('8.2.0', `${command} --help`);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^ {6}--log-level= +Sets it\.\n/m);
});

test('each release names the schema that it brings', async () => {
  expect((await call('8.1.0', 'migrate --supported-db-version')).stdout).toBe('1771492499\n');
  expect((await call('8.2.0', 'migrate --supported-db-version')).stdout).toBe('1776182280\n');
});

test('a newer release takes the schema up and down; an older one knows no newer schema', async () => {
  expect((await call('8.2.0', 'migrate --current-db-version')).stdout).toBe('0\n');
  expect((await call('8.2.0', 'migrate --migrate-to-latest-version')).code).toBe(0);
  const refused = await call('8.1.0', 'migrate --migrate-db-to-version=1776182280');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('file does not exist');
  expect((await call('8.2.0', 'migrate --migrate-db-to-version=1771492499')).code).toBe(0);
  expect((await call('8.1.0', 'migrate --current-db-version')).stdout).toBe('1771492499\n');
});

test('generate-key makes keys that can be read', async () => {
  expect((await call('8.2.0', `generate-key -t ssh -b 2048 -f ${stage.path('key')}`)).code).toBe(0);
  expect(createPrivateKey(readFileSync(stage.path('key'))).asymmetricKeyType).toBe('rsa');
  expect(readFileSync(stage.path('key.pub'), 'utf8')).toMatch(/^ssh-rsa AAAAB3NzaC1yc2E[A-Za-z0-9+/=]+ \n$/);
});

test.each([
  ['web', {}, "the required flag `--tsa-host-key' was not specified"],
  ['worker', {}, "the required flag `--work-dir' was not specified"],
  [
    'worker',
    { CONCOURSE_WORK_DIR: '/nowhere', CONCOURSE_GARDEN_ALLOW_HOST_ACCESS: 'true' },
    'cannot use CONCOURSE_GARDEN_ environment variables with Containerd',
  ],
  ['nonsense', {}, 'Unknown command'],
])('%s with %j ends with 1 and says why', async (args, env, reason) => {
  const { code, stderr } = await call('8.2.0', args, env);
  expect(code).toBe(1);
  expect(stderr).toContain(`error: ${reason}`);
});
