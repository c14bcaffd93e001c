// The Terraform module parses, is formatted, says what its README says, and names no option, value or endpoint that the charm
// does not have.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@cdktn/hcl2json';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { definition } from '../../../src/definition.ts';
import { root } from '../tidy/sources.ts';

const folder = join(root, 'terraform');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const parsed = (name: string) => parse(name, read(name));

/** Blocks of a kind, by their labels. */
const blocks = z.record(z.string(), z.array(z.looseObject({})));
const main = z.looseObject({
  resource: z.object({
    juju_application: z.record(z.string(), z.array(z.looseObject({ config: z.string() }))),
    juju_integration: z.record(
      z.string(),
      z.array(z.looseObject({ application: z.array(z.object({ name: z.string(), endpoint: z.string() })) })),
    ),
  }),
  locals: z.array(z.object({ neighbours: z.string() })),
});

const { options, requires, provides } = definition.declared;
const endpoints = { ...requires, ...provides };

describe('the module', () => {
  test('sets options that there are', async () => {
    const { resource } = main.parse(await parsed('main.tf'));
    const set = Object.values(resource.juju_application)
      .flat()
      .flatMap(({ config }) =>
        [...config.matchAll(/^\s*"?([a-z][a-z-]+)"?\s*= /gm)].map(([, name = '']) => name),
      );
    expect(set).toEqual(['shared-storage', 'enable-metrics', 'mode']);
    expect(set.filter((name) => !(name in options))).toEqual([]);
  });

  test('integrates endpoints that there are, each with the role that it has', async () => {
    const { resource, locals } = main.parse(await parsed('main.tf'));
    const workers = (resource.juju_integration.workers ?? []).flatMap(({ application }) => application);
    expect(workers.map(({ endpoint }) => endpoint)).toEqual(['tsa', 'flight']);
    const text = locals[0]?.neighbours ?? '';
    const named = [...text.matchAll(/^\s*([a-z-]+)\s*= var\.([a-z]+)$/gm)].map(
      ([, endpoint = '']) => endpoint,
    );
    expect(named).toEqual(['postgresql', 'filesystem', 'ingress', 'certificates', 'cos-agent']);
    for (const endpoint of [...named, 'tsa', 'flight']) expect(Object.keys(endpoints)).toContain(endpoint);
  });

  test('its outputs name every endpoint of the charm', async () => {
    const outputs = z
      .object({ output: z.record(z.string(), z.array(z.object({ value: z.unknown() }))) })
      .parse(await parsed('outputs.tf')).output;
    const told = (name: string) =>
      Object.values(z.record(z.string(), z.string()).parse(outputs[name]?.[0]?.value));
    expect(told('provides').sort()).toEqual(Object.keys(provides ?? {}).sort());
    expect(told('requires').sort()).toEqual(Object.keys(requires ?? {}).sort());
  });

  test('README has each of its inputs', async () => {
    const { variable } = z.object({ variable: blocks }).parse(await parsed('variables.tf'));
    const rows = read('README.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const told = rows.flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    expect(told.sort()).toEqual(Object.keys(variable).sort());
  });

  test('README’s example parses, and sets what there is', async () => {
    const [, example = ''] = /```hcl\n(.*?)```/s.exec(read('README.md')) ?? [];
    const { module } = z
      .object({
        module: z.object({ concourse: z.array(z.looseObject({ config: z.record(z.string(), z.string()) })) }),
      })
      .parse(await parse('example.tf', example));
    const { variable } = z.object({ variable: blocks }).parse(await parsed('variables.tf'));
    const [call] = module.concourse;
    const inputs = Object.keys(call ?? {}).filter((name) => name !== 'source');
    expect(inputs.filter((name) => !(name in variable))).toEqual([]);
    expect(Object.keys(call?.config ?? {}).filter((name) => !(name in options))).toEqual([]);
  });

  // Where there is Terraform; without the provider, which no registry of ours has, it can say no more.
  const terraform = spawnSync('terraform', ['version']).status === 0;
  test.skipIf(!terraform)('is formatted as terraform fmt does it', () => {
    const { stdout } = spawnSync('terraform', ['fmt', '-check', '-diff', folder], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});
