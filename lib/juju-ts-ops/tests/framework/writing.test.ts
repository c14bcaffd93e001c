import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pieces } from '../../src/log.ts';
import { charm, type TestHook } from './charm.ts';
import { failing, runHook } from './scripted.ts';

describe('the status', () => {
  it('is the worst that was added, written once and last', async () => {
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          hook.status.add({ status: 'active', message: 'fine' });
          hook.status.add({ status: 'blocked', message: 'first\n  of   two' });
          hook.status.add({ status: 'blocked', message: 'second' });
          hook.status.add({ status: 'waiting', message: 'soon' });
          hook.workloadVersion('8.2.0');
          hook.log.info('hello');
        },
      }),
    );
    expect(outcome.of('status-set')).toEqual(['blocked first of two']);
    expect(outcome.calls.map(({ tool }) => tool)).toEqual([
      'application-version-set',
      'juju-log',
      'status-set',
    ]);
  });

  it('of every two is the worse: blocked, maintenance, waiting, active', async () => {
    const worse: string[] = [];
    for (const [one, other] of [
      ['maintenance', 'blocked'],
      ['waiting', 'maintenance'],
      ['active', 'waiting'],
    ] as const) {
      const both = async (hook: TestHook): Promise<void> => {
        hook.status.add({ status: one });
        hook.status.add({ status: other });
      };
      worse.push(...(await runHook(charm({ reconcile: both }))).of('status-set'));
    }
    // Without a message the old one would stay out of place: an empty one clears it.
    expect(worse).toEqual(['blocked ', 'maintenance ', 'waiting ']);
  });

  it('is not touched when none was added', async () => {
    expect((await runHook(charm({}))).of('status-set')).toEqual([]);
  });

  it('fits: cut at 500 characters, no option even with a leading dash, secrets masked', async () => {
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          hook.mask('hunter2');
          await hook.progress('x'.repeat(600));
          hook.status.add({ status: 'blocked', message: '-v hunter2' });
        },
      }),
    );
    const [progress, last] = outcome.calls.map(({ args }) => args);
    expect(progress?.[1]).toHaveLength(500);
    expect(last).toEqual(['blocked', '--', '-v ***']);
  });
});

describe('the log', () => {
  it('is one call for each level in order of first use, with errors at once', async () => {
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          hook.log.info('one');
          hook.log.debug('two');
          hook.log.error('now');
          hook.log.info('three');
          await hook.tool('is-leader', []);
        },
      }),
      { 'is-leader': true },
    );
    expect(outcome.calls.map(({ args }) => args.join(' '))).toEqual([
      '-l ERROR now',
      '',
      '-l INFO one\nthree',
      '-l DEBUG two',
    ]);
  });

  it('masks what was marked secret, before and after, longest first', async () => {
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          hook.log.info('key abcdef and abcdefghij');
          hook.mask('abcdef');
          hook.mask('abcdefghij');
          hook.mask('');
          hook.mask('a"b\n');
          hook.log.info(JSON.stringify({ key: 'a"b' }));
        },
      }),
    );
    expect(outcome.of('juju-log')).toEqual(['-l INFO key *** and ***\n{"key":"***"}']);
  });

  it('cuts into arguments that the system takes, without splitting a character', () => {
    const text = `${'ä'.repeat(900)}\n${'b'.repeat(90)}\n${'c'.repeat(20)}\n\n😀`;
    const cut = pieces(text, 100);
    expect(Math.max(...cut.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(100);
    expect(cut.join('').replaceAll('\n', '')).toBe(text.replaceAll('\n', ''));
    expect(pieces('a\n\nb', 100)).toEqual(['a\n\nb']);
    expect(pieces('', 100)).toEqual([]);
    expect(pieces('a\0b', 100)).toEqual(['a␀b']);
  });

  it('goes to stderr when Juju does not take it, and the hook still succeeds', async () => {
    const outcome = await runHook(charm({ reconcile: async (hook) => hook.log.warning('careful') }), {
      'juju-log': failing('connection refused'),
    });
    expect(outcome.code).toBe(0);
    expect(outcome.errors[0]).toBe('warning: careful');
  });
});

describe('a hook that throws', () => {
  it('exits with 1, publishes nothing, and logs the stack and its causes, masked', async () => {
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          hook.mask('hunter2');
          hook.log.info('before');
          hook.ports.declare([{ port: 80 }]);
          hook.status.add({ status: 'active' });
          throw new Error('outer', { cause: new AggregateError([new Error('first of hunter2')], 'inner') });
        },
      }),
    );
    expect(outcome.code).toBe(1);
    expect([...new Set(outcome.calls.map(({ tool }) => tool))]).toEqual(['juju-log']);
    const text = outcome.of('juju-log').join('\n');
    expect(text).toContain('-l ERROR update-status failed: Error: outer\n    at ');
    expect(text).toContain('caused by: AggregateError: inner');
    expect(text).toContain('first of ***');
    expect(text).toContain('-l INFO before');
  });

  it('exits with 1 when Juju refuses what it publishes', async () => {
    const outcome = await runHook(charm({ reconcile: async (hook) => hook.ports.declare([{ port: 80 }]) }), {
      'opened-ports': [],
      'open-port': failing('cannot open 80/tcp (unit "a/0"): port range conflicts with 80/tcp (unit "b/0")'),
    });
    expect(outcome.code).toBe(1);
    expect(outcome.of('juju-log').join()).toContain('PortConflict');
  });
});

