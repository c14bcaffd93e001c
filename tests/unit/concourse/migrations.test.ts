import { expect, test } from 'vitest';

import {
  currentSchema,
  migrateTo,
  parseSchema,
  schemaStep,
  supportedSchema,
} from '../../../src/concourse/migrations.ts';
import { web } from './settings.ts';

const RELEASE = '/var/lib/concourse/releases/8.2.0';

test('the supported schema is asked of the release alone', () => {
  expect(supportedSchema(RELEASE)).toEqual({
    command: `${RELEASE}/bin/concourse`,
    args: ['migrate', '--supported-db-version'],
    env: {},
  });
});

test('the password of the database is in the environment and never in the arguments', () => {
  for (const { args, env } of [
    currentSchema(RELEASE, web.postgres),
    migrateTo(RELEASE, 1771492499, web.postgres),
  ]) {
    expect(env).toMatchObject({ CONCOURSE_POSTGRES_PASSWORD: 'p$w"d', CONCOURSE_POSTGRES_DATABASE: 'atc' });
    expect(args.join(' ')).not.toContain('p$w');
  }
  const key = { CONCOURSE_ENCRYPTION_KEY: 'k' };
  expect(migrateTo(RELEASE, 1771492499, web.postgres, key)).toMatchObject({
    args: ['migrate', '--migrate-db-to-version=1771492499'],
    env: key,
  });
});

test.each([
  ['a number', { code: 0, stdout: '1776182280\n' }, 1776182280],
  ['log lines before it', { code: 0, stdout: '{"level":"info"}\n1771492499\n' }, 1771492499],
  ['an empty database', { code: 0, stdout: '0\n' }, 0],
  ['nothing', { code: 0, stdout: '' }, undefined],
  ['words', { code: 0, stdout: 'usage\n' }, undefined],
  ['a failure', { code: 1, stdout: '1776182280\n' }, undefined],
])('of %s the schema is read', (_, result, schema) => {
  expect(parseSchema(result)).toBe(schema);
});

test('the database goes up, down, or stays', () => {
  expect([schemaStep(1, 2), schemaStep(2, 1), schemaStep(2, 2)]).toEqual(['up', 'down', 'none']);
});
