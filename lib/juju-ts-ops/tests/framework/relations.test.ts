import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { databagTexts, defineCharm, json, parseDatabag, peers } from '../../src/index.ts';
import { fileText } from '../../src/tools.ts';
import { charm, definition, type TestHook } from './charm.ts';
import { failing, type Outcome, runHook } from './scripted.ts';

/** Databags by owner, as `relation-get … - OWNER` answers. */
const bags = (owned: Record<string, Record<string, string>>) => ({
  'relation-ids': (args: readonly string[]) => (args.at(-1) === 'peers' ? ['peers:0'] : ['db:10', 'db:2']),
  'relation-list': (args: readonly string[]) => (args.includes('--app') ? 'pg' : ['app/1', 'app/2']),
  'relation-get': (args: readonly string[]) => owned[args.at(-1) ?? ''] ?? failing('relation unit not found'),
  'is-leader': true,
});

const peerRelation = (hook: TestHook) => hook.peer('peers');
const inPeer = (
  act: (peer: NonNullable<Awaited<ReturnType<typeof peerRelation>>>) => Promise<void>,
  answers: Record<string, unknown>,
): Promise<Outcome> => {
  const reconcile = async (hook: TestHook): Promise<void> => {
    const peer = await peerRelation(hook);
    if (!peer) throw new Error('no peer relation');
    await act(peer);
  };
  return runHook(charm({ reconcile }), answers);
};

const written = (outcome: Outcome, index = 0): unknown => {
  const call = outcome.calls.filter(({ tool }) => tool === 'relation-set')[index];
  return call?.stdin === undefined ? undefined : JSON.parse(call.stdin);
};

describe('a peer relation', () => {
  it('is undefined while Juju shows none', async () => {
    const found: unknown[] = [];
    const { code } = await runHook(
      charm({
        reconcile: async (hook) => void found.push(await hook.peer('peers'), await hook.relations('db')),
      }),
      { 'relation-ids': [] },
      { JUJU_DISPATCH_PATH: 'hooks/install' },
    );
    expect({ code, found }).toEqual({ code: 0, found: [undefined, []] });
  });

  it('reads every key by itself: unknown ones are ignored, missing ones undefined, malformed ones listed', async () => {
    const raw = { role: 'king', slots: '4', ready: 'true', 'ingress-address': '10.0.0.1' };
    await inPeer(
      async (peer) => {
        expect(await peer.unit('app/1')).toEqual({
          values: { role: undefined, slots: 4, ready: true, state: 'none' },
          problems: [{ key: 'role', value: 'king', accepted: 'one of web, worker' }],
          raw,
        });
        expect((await peer.unit('app/9')).raw).toEqual({});
        expect((await peer.application()).values).toEqual({ version: undefined, digests: { amd64: 'a' } });
        expect(await peer.units()).toEqual(['app/1', 'app/2']);
        expect(await peer.remoteApplication()).toBe('app');
      },
      bags({ 'app/1': raw, app: { digests: '{"amd64":"a"}' } }),
    ).then(({ code }) => expect(code).toBe(0));
  });

  it("shows the hook's own writes at once and sends them once, only what differs, in JSON on stdin", async () => {
    const outcome = await inPeer(
      async (peer) => {
        peer.setUnit({ role: 'web', slots: 4 });
        peer.setUnit({ slots: 5, state: undefined });
        expect((await peer.local()).values).toEqual({ role: 'web', slots: 5, ready: false, state: 'none' });
        expect((await peer.unit('app/0')).values.slots).toBe(5);
        (await peer.local()).set({ ready: true });
        await peer.setApplication({ version: '8.2.0', digests: { b: '2', a: '1' } });
        expect((await peer.application()).values.version).toBe('8.2.0');
        expect((await peer.localApplication()).raw).toEqual({
          version: '8.2.0',
          digests: '{"a":"1","b":"2"}',
        });
      },
      bags({ 'app/0': { role: 'web', slots: '4', ready: 'false', state: 'old' }, app: { version: '8.2.0' } }),
    );
    expect(outcome.code).toBe(0);
    expect(outcome.calls.filter(({ tool }) => tool === 'relation-set').map(({ args }) => args)).toEqual([
      ['-r', 'peers:0', '--file', '-'],
      ['-r', 'peers:0', '--app', '--file', '-'],
    ]);
    expect(written(outcome, 0)).toEqual({ slots: '5', state: '', ready: 'true' });
    expect(written(outcome, 1)).toEqual({ digests: '{"a":"1","b":"2"}' });
  });

  it('sends nothing when nothing differs, nor when what is removed was never there', async () => {
    const outcome = await inPeer(
      async (peer) => peer.setUnit({ role: 'web', slots: undefined }),
      bags({ 'app/0': { role: 'web' } }),
    );
    expect(outcome.of('relation-set')).toEqual([]);
  });

  it("refuses the application's databag to a unit that does not lead, at once", async () => {
    const outcome = await inPeer(async (peer) => peer.setApplication({ version: '1' }), {
      ...bags({}),
      'is-leader': false,
    });
    expect(outcome.code).toBe(1);
    expect(outcome.of('juju-log').join()).toContain('this unit is not the leader');
    expect(outcome.of('relation-set')).toEqual([]);
  });

  it('lets every unit read its application', async () => {
    const outcome = await inPeer(
      async (peer) => expect((await peer.application()).values.version).toBe('1'),
      { ...bags({ app: { version: '1' } }), 'is-leader': false },
    );
    expect(outcome.code).toBe(0);
  });

  it('refuses to write a value that its schema would not read', async () => {
    const outcome = await inPeer(async (peer) => peer.setUnit(JSON.parse('{"role":"king"}')), bags({}));
    expect(outcome.code).toBe(1);
    expect(outcome.of('juju-log').join()).toContain(`cannot write king to "role" of peers's unit databag`);
  });
});

