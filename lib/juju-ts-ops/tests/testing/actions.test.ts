import { describe, expect, it } from 'vitest';
import type { ActionValue, End, HookContext } from '../../testing/index.ts';
import { deployed, inExec, model, one, settle } from './fixtures.ts';

function action(
  act: (context: HookContext) => End | undefined,
  params: Readonly<Record<string, ActionValue>> = {},
  profile: '4.0' | '3.6' = '4.0',
) {
  const { juju } = deployed(2, { profile });
  const record = juju.runAction('app/0', 'act', params);
  if (record.status === 'pending') one(juju, 'app/0', act);
  return { juju, record };
}

describe('an action', () => {
  it('that exits with 0 is completed: results, output, return-code; its writes are committed', () => {
    const { juju, record } = action((context) => {
      context.tool('action-set', ['a.b=1', 'a.c=2']);
      context.tool('action-set', ['x=1']);
      context.tool('action-log', ['half', 'way']);
      context.tool('relation-set', ['-r', '0', 'k=v']);
      return { exitCode: 0, stdout: 'out\n' };
    });
    expect(record).toMatchObject({
      status: 'completed',
      message: '',
      results: { a: { b: '1', c: '2' }, x: '1', 'return-code': 0, stdout: 'out\n' },
      log: [{ message: 'half way' }],
    });
    expect(juju.databag('peers', 'app/0').k).toBe('v');
  });

  it('that calls action-fail and exits with 0 has failed with that message, and is committed', () => {
    const { juju, record } = action((context) => {
      context.tool('action-fail', ['no luck']);
      context.tool('action-set', ['after=1']);
      context.tool('relation-set', ['-r', '0', 'k=v']);
      return undefined;
    });
    expect(record).toMatchObject({ status: 'failed', message: 'no luck', results: { after: '1' } });
    expect(juju.databag('peers', 'app/0').k).toBe('v');
  });

  it('that exits otherwise has failed with its exit status; results stay, writes are dropped, the unit is not in error', () => {
    const { juju, record } = action((context) => {
      context.tool('action-fail', ['no luck']);
      context.tool('action-set', ['before=1']);
      context.tool('relation-set', ['-r', '0', 'k=v']);
      return { exitCode: 3 };
    });
    expect(record).toMatchObject({
      status: 'failed',
      message: 'exit status 3',
      results: { before: '1', 'return-code': 3 },
    });
    expect(juju.databag('peers', 'app/0')).not.toHaveProperty('k');
    expect(juju.unitStatus('app/0').status).not.toBe('error');
  });

  it('that is killed is `terminated`, and not run again', () => {
    const { juju, record } = action(() => ({ signal: 'SIGKILL' }));
    expect(record).toMatchObject({ status: 'failed', message: 'terminated' });
    expect(juju.next('app/0')).toBeUndefined();
  });

  it('whose commit is refused has failed, with the reason in stderr', () => {
    const failing = (profile: '4.0' | '3.6') =>
      action(
        (context) => {
          context.tool('storage-add', ['nosuch']);
          return undefined;
        },
        {},
        profile,
      ).record;
    const failed = { status: 'failed', message: 'committing requested changes failed' };
    expect(failing('4.0')).toMatchObject({
      ...failed,
      results: {
        'return-code': 0,
        stderr: expect.stringMatching(
          /^preparing storage additions: .*"nosuch".*: storage name not supported$/,
        ),
      },
    });
    expect(failing('3.6')).toMatchObject({
      ...failed,
      results: { 'return-code': '1', stderr: 'charm storage "nosuch" not found' },
    });
  });

  it('that a client’s `juju exec` makes runs its script, and is committed whatever its exit code', () => {
    const { juju } = deployed(1);
    const record = juju.clientExec('app/0', 'exit 4');
    one(juju, 'app/0', (context) => {
      expect(context.env).toMatchObject({ JUJU_ACTION_NAME: 'juju-exec', JUJU_HOOK_NAME: '' });
      expect(context.env).not.toHaveProperty('JUJU_DISPATCH_PATH');
      expect(context.tool('action-get', ['--format=json']).stdout).toBe(
        '{"command":"exit 4","timeout":300000000000}\n',
      );
      context.tool('relation-set', ['-r', '0', 'k=v']);
      return { exitCode: 4, stdout: 'out\n' };
    });
    expect(record).toMatchObject({ status: 'completed', results: { 'return-code': 4, stdout: 'out\n' } });
    expect(juju.databag('peers', 'app/0')).toMatchObject({ k: 'v' });
  });

  it('gets its parameters with defaults, nested ones too', () => {
    const got: string[] = [];
    action(
      (context) => {
        for (const args of [['--format=json'], ['par'], ['obj.depth'], ['nosuch', '--format=json']]) {
          got.push(context.tool('action-get', args).stdout);
        }
        return undefined;
      },
      { obj: {} },
    );
    expect(got).toEqual(['{"obj":{"depth":1},"par":"dflt"}\n', 'dflt\n', '1\n', 'null\n']);
  });

  it('with wrong parameters does not run', () => {
    const run = (params: Readonly<Record<string, ActionValue>>, profile: '4.0' | '3.6' = '4.0') =>
      action(() => undefined, params, profile).record;
    expect(run({ num: 'abc' })).toMatchObject({
      status: 'error',
      message:
        'cannot run "act" action: validation failed: (root).num : must be of type integer, given "abc"',
    });
    expect(run({ unknown: 1 }).message).toBe(
      'cannot run "act" action: validation failed: (root) : additional property "unknown" is not allowed, given {"unknown":1}',
    );
    expect(run({ unknown: 1 }, '3.6').status).toBe('completed');
  });

  it('is checked before defaults are put in: a required parameter must be given', () => {
    const { juju } = deployed(1);
    expect(juju.runAction('app/0', 'strict').message).toContain('"must" property is missing and required');
    expect(juju.runAction('app/0', 'strict', { must: 'y' }).status).toBe('pending');
  });

  it('that is not declared is refused', () => {
    expect(() => deployed(1).juju.runAction('app/0', 'nosuch')).toThrow(
      'action "nosuch" not defined for unit "app/0"',
    );
  });

  it('has its own environment', () => {
    action((context) => {
      expect(context.env).toMatchObject({
        JUJU_DISPATCH_PATH: 'actions/act',
        JUJU_HOOK_NAME: '',
        JUJU_ACTION_NAME: 'act',
        JUJU_ACTION_TAG: `action-${context.env.JUJU_ACTION_UUID}`,
      });
      expect(context.env.JUJU_ACTION_UUID).toMatch(/^\d+$/);
      return undefined;
    });
  });
});

