import { describe, expect, it } from 'vitest';
import { database, deployed, inExec, of, one, settle } from './fixtures.ts';

const uri = /^secret:\/\/[0-9a-f-]{36}\/[0-9a-v]{20}\n$/;

/** app/0 leads and has a secret with the label `l`. */
function withSecret(profile: '4.0' | '3.6' = '4.0') {
  const { juju } = deployed(2, { profile });
  const id = inExec(juju, 'app/0', ['secret-add', 'abc=one', '--label', 'l']).stdout.trim();
  return { juju, id };
}

describe('a secret', () => {
  it('has a full URI in 4.0 and a short one in 3.6', () => {
    expect(`${withSecret().id}\n`).toMatch(uri);
    expect(withSecret('3.6').id).toMatch(/^secret:[0-9a-v]{20}$/);
  });

  it('is read by its owner’s label, its URI and its bare id', () => {
    const { juju, id } = withSecret();
    const bare = id.slice(-20);
    for (const args of [['--label', 'l'], [id], [bare], [`secret:${bare}`]]) {
      expect(inExec(juju, 'app/0', ['secret-get', ...args, '--format=json']).stdout).toBe('{"abc":"one"}\n');
    }
    expect(inExec(juju, 'app/0', ['secret-get', id, 'abc']).stdout).toBe('one\n');
    expect(inExec(juju, 'app/0', ['secret-get', id, 'abc#base64']).stdout).toBe('b25l\n');
    expect(inExec(juju, 'app/0', ['secret-get', id, 'nosuch']).stderr).toBe(
      'ERROR secret key value "nosuch" not found\n',
    );
  });

  it('of an application may be read by all its units, changed by the leader alone', () => {
    const { juju, id } = withSecret();
    expect(inExec(juju, 'app/1', ['secret-get', id]).stdout).toBe('abc: one\n');
    for (const call of [
      ['secret-set', id, 'abc=two'],
      ['secret-remove', id],
    ] as const) {
      expect(inExec(juju, 'app/1', [...call]).stderr).toBe('ERROR this unit is not the leader\n');
    }
    expect(inExec(juju, 'app/1', ['secret-info-get', id]).code).toBe(1);
  });

  it('pins the revision that was read first: peek looks on, refresh moves on', () => {
    const { juju, id } = withSecret();
    inExec(juju, 'app/1', ['secret-get', id]);
    inExec(juju, 'app/0', ['secret-set', id, 'abc=two']);
    const got = (...flags: string[]) =>
      inExec(juju, 'app/1', ['secret-get', id, 'abc', ...flags]).stdout.trim();
    expect([got(), got('--peek'), got(), got('--refresh'), got()]).toEqual([
      'one',
      'two',
      'one',
      'two',
      'two',
    ]);
  });

  it('tells its readers of a new revision by secret-changed, with the reader’s own label', () => {
    const { juju, id } = withSecret();
    inExec(juju, 'app/1', ['secret-get', id, '--label', 'mine']);
    inExec(juju, 'app/0', ['secret-set', id, 'abc=one']);
    expect(settle(juju)).toEqual([]);
    inExec(juju, 'app/0', ['secret-set', id, 'abc=two']);
    const env: unknown[] = [];
    const ran = settle(juju, (context) => {
      env.push([context.env.JUJU_SECRET_ID, context.env.JUJU_SECRET_LABEL, context.env.JUJU_SECRET_REVISION]);
      return undefined;
    });
    expect(ran).toEqual(['app/1 secret-changed']);
    expect(env).toEqual([[id, 'mine', undefined]]);
    expect(inExec(juju, 'app/1', ['secret-get', '--label', 'mine', '--refresh']).stdout).toBe('abc: two\n');
  });

  it('tells its owner by secret-remove of a revision that nobody tracks any more', () => {
    const { juju, id } = withSecret();
    inExec(juju, 'app/1', ['secret-get', id]);
    inExec(juju, 'app/0', ['secret-set', id, 'abc=two']);
    expect(settle(juju)).toEqual(['app/1 secret-changed']);
    inExec(juju, 'app/1', ['secret-get', id, '--refresh']);
    const revisions: unknown[] = [];
    const ran = settle(juju, (context) => {
      revisions.push(context.env.JUJU_SECRET_REVISION);
      context.tool('secret-remove', [id, '--revision', '1']);
      return undefined;
    });
    expect(ran).toEqual(['app/0 secret-remove']);
    expect(revisions).toEqual(['1']);
    expect(juju.model.secrets.get(id.slice(-20))?.revisions).toEqual([undefined, { abc: 'two' }]);
  });

  it('shows its buffered update to peek and refresh only', () => {
    const { juju, id } = withSecret();
    const { results } = inExec(
      juju,
      'app/0',
      ['secret-get', id, 'abc'],
      ['secret-set', id, 'abc=two'],
      ['secret-get', id, 'abc'],
      ['secret-get', id, 'abc', '--peek'],
    );
    expect(results.map((each) => each.stdout)).toEqual(['one\n', '', 'one\n', 'two\n']);
  });

  it('is seen by another application only while a relation grants it', () => {
    const { juju, id } = withSecret();
    juju.deploy('db', database);
    const relation = juju.integrate('app:db', 'db:sql');
    settle(juju);
    const read = () => inExec(juju, 'db/0', ['secret-get', id]);
    expect(read().stderr).toBe('ERROR permission denied\n');
    inExec(juju, 'app/0', ['secret-grant', id, '-r', String(relation)]);
    expect(read().stdout).toBe('abc: one\n');
    inExec(juju, 'app/0', ['secret-revoke', id, '--app', 'db']);
    expect(read().code).toBe(1);
    inExec(juju, 'app/0', ['secret-grant', id, '-r', String(relation)]);
    expect(read().code).toBe(0);
    juju.removeRelation(relation);
    settle(juju);
    expect(read().stderr).toBe('ERROR permission denied\n');
  });

  it('of a user is read when granted; a new content is a new revision', () => {
    const { juju } = deployed(1);
    const given = juju.addSecret('uri', { uri: 'postgres://1' });
    juju.configure('app', { key: given });
    expect(inExec(juju, 'app/0', ['secret-get', given]).stderr).toBe('ERROR permission denied\n');
    juju.grantSecret('uri', 'app');
    expect(inExec(juju, 'app/0', ['secret-get', given]).stdout).toBe('uri: postgres://1\n');
    settle(juju);
    juju.updateSecret('uri', { uri: 'postgres://2' });
    expect(settle(juju)).toEqual(['app/0 secret-changed']);
    expect(inExec(juju, 'app/0', ['secret-get', given, '--peek']).stdout).toBe('uri: postgres://2\n');
  });

  it('is described to its owner, with the owner’s label', () => {
    const { juju, id } = withSecret();
    const { stdout } = inExec(juju, 'app/0', ['secret-info-get', '--label', 'l', '--format=json']);
    expect(JSON.parse(stdout)).toEqual({
      [id.slice(-20)]: { revision: 1, label: 'l', owner: 'application', rotation: 'never' },
    });
    expect(inExec(juju, 'app/0', ['secret-ids', '--format=json']).stdout).toBe(`["${id.slice(-20)}"]\n`);
  });

  it('is refused with Juju’s words when the call is wrong', () => {
    const { juju, id } = withSecret();
    const unknown = 'secret:cqqqqqqqqqqqqqqqqqqg';
    const cases: [string[], number, string][] = [
      [['secret-add'], 2, 'missing secret value or filename'],
      [['secret-add', 'ab=v'], 2, 'key "ab" not valid'],
      [['secret-add', 'K_b=v'], 2, 'key "K_b" not valid'],
      [['secret-add', 'abc='], 1, 'empty secret value not valid'],
      [['secret-add', 'abc=v', '--owner', 'x'], 2, 'secret owner "x" not valid'],
      [['secret-add', 'abc=v', '--rotate', 'x'], 2, 'rotate policy "x" not valid'],
      [['secret-add', 'abc=v', '--expire', 'x'], 2, 'expire time or duration "x" not valid'],
      [['secret-get'], 2, 'require either a secret URI or label'],
      [['secret-get', 'bogus'], 2, 'secret URI "bogus" not valid'],
      [['secret-get', unknown], 1, 'getting latest secret revision: secret not found'],
      [['secret-get', '--label', 'x'], 1, 'secret URI for consumer label "x" not found'],
      [['secret-get', id, '--peek', '--refresh'], 2, 'specify one of --peek or --refresh but not both'],
      [['secret-info-get', '--label', 'x'], 1, 'secret "x" not found'],
      [['secret-grant', id], 2, 'no relation id specified'],
      [['secret-grant', unknown, '-r', '0'], 1, 'secret "cqqqqqqqqqqqqqqqqqqg" not found'],
      [['secret-revoke', id], 2, 'missing relation or application or unit'],
      [['secret-set'], 2, 'missing secret URI'],
    ];
    for (const [[tool = '', ...args], code, text] of cases) {
      expect([args, inExec(juju, 'app/0', [tool, ...args]).results[0]]).toEqual([
        args,
        { code, stdout: '', stderr: `ERROR ${text}\n` },
      ]);
    }
  });

  it('cannot have the label of another: the tool knows those of its own run, the commit all', () => {
    const { juju } = withSecret();
    const add = ['secret-add', 'abc=v', '--label'] as const;
    const twice = inExec(juju, 'app/0', [...add, 'new'], [...add, 'new']);
    expect(twice).toMatchObject({ code: 1, stderr: 'ERROR secret with label "new" already exists\n' });
    const taken = inExec(juju, 'app/0', [...add, 'l']);
    expect(taken).toMatchObject({ code: 0, record: { status: 'aborted' } });
  });

  it('of a unit goes with the unit', () => {
    const { juju } = deployed(2);
    inExec(juju, 'app/1', ['secret-add', 'abc=v', '--owner', 'unit']);
    juju.removeUnit('app/1');
    expect(of('app/1', settle(juju)).at(-1)).toBe('remove');
    expect(juju.model.secrets.size).toBe(0);
  });

  it('that a failed hook added is gone', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    one(juju, 'app/0', (context) => {
      context.tool('secret-add', ['abc=v', '--label', 'l']);
      expect(context.tool('secret-get', ['--label', 'l']).stdout).toBe('abc: v\n');
      return { exitCode: 1 };
    });
    juju.resolve('app/0', { retry: false });
    expect(inExec(juju, 'app/0', ['secret-ids', '--format=json']).stdout).toBe('null\n');
  });

  it('may hold a file, which the agent opens, not the caller', () => {
    const asked: string[] = [];
    const read = (unit: string, path: string) => {
      asked.push(`${unit} ${path}`);
      return path === '/there' ? 'content' : undefined;
    };
    const { juju } = deployed(1, { disk: { read, write: () => {} } });
    const [added, missing] = inExec(
      juju,
      'app/0',
      ['secret-add', 'abc#file=/there'],
      ['secret-add', 'abc#file=missing'],
    ).results;
    expect(inExec(juju, 'app/0', ['secret-get', added?.stdout.trim() ?? '', 'abc']).stdout).toBe('content\n');
    expect(missing).toMatchObject({
      code: 2,
      stderr: 'ERROR reading content for secret key "abc": open missing: no such file or directory\n',
    });
    expect(asked).toEqual(['app/0 /there', 'app/0 missing']);
  });

  it('is pinned by a first --peek, and its owner hears of its own updates like any reader', () => {
    const { juju, id } = withSecret();
    inExec(juju, 'app/1', ['secret-get', id, '--peek']);
    inExec(juju, 'app/0', ['secret-get', id]);
    inExec(juju, 'app/0', ['secret-set', id, 'abc=two']);
    expect(settle(juju).sort()).toEqual(['app/0 secret-changed', 'app/1 secret-changed']);
    expect(inExec(juju, 'app/1', ['secret-get', id, 'abc']).stdout).toBe('one\n');
  });

  it('has a secret-remove for each old revision that nobody tracks, read or not', () => {
    const { juju, id } = withSecret();
    for (const value of ['two', 'three']) {
      inExec(juju, 'app/0', ['secret-set', id, `abc=${value}`]);
      expect(settle(juju)).toEqual(['app/0 secret-remove']);
    }
  });
});