describe('a relation to another application', () => {
  const dbRelations = (hook: TestHook) => hook.relations('db');
  const inDb = (
    act: (relations: Awaited<ReturnType<typeof dbRelations>>) => Promise<void>,
    answers: Record<string, unknown>,
    env: Record<string, string> = {},
  ) => runHook(charm({ reconcile: async (hook) => act(await dbRelations(hook)) }), answers, env);

  it('reads the other side and writes its own', async () => {
    const outcome = await inDb(
      async (relations) => {
        expect(relations.map(({ id }) => id)).toEqual(['db:10', 'db:2']);
        const [first] = relations;
        expect(await first?.remoteApplication()).toBe('pg');
        expect((await first?.application())?.values).toEqual({ endpoints: 'h:5432' });
        expect((await first?.unit('pg/0'))?.values).toEqual({ role: 'primary' });
        await first?.setApplication({ database: 'concourse' });
      },
      bags({ pg: { endpoints: 'h:5432' }, 'pg/0': { role: 'primary' }, app: {} }),
    );
    expect(outcome.code).toBe(0);
    expect(outcome.of('relation-set')).toEqual(['-r db:10 --app --file - {"database":"concourse"}']);
  });

  it("does not ask for the other application's name when the event gives it", async () => {
    const outcome = await inDb(
      async ([first]) => expect(await first?.remoteApplication()).toBe('postgres'),
      bags({}),
      {
        JUJU_DISPATCH_PATH: 'hooks/db-relation-changed',
        JUJU_RELATION: 'db',
        JUJU_RELATION_ID: 'db:10',
        JUJU_REMOTE_APP: 'postgres',
      },
    );
    expect(outcome.code).toBe(0);
    expect(outcome.of('relation-list')).toEqual([]);
  });

  it('keeps a non-leader from its own application databag, which Juju 3 would refuse', async () => {
    const outcome = await inDb(async ([first]) => void (await first?.localApplication()), {
      ...bags({}),
      'is-leader': false,
    });
    expect(outcome.code).toBe(1);
    expect(outcome.of('relation-get')).toEqual([]);
  });
});

describe('databag text', () => {
  it('goes to Juju in ASCII-safe JSON where its YAML parser is particular, and comes back the same', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), (map) => {
        const text = fileText(map);
        expect(JSON.parse(text)).toEqual({ ...map });
        // What Juju's parser refuses or silently changes when it stands there raw.
        expect(text).not.toMatch(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\\u[dD][89a-fA-F]|\\\//);
      }),
    );
    expect(fileText({ a: '\u0085😀\n\ufffe' })).toBe('{"a":"\\u0085😀\\n\\ufffe"}');
  });

  it('refuses half a surrogate pair', () => {
    expect(() => fileText({ a: '\ud83d' })).toThrow('half a surrogate pair');
  });

  it('that a schema wrote is read back as the same value', () => {
    const schema = z.object({
      text: z.string(),
      count: z.coerce.number(),
      flag: z.stringbool(),
      map: json(z.record(z.string(), z.number())),
    });
    fc.assert(
      fc.property(
        fc.record({
          text: fc.string({ minLength: 1 }),
          count: fc.integer(),
          flag: fc.boolean(),
          map: fc.dictionary(
            fc.string().filter((key) => key !== '__proto__'),
            fc.integer(),
            { noNullPrototype: true },
          ),
        }),
        (value) => {
          expect(parseDatabag(schema, databagTexts(schema, value, 'test')).values).toEqual(value);
        },
      ),
    );
  });

  it.each(['{', '[1]', 'null', ''])(
    'that is no JSON of the right shape (%s) is a problem, not an exception',
    (text) => {
      const { values, problems } = parseDatabag(z.object({ map: json(z.record(z.string(), z.number())) }), {
        map: text,
      });
      expect(values).toEqual({ map: undefined });
      expect(problems).toHaveLength(1);
    },
  );
});

describe('defineCharm', () => {
  const base = { name: 'x', summary: '', description: '' };
  it('refuses a databag field that takes no text', () => {
    expect(() =>
      defineCharm({
        ...base,
        peers: { peers: peers({ interface: 'i', unit: z.object({ n: z.number().optional() }) }) },
      }),
    ).toThrow(/"n" of peers's unit databag is a number/);
  });
  it('refuses names that Juju refuses', () => {
    expect(() => defineCharm({ ...base, name: 'Bad' })).toThrow('Juju does not take this name');
    expect(() => defineCharm({ ...base, peers: { 'juju-x': peers({ interface: 'i' }) } })).toThrow('juju-x');
    expect(() =>
      defineCharm({
        ...base,
        peers: { a: peers({ interface: 'i' }) },
        requires: { a: peers({ interface: 'i' }) },
      }),
    ).toThrow('declared twice');
  });
  it('keeps the definition for those who need it', () => {
    expect(definition.declared.options.mode.default).toBe('auto');
  });
});
