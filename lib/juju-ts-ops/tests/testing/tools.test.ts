import { describe, expect, it } from 'vitest';
import type { HookContext } from '../../testing/index.ts';
import { deployed, inExec, one, settle } from './fixtures.ts';

/** Runs lines such as `config-get text` in one juju-exec on app/0 and gives code, stdout and stderr of each. */
function answers(lines: readonly string[], options: Parameters<typeof deployed>[1] = {}) {
  const { juju } = deployed(2, options);
  const split = lines.map((line) => line.split(' '));
  const { results } = inExec(
    juju,
    'app/0',
    ...split.map(([tool = '', ...args]): [string, ...string[]] => [tool, ...args]),
  );
  return results.map(({ code, stdout, stderr }) => [code, stdout || stderr]);
}

describe('a hook tool', () => {
  it('answers with Juju’s shapes where there is nothing', () => {
    expect(
      answers([
        'config-get nosuch --format=json',
        'config-get nosuch --format=yaml',
        'config-get --all --format=json',
        'relation-ids nosuch --format=json',
        'relation-get -r 0 nosuch app/1 --format=json',
        'state-get --format=json',
        'state-get',
        'state-get k --format=json',
        'secret-ids --format=json',
        'secret-ids',
        'storage-list nosuch',
        'opened-ports --format=json',
      ]),
    ).toEqual([
      [0, 'null\n'],
      [0, ''],
      [0, '{"flag":true,"key":null,"number":7,"text":"hello","unset":null}\n'],
      [0, '[]\n'],
      [0, 'null\n'],
      [0, 'null\n'],
      [0, '{}\n'],
      [0, '""\n'],
      [0, 'null\n'],
      [0, ''],
      [0, ''],
      [0, '[]\n'],
    ]);
  });

  it('says 2 for bad usage and 1 for a failing run, in Juju’s words', () => {
    const cases: [line: string, code: number, text: string][] = [
      ['config-get --nosuch', 2, 'option provided but not defined: --nosuch'],
      ['config-get -x', 2, 'option provided but not defined: -x'],
      ['config-get --format', 2, 'option needs an argument: --format'],
      ['config-get --format xml', 2, 'invalid value "xml" for option --format: unknown format "xml"'],
      ['config-get text number', 2, 'unrecognized args: ["number"]'],
      ['config-get --all text', 2, 'cannot use argument --all together with key "text"'],
      ['relation-list', 2, 'no relation id specified'],
      ['relation-list -r 9', 2, 'invalid value "9" for option -r: relation not found'],
      ['relation-list -r bogus', 2, 'invalid value "bogus" for option -r: invalid relation id'],
      ['relation-ids', 2, 'no endpoint name specified'],
      ['relation-get -r 0', 2, 'no unit or application specified'],
      ['relation-get -r 0 - app', 2, 'expected unit name, got application name "app"'],
      ['relation-get -r 0 - app/x', 2, 'invalid unit name "app/x"'],
      ['relation-get -r 0 - app/99', 1, 'relation unit not found'],
      ['relation-get -r 0 --app - other', 1, 'getting application "other" not found'],
      ['relation-set -r 0 nokey', 2, 'expected "key=value", got "nokey"'],
      ['relation-set -r 0 k=1 k=2', 2, 'key "k" specified more than once'],
      ['status-set', 2, 'invalid args, require <status> [message]'],
      ['status-set error', 2, 'invalid status "error", expected one of [maintenance blocked waiting active]'],
      ['storage-get', 2, 'no storage instance specified'],
      [
        'storage-get -s data/9',
        2,
        'invalid value "data/9" for option -s: storage instance "data/9" not found',
      ],
      ['storage-get -s data', 2, 'invalid value "data" for option -s: invalid storage ID "data"'],
      ['storage-get -s data/0 size', 1, 'invalid storage attribute "size"'],
      ['action-get', 1, 'not running an action'],
      [
        'action-set A=1',
        2,
        'key "A" must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric and hyphens',
      ],
      ['action-set x', 2, 'argument "x" must be of the form key...=value'],
      ['action-set a.stdout=x', 2, 'cannot set reserved action key "stdout"'],
      ['open-port x', 2, 'invalid port "x": strconv.Atoi: parsing "x": invalid syntax'],
      ['open-port 80/sctp', 2, 'invalid protocol "sctp", expected "tcp", "udp", or "icmp"'],
      ['open-port 90-80', 2, 'invalid port range 90-80/tcp'],
      ['open-port 65536', 2, 'port range bounds must be between 0 and 65535, got 65536-65536'],
      ['juju-log', 2, 'no message specified'],
      ['network-get', 2, 'no arguments specified'],
      ['network-get nosuch', 1, 'no network config found for binding "nosuch"'],
      ['unit-get nosuch', 2, 'unknown setting "nosuch"'],
      ['resource-get', 2, 'missing required resource name'],
      ['state-get --strict k', 1, '"k" not found'],
      ['credential-get', 1, 'cannot access cloud credentials: permission denied'],
    ];
    expect(answers(cases.map(([line]) => line))).toEqual(
      cases.map(([, code, text]) => [code, `ERROR ${text}\n`]),
    );
  });

  it('refuses what only the leader may, to another', () => {
    const { juju } = deployed(2);
    const { results } = inExec(
      juju,
      'app/1',
      ['relation-set', '-r', '0', '--app', 'k=v'],
      ['status-set', '--application', 'active'],
      ['status-get', '--application'],
      ['secret-add', 'abc=v'],
    );
    expect(results.map((each) => [each.code, each.stderr])).toEqual([
      [1, 'ERROR cannot write relation settings\n'],
      [1, 'ERROR this unit is not the leader\n'],
      [1, 'ERROR finding application status: this unit is not the leader\n'],
      [1, 'ERROR this unit is not the leader\n'],
    ]);
  });

  it('relation-set trims, deletes by the empty value, reads a file from stdin, and lets arguments win over it', () => {
    const { juju } = deployed(1);
    juju.exec('app/0', 'x');
    one(juju, 'app/0', (context) => {
      context.tool('relation-set', ['-r', '0', ' a = 1 ', 'b=2']);
      context.tool('relation-set', ['-r', '0', 'b=']);
      context.tool('relation-set', ['-r', '0', '--file', '-', 'c=arg'], '{"c":"file","d":" kept "}');
      const warned = context.tool('relation-set', ['-r', '0', '--format', 'json', 'e=5']);
      expect(warned).toEqual({
        code: 0,
        stdout: '',
        stderr: '--format flag deprecated for command "relation-set"',
      });
      return undefined;
    });
    expect(juju.databag('peers', 'app/0')).toMatchObject({ a: '1', c: 'arg', d: ' kept ', e: '5' });
    expect(juju.databag('peers', 'app/0')).not.toHaveProperty('b');
  });

  it('takes options after positionals, `--` for the end of options, `other:7` for relation 7', () => {
    const lines = [
      'config-get text --format=json',
      'config-get -- text',
      'relation-list -r other:0 --format json',
    ];
    expect(answers(lines)).toEqual([
      [0, '"hello"\n'],
      [0, 'hello\n'],
      [0, '["app/1"]\n'],
    ]);
  });

  it('network-get, goal-state and status-get have the shapes of Juju', () => {
    const [network, addresses, goal, status, app] = answers([
      'network-get peers --format=json',
      'network-get peers --bind-address --ingress-address',
      'goal-state --format=json',
      'status-get --include-data --format=json',
      'status-get --application --format=json',
    ]).map(([, text]) => String(text));
    expect(JSON.parse(network ?? '')).toMatchObject({
      'bind-addresses': [
        {
          'interface-name': 'eth0',
          addresses: [{ hostname: '10.66.0.11', value: '10.66.0.11', cidr: '10.66.0.0/24' }],
        },
      ],
      'egress-subnets': ['10.66.0.11/32'],
      'ingress-addresses': ['10.66.0.11'],
    });
    expect(addresses).toBe('bind-address: 10.66.0.11\ningress-address: 10.66.0.11\n');
    expect(JSON.parse(goal ?? '')).toEqual({
      units: {
        'app/0': { status: 'unknown', since: '2026-01-01 00:00:00Z' },
        'app/1': { status: 'unknown', since: '2026-01-01 00:00:00Z' },
      },
      relations: {},
    });
    expect(JSON.parse(status ?? '')).toEqual({ message: '', status: 'unknown', 'status-data': {} });
    expect(JSON.parse(app ?? '')).toMatchObject({
      'application-status': { units: { 'app/1': { status: 'unknown' } } },
    });
  });

  it('open-port of a range that overlaps another of the machine is refused, the same again is not', () => {
    const { juju } = deployed(1);
    const { results } = inExec(
      juju,
      'app/0',
      ['open-port', '80-90/tcp'],
      ['open-port', '80-90/tcp'],
      ['open-port', '85'],
      ['open-port', '85/udp'],
    );
    expect(results.map((each) => each.stderr)).toEqual([
      '',
      '',
      'ERROR cannot open 85/tcp (unit "app/0"): port range conflicts with 80-90/tcp (unit "app/0") requested earlier\n',
      '',
    ]);
    expect(juju.status().applications.app?.units['app/0']?.['open-ports']).toEqual(['80-90/tcp', '85/udp']);
  });

  it('state keys and values are bounded at the call', () => {
    const { juju } = deployed(1);
    expect(inExec(juju, 'app/0', ['state-set', `k=${'x'.repeat(65_537)}`]).code).toBe(1);
    expect(inExec(juju, 'app/0', ['state-set', `k=${'x'.repeat(65_536)}`]).code).toBe(0);
    expect(inExec(juju, 'app/0', ['state-delete', 'k'], ['state-get', '--format=json']).stdout).toBe(
      'null\n',
    );
  });

  it('juju-log knows its levels, joins its words, and names the relation in a relation’s hook', () => {
    const { juju } = deployed(1);
    inExec(
      juju,
      'app/0',
      ['juju-log', '-l', 'critical', 'a', 'b'],
      ['juju-log', '--debug', 'd'],
      ['juju-log', '-l', 'odd', 'x'],
    );
    expect(juju.log.map((each) => `${each.level} ${each.text}`)).toEqual([
      'CRITICAL a b',
      'DEBUG d',
      'WARNING Specified log level of "odd" is not valid',
      'INFO x',
    ]);
    juju.addUnit('app');
    settle(juju, (context) => {
      if (context.unit === 'app/0') context.tool('juju-log', ['hello']);
      return undefined;
    });
    expect(juju.log.at(-1)?.text).toBe('peers:0: hello');
  });

  it('is counted, and kept with its answer in the run', () => {
    const { juju } = deployed(1);
    juju.exec('app/0', 'x');
    let seen: HookContext | undefined;
    one(juju, 'app/0', (context) => {
      seen = context;
      context.tool('is-leader', ['--format=json']);
      return undefined;
    });
    expect(juju.toolCalls).toEqual({ 'is-leader': 1 });
    expect(seen?.calls).toEqual([
      { tool: 'is-leader', args: ['--format=json'], code: 0, stdout: 'true\n', stderr: '' },
    ]);
  });

  it('that 4.0 does not have any more is not found; in 3.6 it is refused as not modelled', () => {
    expect(answers(['leader-get'])[0]?.[0]).toBe(127);
    expect(() => answers(['leader-get'], { profile: '3.6' })).toThrow(
      'not modelled by the fake Juju: a hook tool that only 3.6 has: leader-get',
    );
  });

  it('is refused loudly where the fake would have to guess', () => {
    expect(() => answers(['config-get --help'])).toThrow('not modelled');
    expect(() => answers(['juju-reboot'])).toThrow('not modelled');
    expect(() => answers(['secret-add abc=v --rotate daily'])).toThrow('not modelled');
    expect(() => answers(['config-get -o /tmp/x text'])).toThrow('not modelled');
    expect(() => answers(['relation-set -r 0 --file /tmp/x'])).toThrow('not modelled');
  });
});
