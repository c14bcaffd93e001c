import { describe, expect, it } from 'vitest';
import { ActionFailure } from '../../src/index.ts';
import { resultArguments } from '../../src/run.ts';
import { charm } from './charm.ts';
import { failing, runHook } from './scripted.ts';

const env = {
  JUJU_DISPATCH_PATH: 'actions/upgrade',
  JUJU_HOOK_NAME: '',
  JUJU_ACTION_NAME: 'upgrade',
  JUJU_ACTION_UUID: '4',
};
type Upgrade = NonNullable<Parameters<typeof charm>[0]['upgrade']>;

const run = (upgrade: Upgrade, params: unknown = {}, answers: Record<string, unknown> = {}) =>
  runHook(
    charm({ upgrade, reconcile: () => Promise.reject(new Error('reconciled')) }),
    { 'action-get': params, ...answers },
    env,
  );

describe('an action', () => {
  it('gets its parameters with defaults, sets its results as text, and does not reconcile', async () => {
    const seen: unknown[] = [];
    const outcome = await run(
      async (hook, params) => {
        seen.push(params, hook.event.action, hook.action.name);
        await hook.action.log('-working');
        hook.status.add({ status: 'active', message: 'done' });
        return { version: params.version, count: 3, nested: { 'is-it': true, deep: { er: 'a=b\nc' } } };
      },
      { version: '8.2.0' },
    );
    expect(outcome.code).toBe(0);
    expect(seen).toEqual([{ version: '8.2.0', retries: 1 }, { name: 'upgrade', id: '4' }, 'upgrade']);
    expect(outcome.calls.map(({ tool, args }) => [tool, ...args])).toEqual([
      ['action-get', '--format=json'],
      ['action-log', '--', '-working'],
      ['action-set', 'version=8.2.0', 'count=3', 'nested.is-it=true', 'nested.deep.er=a=b\nc'],
      ['status-set', 'active', 'done'],
    ]);
  });

  it('is known by its name alone where the dispatch path is missing', async () => {
    const outcome = await runHook(
      charm({ upgrade: async () => ({ ran: true }) }),
      { 'action-get': null },
      { ...env, JUJU_DISPATCH_PATH: undefined },
    );
    expect(outcome.of('action-set')).toEqual(['ran=true']);
  });

  it('that says why it fails exits with 0, keeps what it wrote, and its results', async () => {
    const outcome = await run(async (hook) => {
      hook.mask('hunter2');
      hook.status.add({ status: 'waiting', message: 'kept' });
      throw new ActionFailure('no volume, hunter2', { results: { found: 0 } });
    });
    expect(outcome.code).toBe(0);
    expect(outcome.of('action-fail')).toEqual(['no volume, ***']);
    expect(outcome.of('action-set')).toEqual(['found=0']);
    expect(outcome.of('status-set')).toEqual(['waiting kept']);
    expect(outcome.of('juju-log')).toEqual([]);
  });

  it('that breaks exits with 1 and publishes nothing', async () => {
    const outcome = await run(async (hook) => {
      hook.status.add({ status: 'active' });
      throw new Error('broken');
    });
    expect(outcome.code).toBe(1);
    expect(outcome.of('action-fail')).toEqual(['broken']);
    expect(outcome.of('status-set')).toEqual([]);
    expect(outcome.of('juju-log').join()).toContain('-l ERROR upgrade failed: Error: broken');
  });

  it('that says why it fails, in results that Juju would refuse, breaks', async () => {
    const outcome = await run(async () => {
      throw new ActionFailure('no volume', { results: { Found: 0 }, cause: new Error('beneath') });
    });
    expect(outcome.code).toBe(1);
    expect(outcome.of('action-fail').join()).toContain('action result "Found"');
    expect(outcome.of('juju-log').join()).toContain('caused by: Error: beneath');
  });

  it('that breaks where Juju cannot be told of it still logs why', async () => {
    const outcome = await run(
      () => Promise.reject(new Error('broken')),
      {},
      { 'action-fail': failing('gone') },
    );
    expect(outcome.code).toBe(1);
    expect(outcome.of('juju-log').join()).toContain('Error: broken');
  });

  it.each([
    [{ retries: 9 }, 'parameter retries is 9, but takes: at most 5'],
    [
      { retries: 'many', version: 8 },
      'parameter version is 8, but takes: text; parameter retries is many, but takes: a number',
    ],
    [{ nested: { deep: 'c' } }, 'parameter nested.deep is c, but takes: one of a, b'],
    [{ vresion: '8' }, 'parameters: nothing named vresion'],
  ])('with %j fails in words, without running', async (params, message) => {
    const outcome = await run(async () => ({ ran: true }), params);
    expect(outcome.code).toBe(0);
    expect(outcome.of('action-fail')).toEqual([message]);
    expect(outcome.of('action-set')).toEqual([]);
  });

  it('without a required parameter names it', async () => {
    const outcome = await runHook(
      charm({}),
      { 'action-get': {} },
      { ...env, JUJU_DISPATCH_PATH: 'actions/must' },
    );
    expect(outcome.of('action-fail')).toEqual(['parameter unit is nothing, but takes: text']);
  });

  it.each(['missing', 'toString'])('that the charm does not have (%s) fails and says so', async (name) => {
    const outcome = await runHook(
      charm({}),
      { 'action-get': {} },
      { ...env, JUJU_DISPATCH_PATH: `actions/${name}` },
    );
    expect(outcome.of('action-fail')).toEqual([`this revision of the charm has no action "${name}"`]);
    expect(outcome.code).toBe(0);
  });
});

describe('action results', () => {
  it.each(['UPPER', 'under_score', '-edge', 'edge-', '', 'a..b', 'stdout', 'nested.stderr'])(
    'refuse the key "%s"',
    (key) => {
      expect(() => resultArguments({ [key]: 1 })).toThrow('Juju takes keys of');
    },
  );
  it('leave out what is undefined, and take dotted keys', () => {
    expect(resultArguments({ 'a.b': '', c: undefined })).toEqual(['a.b=']);
  });
  it('say which one is too large for an argument, and go in several calls when they are together', async () => {
    expect(() => resultArguments({ huge: 'x'.repeat(200_000) })).toThrow(
      'action result "huge" has 200005 bytes',
    );
    const big = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key-${i}`, 'x'.repeat(100_000)]));
    const outcome = await run(async () => big);
    const sizes = outcome.calls.filter(({ tool }) => tool === 'action-set').map(({ args }) => args.length);
    expect(sizes).toEqual([8, 8, 4]);
  });
});
