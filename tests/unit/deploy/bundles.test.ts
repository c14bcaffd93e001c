// The bundles deploy: every application, option and relation of them is taken by a fake Juju with the charm's own definition.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { World } from '../docs/commands/world.ts';
import { root } from '../tidy/sources.ts';

const bundle = z.strictObject({
  'default-base': z.string(),
  applications: z.record(
    z.string(),
    z.strictObject({
      charm: z.string(),
      channel: z.string().optional(),
      num_units: z.number().int().optional(),
      constraints: z.string().optional(),
      options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
    }),
  ),
  relations: z.array(z.tuple([z.string(), z.string()])),
});

const folder = join(root, 'bundles');
const bundles = readdirSync(folder);

test('there are two', () => expect(bundles.sort()).toEqual(['scale.yaml', 'single.yaml']));

describe.each(bundles)('%s', (name) => {
  const { applications, relations } = bundle.parse(parse(readFileSync(join(folder, name), 'utf8')));

  test('is deployed, configured and integrated', async () => {
    const world = new World(folder);
    for (const [application, { charm, num_units, options }] of Object.entries(applications)) {
      const config = Object.entries(options).flatMap(([key, value]) => ['--config', `${key}=${value}`]);
      const words = ['deploy', charm, application, ...config, '-n', String(num_units ?? 1)];
      expect(await world.refused(words), words.join(' ')).toBeUndefined();
    }
    for (const [one, other] of relations) {
      expect(await world.refused(['integrate', one, other]), `${one} ${other}`).toBeUndefined();
    }
  });

  test('relates nothing but what it deploys', () => {
    const named = relations.flat().map((end) => end.split(':')[0] ?? '');
    expect(named.filter((application) => !(application in applications))).toEqual([]);
  });
});
