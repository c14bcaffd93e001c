import { describe, expect, it } from 'vitest';
import { type EventIn, Killed, run, type StateIn } from '../../testing/index.ts';
import { demo } from './charm.ts';

const peers = { endpoint: 'peers', remoteUnits: { 'demo/1': { 'has-goal': 'first' } } };

describe('run', () => {
  it('takes a state and an event, and gives the state afterwards', async () => {
    const out = await run(demo(), 'config-changed', {
      leader: true,
      config: { goal: 'second' },
      relations: [peers],
    });
    expect(out).toMatchObject({
      outcome: 'committed',
      exitCode: 0,
      unitStatus: { status: 'active', message: 'goal second' },
      relations: [{ endpoint: 'peers', localApp: { goal: 'second' }, localUnit: { 'has-goal': 'second' } }],
    });
    expect(out.logs.map((each) => each.text)).toContain('ran config-changed');
    expect(out.calls.map((each) => each.tool)).toContain('relation-set');
  });

  it('does not change what another unit wrote, and leads only when told so', async () => {
    const state: StateIn = { relations: [{ ...peers, localApp: { goal: 'old' } }] };
    const out = await run(demo(), { hook: 'peers-relation-changed', remoteUnit: 'demo/1' }, state);
    expect(out.relations[0]).toMatchObject({ localApp: { goal: 'old' }, localUnit: { 'has-goal': 'old' } });
    expect(out.juju.databag('peers', 'demo/1')).toMatchObject({ 'has-goal': 'first' });
  });

  it('runs actions, with their results and failures', async () => {
    expect((await run(demo(), { action: 'greet', params: { name: 'you all' } })).action).toMatchObject({
      status: 'completed',
      results: { greeting: 'hello you all' },
    });
    expect((await run(demo(), { action: 'refuse' })).action).toMatchObject({
      status: 'failed',
      message: 'not today',
    });
  });

  it('runs wake-ups of the charm’s own', async () => {
    const out = await run(demo(), { wake: 'tick' });
    expect(out.logs.map((each) => each.text)).toContain('ran tick');
  });

  it('a failing hook is an exit code, and its writes are lost', async () => {
    const charm = demo({
      onHook: () => {
        throw new Error('broken');
      },
    });
    const out = await run(charm, 'config-changed', { leader: true, relations: [peers] });
    expect(out).toMatchObject({ outcome: 'failed', exitCode: 1 });
    expect(out.relations[0]?.localApp).toEqual({});
  });

  it('an application databag is refused to a unit that does not lead', async () => {
    const out = await run(demo({ bold: true }), 'config-changed', { leader: false, relations: [peers] });
    expect(out).toMatchObject({ outcome: 'failed', exitCode: 1 });
  });

  it('a kill commits nothing and has no exit code', async () => {
    const charm = demo({
      onHook: () => {
        throw new Error('wrapped', { cause: new Killed() });
      },
    });
    const out = await run(charm, 'config-changed', { leader: true, relations: [peers] });
    expect(out).toMatchObject({ outcome: 'requeued', exitCode: undefined });
    expect(out.logs).toEqual([]);
  });

  it('relates to another application whose databags the state gives', async () => {
    const state: StateIn = {
      relations: [
        {
          endpoint: 'db',
          id: 7,
          remoteApp: 'pg',
          remoteUnits: { 'pg/3': { x: '1' } },
          remoteAppData: { uri: 'postgres://' },
        },
      ],
    };
    const seen: unknown[] = [];
    const out = await run(demo(), { hook: 'db-relation-joined', remoteUnit: 'pg/3' }, state);
    seen.push(out.outcome, out.juju.databag(7, 'pg'));
    expect(seen).toEqual(['committed', { uri: 'postgres://' }]);
  });
});

