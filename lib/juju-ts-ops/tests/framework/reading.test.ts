import { describe, expect, it } from 'vitest';
import {
  NotFound,
  NotLeader,
  PermissionDenied,
  PortConflict,
  RelationGone,
  SecretNotFound,
  ToolFailure,
  ToolMissing,
  UnexpectedAnswer,
} from '../../src/index.ts';
import { charm, type TestHook } from './charm.ts';
import { failing, type Outcome, runHook } from './scripted.ts';

/** Runs `read` in a hook and gives back what it found. */
async function reading<T>(
  read: (hook: TestHook) => Promise<T>,
  answers: Record<string, unknown>,
  env: Record<string, string> = {},
): Promise<{ value: T; outcome: Outcome }> {
  const found: T[] = [];
  const outcome = await runHook(
    charm({ reconcile: async (hook) => void found.push(await read(hook)) }),
    answers,
    env,
  );
  if (!(0 in found)) throw new Error(outcome.of('juju-log').join('\n') + outcome.errors.join('\n'));
  return { value: found[0] as T, outcome };
}

describe('configuration', () => {
  const config = (given: Record<string, unknown>) =>
    reading((hook) => hook.config(), { 'config-get': given });

  it('gives defaults for what Juju does not say, and undefined without a default', async () => {
    const { value } = await config({});
    expect(value.values).toEqual({
      mode: 'auto',
      'web-port': 8080,
      note: undefined,
      ratio: undefined,
      loud: false,
      version: undefined,
      uri: undefined,
    });
    expect(value.problems).toEqual([]);
  });

  it("keeps Juju's types, and takes an emptied text for unset", async () => {
    const { value } = await config({
      mode: '',
      'web-port': 1000,
      note: '',
      ratio: 1.5,
      loud: true,
      uri: 'secret:x',
    });
    expect(value.values).toMatchObject({
      mode: 'auto',
      'web-port': 1000,
      note: undefined,
      ratio: 1.5,
      loud: true,
      uri: 'secret:x',
    });
  });

  it('lists every malformed option with its value and what it takes, and falls back to the default', async () => {
    const { value } = await config({
      mode: 'king',
      'web-port': 70000,
      ratio: 0,
      version: 'latest',
      note: 'kept',
    });
    expect(value.problems).toEqual([
      { option: 'mode', value: 'king', accepted: 'one of auto, web' },
      { option: 'web-port', value: '70000', accepted: 'at most 65535' },
      { option: 'ratio', value: '0', accepted: 'more than 0' },
      { option: 'version', value: 'latest', accepted: 'a version such as 8.2.0' },
    ]);
    expect(value.values).toMatchObject({
      mode: 'auto',
      'web-port': 8080,
      ratio: undefined,
      version: undefined,
      note: 'kept',
    });
  });

  it('answers that are no answer are an error that says so', async () => {
    const { value } = await reading((hook) => hook.config().catch((error: unknown) => error), {
      'config-get': { code: 0, stdout: 'mode: auto\n', stderr: '' },
    });
    expect(value).toBeInstanceOf(UnexpectedAnswer);
  });
});

