import { describe, expect, it } from 'vitest';
import { Cluster, NotModelled, type Profile, type Refused, refused } from '../../testing/index.ts';
import { demo } from './charm.ts';
import { database, deployed, files, inExec, model, one, settle } from './fixtures.ts';

const call =
  (words: string, profile: Profile = '4.0', stdin?: string) =>
  () => {
    const { juju } = deployed(2, { profile });
    juju.exec('app/0', 'tools');
    one(juju, 'app/0', (context) => {
      const [tool = '', ...args] = words.split(' ');
      context.tool(tool, args, stdin);
      return undefined;
    });
  };

const act = (spec: object) => () => {
  const { juju } = model();
  juju.deploy('app', { ...files, actions: { act: spec } });
  juju.runAction('app/0', 'act', { p: 'x' });
};

/** Each gap with something that runs into it. */
const cases: Record<Refused, () => unknown> = {
  help: call('config-get --help'),
  reboot: call('juju-reboot'),
  credentials: () => {
    const { juju } = deployed(1);
    juju.trust('app');
    settle(juju);
    inExec(juju, 'app/0', ['credential-get']);
  },
  rotation: call('secret-add abc=v --rotate daily'),
  expiry: call('secret-add abc=v --expire 2h'),
  'secret file': call('secret-add --file /tmp/x'),
  'secret size': call(`secret-add abc=${'x'.repeat(1_000_001)}`),
  'secret gone': () => {
    const { juju } = deployed(1);
    const uri = inExec(juju, 'app/0', ['secret-add', 'abc=v']).stdout.trim();
    juju.exec('app/0', 'tools');
    one(juju, 'app/0', (context) => {
      context.tool('secret-set', [uri, 'abc=w']);
      juju.model.secrets.clear();
      return undefined;
    });
  },
  'tool of 3.6': call('leader-get', '3.6'),
  disk: call('relation-set -r 0 --file /tmp/x'),
  'YAML key': call('relation-set -r 0 --file -', '4.0', '{[a]: b}'),
  'YAML anchor': call('relation-set -r 0 --file -', '4.0', 'a: &x b\nc: *x\n'),
  'other databag': () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    inExec(juju, 'app/0', ['relation-get', '-r', '0', '--app', '-', 'db']);
  },
  'schema keyword': act({ params: { p: { type: 'string', format: 'uri' } } }),
  'open schema': act({ params: {}, additionalProperties: { type: 'string' } }),
  subordinate: () => model().juju.deploy('app', { metadata: { name: 'app', subordinate: true } }),
  'foreign script': async () => {
    const cluster = new Cluster({ seed: 1, charm: () => demo() });
    cluster.deploy('demo', { units: 1 });
    cluster.juju.exec('demo/0', 'echo hello');
    await cluster.step();
  },
};

describe('what the fake does not model', () => {
  it.each(Object.entries(cases))(
    'is refused loudly, never answered with a guess: %s',
    async (what, provoke) => {
      const caught = await Promise.resolve()
        .then(provoke)
        .catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(NotModelled);
      expect(caught).toMatchObject({
        what,
        message: expect.stringContaining('not modelled by the fake Juju: '),
      });
    },
  );

  it('has one sentence each', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(refused).sort());
    expect(new Set(Object.values(refused)).size).toBe(Object.keys(refused).length);
  });

  it.each([{ relation: { scope: 'container', interface: 'x' } }])(
    'is no container-scoped relation either',
    ({ relation }) => {
      const metadata = { name: 'app', requires: { relation } };
      expect(() => model().juju.deploy('app', { metadata })).toThrow(NotModelled);
    },
  );
});
