// What the compiler must refuse and infer: the lines below are checked by tsc, whose errors they expect.
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import {
  action,
  type Config,
  defineCharm,
  type HookOf,
  json,
  option,
  peers,
  provides,
  requires,
  resource,
  storage,
} from '../../src/index.ts';

const definition = defineCharm({
  name: 'typed',
  summary: 's',
  description: 'd',
  options: {
    mode: option.string({ description: 'm', schema: z.enum(['auto', 'web']), default: 'auto' }),
    port: option.int({ description: 'p', default: 8080 }),
    note: option.string({ description: 'n' }),
    ratio: option.float({ description: 'r' }),
    loud: option.boolean({ description: 'l', default: false }),
    uri: option.secret({ description: 'u' }),
    timeout: option.string({
      description: 't',
      schema: z.string().transform((text) => Number.parseInt(text, 10)),
      default: '2m',
    }),
  },
  peers: {
    peers: peers({
      interface: 'typed_peers',
      app: z.object({ version: z.string(), digests: json(z.record(z.string(), z.string())) }),
      unit: z.object({ role: z.enum(['web', 'worker']), slots: z.coerce.number(), ready: z.stringbool() }),
    }),
  },
  requires: {
    db: requires({
      interface: 'postgresql',
      app: { local: z.object({ database: z.string() }), remote: z.object({ endpoints: z.string() }) },
    }),
  },
  provides: {
    metrics: provides({ interface: 'prometheus_scrape', unit: { local: z.object({ url: z.string() }) } }),
  },
  storage: { data: storage({ range: '0-1' }) },
  resources: { release: resource({ filename: 'r.tgz' }) },
  actions: {
    upgrade: action({
      description: 'u',
      params: z.object({ version: z.string().optional(), force: z.boolean().default(false) }),
    }),
    count: action({ description: 'c', results: z.object({ files: z.number() }) }),
  },
});
type TheHook = HookOf<typeof definition>;

// Never run: only its types matter.
async function claims(hook: TheHook): Promise<void> {
  const { values } = await hook.config();
  expectTypeOf(values.mode).toEqualTypeOf<'auto' | 'web'>();
  expectTypeOf(values.port).toEqualTypeOf<number>();
  expectTypeOf(values.note).toEqualTypeOf<string | undefined>();
  expectTypeOf(values.ratio).toEqualTypeOf<number | undefined>();
  expectTypeOf(values.loud).toEqualTypeOf<boolean>();
  expectTypeOf(values.uri).toEqualTypeOf<string | undefined>();
  expectTypeOf(values.timeout).toEqualTypeOf<number>();
  // @ts-expect-error no such option
  void values.missing;

  const peer = await hook.peer('peers');
  if (!peer) return;
  const own = (await peer.local()).values;
  expectTypeOf(own.role).toEqualTypeOf<'web' | 'worker' | undefined>();
  expectTypeOf(own.slots).toEqualTypeOf<number | undefined>();
  expectTypeOf(own.ready).toEqualTypeOf<boolean | undefined>();
  expectTypeOf((await peer.application()).values.digests).toEqualTypeOf<Record<string, string> | undefined>();
  // @ts-expect-error no such key
  void own.roles;
  peer.setUnit({ role: 'web' });
  peer.setUnit({ slots: undefined, ready: true });
  // @ts-expect-error not one of the values
  peer.setUnit({ role: 'king' });
  // @ts-expect-error no such key
  peer.setUnit({ rule: 'web' });
  // @ts-expect-error a number is wanted
  (await peer.local()).set({ slots: '4' });
  await peer.setApplication({ digests: { amd64: 'x' } });
  // @ts-expect-error the unit's key
  await peer.setApplication({ role: 'web' });

  for (const relation of await hook.relations('db')) {
    expectTypeOf((await relation.application()).values.endpoints).toEqualTypeOf<string | undefined>();
    await relation.setApplication({ database: 'x' });
    // @ts-expect-error what the other side writes
    await relation.setApplication({ endpoints: 'x' });
    // @ts-expect-error no databag was declared
    relation.setUnit({ anything: 'x' });
  }
  for (const relation of await hook.relations('metrics')) relation.setUnit({ url: 'http://x' });

  // @ts-expect-error not a peer relation
  await hook.peer('db');
  // @ts-expect-error the peer relation is reached by peer()
  await hook.relations('peers');
  // @ts-expect-error no such endpoint
  await hook.network('db2');
  await hook.network('juju-info');
  await hook.storages('data');
  // @ts-expect-error no such storage
  await hook.storages('date');
  await hook.resource('release');
  // @ts-expect-error no such resource
  await hook.resource('realease');

  if (hook.event.kind === 'relation-changed') expectTypeOf(hook.event.relation.id).toEqualTypeOf<string>();
  expectTypeOf(hook.event.relation?.id).toEqualTypeOf<string | undefined>();
  // @ts-expect-error no such kind of event
  void (hook.event.kind === 'relation-change');
  // @ts-expect-error Juju has no such status for a charm
  hook.status.add({ status: 'error', message: '' });
}

describe('types', () => {
  it('options, databags, actions and endpoints that are not declared do not compile', () => {
    void claims;
    definition.implement({
      reconcile: async (hook) => void expectTypeOf(hook).toEqualTypeOf<TheHook>(),
      actions: {
        upgrade: async (hook, params) => {
          expectTypeOf(params).toEqualTypeOf<{ version?: string | undefined; force: boolean }>();
          expectTypeOf(hook.action.log).returns.resolves.toBeVoid();
          return { 'new-version': params.version, nested: { forced: params.force, 'took-ms': 3 } };
        },
        count: async () => ({ files: 3 }),
      },
    });
    definition.implement({
      reconcile: async () => {},
      actions: {
        upgrade: async () => {},
        // @ts-expect-error the declared results say otherwise
        count: async () => ({ file: 3 }),
      },
    });
    // @ts-expect-error an action without a handler
    definition.implement({ reconcile: async () => {}, actions: { upgrade: async () => {} } });
    definition.implement({
      reconcile: async () => {},
      // @ts-expect-error a handler without an action
      actions: { upgrade: async () => {}, count: async () => ({ files: 1 }), sing: async () => {} },
    });
    // @ts-expect-error the default is not one of the values
    void (() => option.string({ description: 'm', schema: z.enum(['auto', 'web']), default: 'king' }));
    // @ts-expect-error an int's default is a number
    void (() => option.int({ description: 'p', default: '8080' }));
  });

  it('a charm without actions needs no handlers for them', () => {
    defineCharm({ name: 'bare', summary: 's', description: 'd' }).implement({ reconcile: async () => {} });
    expectTypeOf<Config<{ name: 'x'; summary: ''; description: '' }>['values']>().toEqualTypeOf<
      Readonly<Record<never, never>>
    >();
  });
});