describe('storage', () => {
  it('is mounted at its location itself, and its tools know two things about it', () => {
    const { juju } = deployed(1);
    expect(inExec(juju, 'app/0', ['storage-get', '-s', 'data/0', '--format=json']).stdout).toBe(
      '{"kind":"filesystem","location":"/srv/data"}\n',
    );
    expect(inExec(juju, 'app/0', ['storage-list', '--format=json']).stdout).toBe('["data/0"]\n');
  });

  it('of several instances is mounted below its location, or where Juju has its own; a range from 0 needs none', () => {
    const { juju } = model();
    const storage = {
      many: { type: 'filesystem', location: '/srv/many', multiple: { range: '0-' } },
      plain: { type: 'block' },
      none: { type: 'filesystem', multiple: { range: '0-1' } },
    };
    juju.deploy('app', { metadata: { name: 'app', storage } }, { storage: { many: 2 } });
    settle(juju);
    const get = (id: string) => inExec(juju, 'app/0', ['storage-get', '-s', id, 'location']).stdout.trim();
    expect(inExec(juju, 'app/0', ['storage-list']).stdout).toBe('many/0\nmany/1\nplain/2\n');
    expect([get('many/0'), get('many/1'), get('plain/2')]).toEqual([
      '/srv/many/0',
      '/srv/many/1',
      '/var/lib/juju/storage/plain/2',
    ]);
    expect(inExec(juju, 'app/0', ['storage-get', '-s', 'plain/2', 'kind']).stdout).toBe('block\n');
  });
});
