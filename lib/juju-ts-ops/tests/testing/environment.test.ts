import { describe, expect, it } from 'vitest';
import { FakeJuju } from '../../testing/index.ts';
import { database, deployed, files, model, one, settle, standing } from './fixtures.ts';

const always = [
  'APT_LISTCHANGES_FRONTEND',
  'CHARM_DIR',
  'CLOUD_API_VERSION',
  'DEBIAN_FRONTEND',
  'JUJU_AGENT_SOCKET_ADDRESS',
  'JUJU_AGENT_SOCKET_NETWORK',
  'JUJU_API_ADDRESSES',
  'JUJU_AVAILABILITY_ZONE',
  'JUJU_CHARM_DIR',
  'JUJU_CHARM_FTP_PROXY',
  'JUJU_CHARM_HTTPS_PROXY',
  'JUJU_CHARM_HTTP_PROXY',
  'JUJU_CHARM_NO_PROXY',
  'JUJU_CHARM_TRACE_CONFIG_CA_CERT',
  'JUJU_CHARM_TRACE_CONFIG_GRPC',
  'JUJU_CHARM_TRACE_CONFIG_HTTP',
  'JUJU_CONTEXT_ID',
  'JUJU_HOOK_NAME',
  'JUJU_MACHINE_ID',
  'JUJU_MODEL_NAME',
  'JUJU_MODEL_UUID',
  'JUJU_PRINCIPAL_UNIT',
  'JUJU_UNIT_NAME',
  'JUJU_VERSION',
  'LANG',
  'PATH',
  'TERM',
];

describe('the environment', () => {
  it('of each kind of run is exactly Juju’s: no HOME, no USER, no TMPDIR', () => {
    const { juju } = model();
    juju.deploy('app', files, { units: 2 });
    const extra = new Map<string, string[]>();
    const note = (name: string, env: Readonly<Record<string, string>>) => {
      expect(Object.keys(env)).toEqual(expect.arrayContaining(always));
      extra.set(
        name,
        Object.keys(env)
          .filter((key) => !always.includes(key))
          .sort(),
      );
    };
    const act = (context: { operation: { name: string }; env: Readonly<Record<string, string>> }) => {
      note(context.operation.name, context.env);
      return undefined;
    };
    settle(juju, act);
    juju.exec('app/0', 'x');
    juju.runAction('app/0', 'act');
    juju.removeUnit('app/1');
    settle(juju, act);
    const relation = [
      'JUJU_DISPATCH_PATH',
      'JUJU_RELATION',
      'JUJU_RELATION_ID',
      'JUJU_REMOTE_APP',
      'JUJU_REMOTE_UNIT',
    ];
    expect(Object.fromEntries(extra)).toMatchObject({
      install: ['JUJU_DISPATCH_PATH'],
      'data-storage-attached': [
        'JUJU_DISPATCH_PATH',
        'JUJU_STORAGE_ID',
        'JUJU_STORAGE_KIND',
        'JUJU_STORAGE_LOCATION',
      ],
      'peers-relation-joined': relation,
      'peers-relation-departed': ['JUJU_DEPARTING_UNIT', ...relation],
      act: ['JUJU_ACTION_NAME', 'JUJU_ACTION_TAG', 'JUJU_ACTION_UUID', 'JUJU_DISPATCH_PATH'],
      'run-commands': [],
    });
  });

  it('says in created and broken which application, in joined which unit', () => {
    const { juju } = deployed(1);
    juju.deploy('db', database);
    juju.integrate('app:db', 'db:sql');
    const seen: string[] = [];
    settle(juju, ({ env, unit }) => {
      if (unit === 'app/0') {
        seen.push(
          [env.JUJU_DISPATCH_PATH, env.JUJU_RELATION_ID, env.JUJU_REMOTE_APP, env.JUJU_REMOTE_UNIT].join(' '),
        );
      }
      return undefined;
    });
    expect(seen).toEqual([
      'hooks/db-relation-created db:1 db ',
      'hooks/db-relation-joined db:1 db db/0',
      'hooks/db-relation-changed db:1 db db/0',
    ]);
  });

  it('of the departing unit is the remote one, or the unit itself when it is going', () => {
    const { juju } = deployed(2, { peersHearDeparture: true });
    juju.deploy('db', database);
    const id = juju.integrate('app:db', 'db:sql');
    settle(juju);
    const departing: string[] = [];
    const note = ({ unit, env }: { unit: string; env: Readonly<Record<string, string>> }) => {
      if (env.JUJU_DEPARTING_UNIT !== undefined)
        departing.push(`${unit} about ${env.JUJU_REMOTE_UNIT}: ${env.JUJU_DEPARTING_UNIT}`);
      return undefined;
    };
    const during = (act: () => void) => {
      departing.length = 0;
      act();
      settle(juju, note);
      return departing.toSorted();
    };
    expect(during(() => juju.removeRelation(id))).toEqual([
      'app/0 about db/0: db/0',
      'app/1 about db/0: db/0',
      'db/0 about app/0: app/0',
      'db/0 about app/1: app/1',
    ]);
    expect(during(() => juju.removeUnit('app/1'))).toEqual([
      'app/0 about app/1: app/1',
      'app/1 about app/0: app/1',
    ]);
    juju.addUnit('app');
    settle(juju);
    expect(during(() => juju.removeApplication('app'))).toEqual([
      'app/0 about app/2: app/0',
      'app/2 about app/0: app/2',
    ]);
  });

  it('has a new context id for each run', () => {
    const { juju } = deployed(1);
    const ids = new Set<string>();
    for (let each = 0; each < 3; each += 1) {
      juju.exec('app/0', 'x');
      one(juju, 'app/0', (context) => {
        expect(context.env.JUJU_CONTEXT_ID).toMatch(/^app\/0-run-commands-[0-9a-f]{32}$/);
        ids.add(context.id);
        return undefined;
      });
    }
    expect(ids.size).toBe(3);
  });

  it('tells the model’s proxies and the version of the profile', () => {
    const juju = new FakeJuju({
      seed: 1,
      clock: standing(),
      profile: '3.6',
      proxies: { http: 'http://p:1', no: 'x' },
    });
    juju.deploy('app', files);
    one(juju, 'app/0', ({ env }) => {
      expect(env).toMatchObject({
        JUJU_CHARM_HTTP_PROXY: 'http://p:1',
        JUJU_CHARM_NO_PROXY: 'x',
        JUJU_SLA: 'unsupported',
      });
      expect(env.JUJU_VERSION).toMatch(/^3\.6\./);
      expect(env).not.toHaveProperty('JUJU_CHARM_TRACE_CONFIG_HTTP');
      return undefined;
    });
  });
});