describe('ports', () => {
  const opened = ['80/tcp', '8000-8010/udp', 'icmp'];
  it('are opened and closed to what was declared, closing first', async () => {
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          hook.ports.declare([{ port: 80 }]);
          hook.ports.declare([
            { port: 8000, to: 8020, protocol: 'udp' },
            { port: 443, to: 443 },
          ]);
        },
      }),
      { 'opened-ports': opened },
    );
    expect(outcome.calls.map(({ tool, args }) => [tool, ...args].join(' '))).toEqual([
      'opened-ports --format=json',
      'close-port 8000-8010/udp',
      'close-port icmp',
      'open-port 8000-8020/udp',
      'open-port 443/tcp',
    ]);
  });
  it('are left alone in a hook that declares none', async () => {
    expect((await runHook(charm({}), { 'opened-ports': opened })).calls).toEqual([]);
  });
});

describe('secrets', () => {
  it('travel in private files that are gone afterwards, never as arguments', async () => {
    const files: { path: string; text: string; mode: number }[] = [];
    const content = {
      'private-key': '-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----\n',
      equals: '==',
      spaced: '  x  ',
    };
    let uri = '';
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          uri = await hook.secrets.add(content, { label: 'keys', owner: 'application' });
          expect(await hook.secrets.get(uri)).toEqual(content);
          hook.log.info('abcdefghijkl');
        },
      }),
      {
        'secret-add': (args: readonly string[]) => {
          for (const arg of args.filter((one) => one.includes('#file='))) {
            const path = arg.slice(arg.indexOf('=') + 1);
            files.push({ path, text: readFileSync(path, 'utf8'), mode: statSync(path).mode & 0o777 });
          }
          return { code: 0, stdout: 'secret:abc\n', stderr: '' };
        },
      },
    );
    expect(outcome.code).toBe(0);
    expect(uri).toBe('secret:abc');
    expect(files.map(({ text, mode }) => [text, mode])).toEqual(
      Object.values(content).map((text) => [text, 0o600]),
    );
    expect(JSON.stringify(outcome.calls)).not.toContain('abcdefghijkl');
    expect(outcome.of('juju-log')).toEqual(['-l INFO ***']);
    for (const { path } of files) expect(() => statSync(path)).toThrow('ENOENT');
  });

  it('that are not there are undefined, and their content is masked when they are', async () => {
    const got: unknown[] = [];
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          got.push(await hook.secrets.get({ label: 'none' }), await hook.secrets.info('secret:none'));
          got.push(await hook.secrets.get('secret:some', 'refresh'));
          hook.log.info('the uri is postgres://u:p@h');
        },
      }),
      {
        'secret-get': (args: readonly string[]) =>
          args.includes('secret:some')
            ? { uri: 'postgres://u:p@h' }
            : failing('secret with label "none" not found'),
        'secret-info-get': failing('secret "none" not found'),
      },
    );
    expect(got).toEqual([undefined, undefined, { uri: 'postgres://u:p@h' }]);
    expect(outcome.of('secret-get')[1]).toBe('--format=json secret:some --refresh');
    expect(outcome.of('juju-log')).toEqual(['-l INFO the uri is ***']);
  });

  it('show what this hook set under the label too, and tell Juju of each change', async () => {
    const got: unknown[] = [];
    let revision = 1;
    const outcome = await runHook(
      charm({
        reconcile: async (hook) => {
          got.push(
            await hook.secrets.get({ label: 'keys' }),
            (await hook.secrets.info({ label: 'keys' }))?.revision,
          );
          await hook.secrets.set('secret://model-uuid/abc', { key: 'new-value' });
          got.push(await hook.secrets.get({ label: 'keys' }), await hook.secrets.info({ label: 'keys' }));
          await hook.secrets.grant('secret:abc', { id: 'db:1' }, 'pg/0');
          await hook.secrets.revoke('secret:abc', { application: 'pg' });
          await hook.secrets.remove('secret:abc', 1);
        },
      }),
      {
        'secret-get': { key: 'old-value' },
        'secret-set': () => void revision++,
        'secret-info-get': () => ({
          abc: { revision, label: 'keys', owner: 'application', rotation: 'never', access: [] },
        }),
      },
    );
    expect(outcome.code).toBe(0);
    expect(got).toEqual([
      { key: 'old-value' },
      1,
      { key: 'new-value' },
      { uri: 'secret:abc', revision: 2, label: 'keys', owner: 'application', rotation: 'never' },
    ]);
    expect(outcome.of('secret-grant')).toEqual(['secret:abc -r db:1 --unit pg/0']);
    expect(outcome.of('secret-revoke')).toEqual(['secret:abc --app pg']);
    expect(outcome.of('secret-remove')).toEqual(['secret:abc --revision 1']);
  });
});
