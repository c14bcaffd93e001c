import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { action, charmFiles, defineCharm } from '../../src/index.ts';
import { definition } from './charm.ts';

describe('charmFiles', () => {
  it('says what the YAML files must say', () => {
    expect(charmFiles(definition)).toEqual({
      metadata: {
        name: 'app',
        summary: 'A charm for tests',
        description: 'Nothing to deploy.',
        assumes: ['juju >= 3.6'],
        peers: { peers: { interface: 'app_peers' } },
        requires: { db: { interface: 'postgresql_client', limit: 1, optional: true } },
        storage: {
          data: {
            type: 'filesystem',
            description: 'The volume.',
            location: '/srv/data',
            'minimum-size': '1G',
            multiple: { range: '0-1' },
          },
        },
        resources: { release: { type: 'file', filename: 'release.tgz', description: 'An archive.' } },
      },
      config: {
        options: {
          mode: { type: 'string', default: 'auto', description: 'Mode.' },
          'web-port': { type: 'int', default: 8080, description: 'Port.' },
          note: { type: 'string', description: 'Note.' },
          ratio: { type: 'float', description: 'Ratio.' },
          loud: { type: 'boolean', default: false, description: 'Loud.' },
          version: { type: 'string', description: 'Version.' },
          uri: { type: 'secret', description: 'PostgreSQL.' },
        },
      },
      actions: {
        upgrade: {
          description: 'Upgrade now.',
          parallel: true,
          additionalProperties: false,
          params: {
            version: { type: 'string', description: 'To which.' },
            retries: { type: 'integer', minimum: 0, maximum: 5, default: 1 },
            nested: {
              type: 'object',
              properties: { deep: { type: 'string', enum: ['a', 'b'] } },
              required: ['deep'],
            },
          },
        },
        must: {
          description: 'Has a required one.',
          additionalProperties: false,
          params: { unit: { type: 'string' } },
          required: ['unit'],
        },
      },
    });
  });

  it('leaves out what JSON schema says of whole numbers as such, and refuses recursion', () => {
    const charm = (params: z.ZodObject) =>
      defineCharm({
        name: 'x',
        summary: '',
        description: '',
        actions: { a: action({ description: '', params }) },
      });
    expect(charmFiles(charm(z.object({ n: z.int() }))).actions).toMatchObject({
      a: { params: { n: { type: 'integer' } } },
    });
    expect(JSON.stringify(charmFiles(charm(z.object({ n: z.int() }))))).not.toMatch(/900719|\$schema/);
    const node: z.ZodType = z.object({
      get next() {
        return node.optional();
      },
    });
    expect(() => charmFiles(charm(z.object({ node })))).toThrow('recursive');
  });

  it('of a charm with nothing but a name has empty options and actions', () => {
    expect(charmFiles(defineCharm({ name: 'x', summary: 's', description: 'd' }))).toEqual({
      metadata: { name: 'x', summary: 's', description: 'd' },
      config: { options: {} },
      actions: {},
    });
  });
});