describe('a model', () => {
  it('refuses what Juju refuses: unknown options, wrong types, unknown resources, twice the same name', () => {
    const { juju } = model();
    juju.deploy('app', files);
    expect(() => juju.configure('app', { nosuch: 1 })).toThrow('unknown option "nosuch"');
    expect(() => juju.configure('app', { number: 'x' })).toThrow('option "number" expected int, got "x"');
    expect(() => juju.configure('app', { key: 'plain' })).toThrow('option "key" expected secret');
    expect(() => juju.attachResource('app', 'nosuch', '/x')).toThrow('unknown resource "nosuch"');
    expect(() => juju.deploy('app', files)).toThrow('already exists');
    juju.configure('app', { number: '8', flag: 'false' });
    expect(juju.model.applications.get('app')?.config).toEqual(
      new Map<string, unknown>([
        ['number', 8],
        ['flag', false],
      ]),
    );
  });

  it('refuses shared storage as 4.0 does', () => {
    const shared = { metadata: { name: 'app', storage: { data: { type: 'filesystem', shared: true } } } };
    expect(() => model().juju.deploy('app', shared)).toThrow(
      'requires shared storage which is not implemented',
    );
  });

  it('never uses a unit number again, not even after the application came back', () => {
    const { juju } = deployed(2);
    juju.removeApplication('app');
    settle(juju);
    juju.deploy('app', files);
    expect(juju.units('app')).toEqual(['app/2']);
  });

  it('has the same history for the same seed', () => {
    const history = (seed: number) => {
      const { juju } = model({ seed });
      juju.deploy('app', files, { units: 3 });
      const ids: string[] = [];
      settle(juju, (context) => {
        ids.push(context.id);
        return undefined;
      });
      return ids.join('\n');
    };
    expect(history(5)).toBe(history(5));
    expect(history(5)).not.toBe(history(6));
  });
});