describe('run refuses what Juju could not produce:', () => {
  const cases: [why: string, event: EventIn, state: StateIn, text: string][] = [
    ['an unknown hook', 'nosuch', {}, 'Juju has no hook "nosuch"'],
    ['a hook of 3.x', 'leader-settings-changed', {}, 'since 4.0'],
    ['an undeclared endpoint', 'web-relation-created', {}, 'the charm has no endpoint "web"'],
    [
      'an undeclared endpoint in the state',
      'start',
      { relations: [{ endpoint: 'web' }] },
      'no endpoint "web"',
    ],
    ['a relation that is not there', 'db-relation-created', {}, 'the state has no such relation'],
    ['joined by nobody', 'peers-relation-joined', { relations: [peers] }, 'say which `remoteUnit`'],
    [
      'a remote unit that is not in the relation',
      { hook: 'peers-relation-changed', remoteUnit: 'demo/9' },
      { relations: [peers] },
      'demo/9 is no unit of the relation (there are: demo/1)',
    ],
    [
      'a changed application databag that was never written',
      'peers-relation-changed',
      { relations: [peers] },
      'the databag of demo was never written',
    ],
    [
      'another one departing than the remote unit or this one',
      { hook: 'peers-relation-departed', remoteUnit: 'demo/1', departingUnit: 'demo/5' },
      { relations: [peers] },
      'who departs is demo/1 or this unit',
    ],
    [
      'peers among whom this unit is',
      'start',
      { relations: [{ endpoint: 'peers', remoteUnits: { 'demo/0': {} } }] },
      'is this unit itself',
    ],
    [
      'peers of another application',
      'start',
      { relations: [{ endpoint: 'peers', remoteUnits: { 'x/1': {} } }] },
      'x/1 is no unit of demo',
    ],
    ['relations seen in install', 'install', { relations: [peers] }, 'no relation is visible before install'],
    [
      'an empty value in a databag',
      'start',
      { relations: [{ endpoint: 'peers', localUnit: { a: '' } }] },
      'which in Juju is a removed key',
    ],
    ['an unknown option', 'start', { config: { nosuch: 1 } }, 'the charm has no option "nosuch"'],
    [
      'an option of another type',
      'start',
      { config: { port: '80' } },
      'option "port" expected int, got "80"',
    ],
    ['leader-elected on a unit that does not lead', 'leader-elected', {}, 'on the leader only'],
    ['an undeclared action', { action: 'nosuch' }, {}, 'action "nosuch" not defined'],
    ['wrong parameters', { action: 'greet', params: { name: 1 } }, {}, 'must be of type string'],
    ['an undeclared storage', 'data-storage-attached', {}, 'the state has no such storage'],
    [
      'more storage than declared',
      'start',
      { storages: [{ name: 'data' }, { name: 'data' }] },
      'at most 1 instances',
    ],
    ['stop with storage attached', 'stop', { storages: [{ name: 'data' }] }, 'storage is detached before'],
    ['stop with a relation', 'stop', { relations: [{ endpoint: 'db' }] }, 'relations are broken before'],
    [
      'a secret’s news that there are not',
      'secret-changed',
      {},
      'no secret that this unit tracks has a newer revision',
    ],
    [
      'a revision that a secret does not have',
      'start',
      { secrets: [{ owner: 'unit', content: { abc: 'x' }, tracked: 2 }] },
      'has no revision 2',
    ],
    ['an unknown resource', 'start', { resources: { nosuch: '/x' } }, 'unknown resource "nosuch"'],
  ];
  it.each(cases)('%s', async (_why, event, state, text) => {
    await expect(run(demo(), event, state)).rejects.toThrow(text);
  });

  it('a secret with news is told of', async () => {
    const secret = {
      owner: 'user' as const,
      label: 'key',
      older: [{ abc: '1' }],
      content: { abc: '2' },
      tracked: 1,
    };
    const out = await run(demo(), 'secret-changed', { secrets: [secret] });
    expect(out.logs.map((each) => each.text)).toContain('ran secret-changed');
  });
});