describe('reads', () => {
  it('happen once per hook, even side by side, and only when wanted', async () => {
    const { value, outcome } = await reading(
      async (hook) => {
        const together = await Promise.all([hook.isLeader(), hook.isLeader(), hook.config(), hook.config()]);
        return [together[0], together[1], await hook.isLeader()];
      },
      { 'is-leader': true, 'config-get': {} },
    );
    expect(value).toEqual([true, true, true]);
    expect(outcome.calls.map(({ tool }) => tool)).toEqual(['is-leader', 'config-get']);
  });

  it('of the goal state, networks, storage and ports bear what Juju leaves out', async () => {
    const { value } = await reading(
      async (hook) => ({
        goal: await hook.goalState(),
        network: await hook.network('peers'),
        storages: await hook.storages('data'),
        opened: await hook.ports.opened(),
        secrets: await hook.secrets.ids(),
      }),
      {
        'goal-state': {
          units: { 'app/0': { status: 'active', since: '2026-01-01 10:00:00Z' } },
          relations: {},
        },
        'network-get': failing('no network config found for binding "peers"'),
        'storage-list': [],
        'opened-ports': [],
        'secret-ids': null,
      },
    );
    expect(value).toEqual({
      goal: { units: { 'app/0': { status: 'active', since: '2026-01-01 10:00:00Z' } }, relations: {} },
      network: { bindAddresses: [], ingressAddresses: [], egressSubnets: [] },
      storages: [],
      opened: [],
      secrets: [],
    });
  });

  it('give a network flat, and each storage instance with its location', async () => {
    const { value } = await reading(
      async (hook) => [await hook.network('peers'), await hook.storages('data')] as const,
      {
        'network-get': {
          'bind-addresses': [
            {
              'mac-address': 'ae:cf:52:ea:7d:33',
              'interface-name': 'eth0',
              addresses: [{ hostname: '10.66.0.11', value: '10.66.0.11', cidr: '10.66.0.0/24' }],
            },
          ],
          'egress-subnets': ['10.66.0.11/32'],
          'ingress-addresses': ['10.66.0.11'],
        },
        'storage-list': ['data/0', 'data/7'],
        'storage-get': (args: string[]) => ({ kind: 'filesystem', location: `/srv/${args.at(-1)}` }),
      },
    );
    expect(value).toEqual([
      {
        bindAddresses: [{ interfaceName: 'eth0', address: '10.66.0.11', cidr: '10.66.0.0/24' }],
        ingressAddresses: ['10.66.0.11'],
        egressSubnets: ['10.66.0.11/32'],
      },
      [
        { id: 'data/0', kind: 'filesystem', location: '/srv/data/0' },
        { id: 'data/7', kind: 'filesystem', location: '/srv/data/7' },
      ],
    ]);
  });

  it('of a resource give its path, or nothing when none was attached; a failed download is an error', async () => {
    const resource = (answer: unknown) =>
      reading((hook) => hook.resource('release').catch((error: unknown) => error), {
        'resource-get': answer,
      });
    expect((await resource({ code: 0, stdout: '/var/lib/r.tgz', stderr: '' })).value).toBe('/var/lib/r.tgz');
    expect(
      (await resource(failing('could not download resource: resource#app/release not found'))).value,
    ).toBe(undefined);
    expect((await resource(failing('could not download resource: connection reset'))).value).toBeInstanceOf(
      ToolFailure,
    );
  });
});

describe('failures', () => {
  it.each([
    ['this unit is not the leader', NotLeader],
    ['cannot write relation settings', NotLeader],
    ['cannot write leadership settings: cannot write settings: not the leader', NotLeader],
    ['invalid value "9" for option -r: relation not found', RelationGone],
    ['permission denied', PermissionDenied],
    ['cannot open 80-90/tcp (unit "a/0"): port range conflicts with 80/tcp (unit "b/0")', PortConflict],
    ['relation unit not found', NotFound],
    ['something else', ToolFailure],
  ])('"%s" is recognised', async (text, expected) => {
    const { value } = await reading(
      (hook) => hook.tool('any-tool', ['-x', 'y']).catch((error: unknown) => error),
      {
        'any-tool': failing(text, 2),
      },
    );
    expect(value).toBeInstanceOf(expected);
    expect((value as ToolFailure).constructor).toBe(expected);
    expect(value).toMatchObject({ tool: 'any-tool', args: ['-x', 'y'], code: 2, stderr: `ERROR ${text}\n` });
    expect(String(value)).toBe(`${expected.name}: \`any-tool -x y\` failed with exit code 2: ERROR ${text}`);
  });

  it('a secret that is not there is told apart from one that was not granted, and a tool that Juju lacks from both', async () => {
    const fail = (tool: string, answer: unknown) =>
      reading((hook) => hook.tool(tool, []).catch((error: unknown) => error), { [tool]: answer });
    expect((await fail('secret-info-get', failing('secret "x" not found'))).value).toBeInstanceOf(
      SecretNotFound,
    );
    expect((await fail('secret-get', failing('permission denied'))).value).toBeInstanceOf(PermissionDenied);
    expect((await fail('leader-set', failing('spawn leader-set ENOENT', 127))).value).toBeInstanceOf(
      ToolMissing,
    );
  });
});
