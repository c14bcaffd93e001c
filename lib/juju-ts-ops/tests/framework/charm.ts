// A charm that the framework's tests put their handlers into.
import * as z from 'zod';
import {
  action,
  type Charm,
  defineCharm,
  type HookOf,
  json,
  option,
  peers,
  requires,
  resource,
  storage,
} from '../../src/index.ts';

export const definition = defineCharm({
  name: 'app',
  summary: 'A charm for tests',
  description: 'Nothing to deploy.',
  assumes: ['juju >= 3.6'],
  options: {
    mode: option.string({ description: 'Mode.', schema: z.enum(['auto', 'web']), default: 'auto' }),
    'web-port': option.int({ description: 'Port.', schema: z.int().min(1).max(65535), default: 8080 }),
    note: option.string({ description: 'Note.' }),
    ratio: option.float({ description: 'Ratio.', schema: z.number().gt(0) }),
    loud: option.boolean({ description: 'Loud.', default: false }),
    version: option.string({
      description: 'Version.',
      schema: z.string().regex(/^\d+\.\d+\.\d+$/, 'a version such as 8.2.0'),
    }),
    uri: option.secret({ description: 'PostgreSQL.' }),
  },
  peers: {
    peers: peers({
      interface: 'app_peers',
      app: z.object({ version: z.string(), digests: json(z.record(z.string(), z.string())) }),
      unit: z.object({
        role: z.enum(['web', 'worker']),
        slots: z.coerce.number(),
        ready: z.stringbool(),
        state: z.string().default('none'),
      }),
    }),
  },
  requires: {
    db: requires({
      interface: 'postgresql_client',
      limit: 1,
      optional: true,
      app: { local: z.object({ database: z.string() }), remote: z.object({ endpoints: z.string() }) },
      unit: { remote: z.object({ role: z.enum(['primary', 'replica']) }) },
    }),
  },
  storage: {
    data: storage({ description: 'The volume.', range: '0-1', location: '/srv/data', minimumSize: '1G' }),
  },
  resources: { release: resource({ filename: 'release.tgz', description: 'An archive.' }) },
  actions: {
    upgrade: action({
      description: 'Upgrade now.',
      params: z.object({
        version: z.string().optional().describe('To which.'),
        retries: z.int().min(0).max(5).default(1),
        nested: z.object({ deep: z.enum(['a', 'b']) }).optional(),
      }),
      parallel: true,
    }),
    must: action({ description: 'Has a required one.', params: z.object({ unit: z.string() }) }),
  },
});
export type TestHook = HookOf<typeof definition>;
type Handlers = Parameters<typeof definition.implement>[0];

export function charm(handlers: {
  reconcile?: (hook: TestHook) => Promise<void>;
  teardown?: (hook: TestHook) => Promise<void>;
  ended?: (hook: TestHook, ok: boolean) => Promise<void>;
  upgrade?: Handlers['actions']['upgrade'];
}): Charm {
  return definition.implement({
    reconcile: handlers.reconcile ?? (async () => {}),
    ...(handlers.teardown ? { teardown: handlers.teardown } : {}),
    ...(handlers.ended ? { ended: handlers.ended } : {}),
    actions: { upgrade: handlers.upgrade ?? (async () => {}), must: async () => {} },
  });
}
