import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { machine, type TestMachine } from './machine.ts';

const run = (m: TestMachine, ...argv: string[]) => m.systemd.command('systemd-run', argv);
const journal = (m: TestMachine, ...argv: string[]) =>
  m.systemd.command('journalctl', ['--no-pager', ...argv]);

describe('systemctl', () => {
  test('show answers a block for each name, in the order asked, and knows units that are not there', async () => {
    await using m = machine();
    m.unit('a.service', ['ExecStart=/bin/sleep 1000']);
    const { stdout } = await m.systemctl(
      'show',
      'b',
      'a',
      '--property=Id,LoadState,ActiveState,UnitFileState,MainPID',
    );
    expect(stdout).toBe(
      'MainPID=0\nId=b.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\n' +
        'MainPID=0\nId=a.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n',
    );
    expect(await m.systemctl('show', 'a', '-p', 'LoadState', '--value')).toMatchObject({
      stdout: 'loaded\n',
    });
  });

  test('what it does not know is refused', async () => {
    await using m = machine();
    m.unit('a.service', ['ExecStart=/bin/sleep 1000']);
    for (const argv of [
      ['start', '--job-mode=fail', 'a'],
      ['isolate', 'x'],
      ['show', 'a', '-p', 'Nonsense'],
      ['start'],
    ]) {
      const { code, stderr } = await m.systemctl(...argv);
      expect(code).toBe(1);
      expect(stderr).not.toBe('');
    }
  });

  test.each([
    [['start', 'x'], 5, 'Failed to start x.service: Unit x.service not found.\n'],
    [['restart', 'x'], 5, 'Failed to restart x.service: Unit x.service not found.\n'],
    [['stop', 'x'], 5, 'Failed to stop x.service: Unit x.service not loaded.\n'],
    [['enable', 'x'], 1, 'Failed to enable unit: Unit file x.service does not exist.\n'],
    [['disable', 'x'], 1, 'Failed to disable unit: Unit file x.service does not exist.\n'],
    [['kill', 'x'], 1, 'Failed to kill unit x.service: Unit x.service not loaded.\n'],
  ])('%j of a unit that is not there: exit code %i', async (argv, code, stderr) => {
    await using m = machine();
    expect(await m.systemctl(...argv)).toEqual({ code, stdout: '', stderr });
  });

  test('is-active, is-enabled and is-failed answer by text and exit code', async () => {
    await using m = machine();
    m.unit('a.service', ['ExecStart=/bin/sleep 1000']);
    m.unit('f.service', ['Type=oneshot', 'ExecStart=/bin/false']);
    await m.systemctl('start', 'a', 'f');
    expect(await m.systemctl('is-active', 'a')).toEqual({ code: 0, stdout: 'active\n', stderr: '' });
    expect(await m.systemctl('is-active', 'f')).toEqual({ code: 3, stdout: 'failed\n', stderr: '' });
    expect(await m.systemctl('is-active', '--quiet', 'x')).toEqual({ code: 4, stdout: '', stderr: '' });
    expect(await m.systemctl('is-failed', 'f')).toMatchObject({ code: 0 });
    expect(await m.systemctl('is-enabled', 'a')).toEqual({ code: 1, stdout: 'disabled\n', stderr: '' });
    expect(await m.systemctl('is-enabled', 'x')).toEqual({ code: 4, stdout: 'not-found\n', stderr: '' });
  });

  test('enable makes the link by which boot finds the service, disable takes it away', async () => {
    await using m = machine();
    m.unit('a.service', ['ExecStart=/bin/sleep 1000']);
    const link = join(m.root, 'etc/systemd/system/multi-user.target.wants/a.service');
    expect((await m.systemctl('enable', 'a')).stderr).toBe(
      'Created symlink /etc/systemd/system/multi-user.target.wants/a.service → /etc/systemd/system/a.service.\n',
    );
    expect(existsSync(link)).toBe(true);
    expect(await m.systemctl('enable', 'a')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await m.systemctl('is-enabled', 'a')).toMatchObject({ code: 0 });
    await m.systemctl('disable', 'a');
    expect(existsSync(link)).toBe(false);
  });

  test('a changed unit file counts only after daemon-reload', async () => {
    await using m = machine();
    m.unit('a.service', [`ExecStart=/bin/sh -c 'echo old; sleep 1000'`]);
    await m.systemctl('start', 'a');
    m.unit('a.service', [`ExecStart=/bin/sh -c 'echo new; sleep 1000'`]);
    expect(await m.show('a', 'NeedDaemonReload')).toEqual(['yes']);
    const { code, stderr } = await m.systemctl('restart', 'a');
    expect(code).toBe(0);
    expect(stderr).toContain("changed on disk. Run 'systemctl daemon-reload'");
    await m.systemctl('daemon-reload');
    expect(await m.systemctl('restart', 'a')).toEqual({ code: 0, stdout: '', stderr: '' });
    await m.prints('a.service', 'new');
    expect(m.said('a.service').filter((line) => line === 'old').length).toBeGreaterThan(0);
  });

  test('a drop-in adds to the unit', async () => {
    await using m = machine();
    m.unit('a.service', ['Environment=A=1', `ExecStart=/bin/sh -c 'echo $$A $$B; sleep 1000'`]);
    m.write('etc/systemd/system/a.service.d/local.conf', '[Service]\nEnvironment=B=2\n');
    await m.systemctl('start', 'a');
    await m.prints('a.service', '1 2');
  });

  test('a bad unit file shows as such and does not start', async () => {
    await using m = machine();
    m.unit('a.service', ['Restart=sometimes', 'ExecStart=/bin/true']);
    expect(await m.show('a', 'LoadState')).toEqual(['bad-setting']);
    expect((await m.systemctl('start', 'a')).stderr).toContain('Unit a.service has a bad unit file setting.');
  });

  test('a pattern stops the units that it matches, and no others', async () => {
    await using m = machine();
    for (const name of ['w-1.service', 'w-2.service', 'x.service'])
      m.unit(name, ['ExecStart=/bin/sleep 1000']);
    await m.systemctl('start', 'w-1', 'w-2', 'x');
    expect(await m.systemctl('stop', 'w-*')).toMatchObject({ code: 0 });
    const { stdout } = await m.systemctl('list-units', '--plain', '--no-legend', '--all', '*.service');
    expect(stdout.split('\n').map((line) => line.split(/\s+/).slice(0, 4).join(' '))).toEqual([
      'w-1.service loaded inactive dead',
      'w-2.service loaded inactive dead',
      'x.service loaded active running',
      '',
    ]);
    expect(await m.systemctl('stop', 'none-*')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('--no-block returns before the job is done', async () => {
    await using m = machine();
    m.unit('a.service', [`ExecStartPre=/bin/sh -c 'echo waiting; sleep 1000'`, 'ExecStart=/bin/true']);
    expect(await m.systemctl('start', '--no-block', 'a')).toEqual({ code: 0, stdout: '', stderr: '' });
    await m.prints('a.service', 'waiting');
    expect(await m.show('a', 'ActiveState', 'SubState')).toEqual(['activating', 'start-pre']);
  });
});

describe('systemd-run', () => {
  test('--on-active runs the command once, when its time has come, and leaves nothing behind', async () => {
    await using m = machine();
    const answer = await run(
      m,
      '--unit=wake',
      '--on-active=120',
      '--',
      '/bin/sh',
      '-c',
      'echo "woken $HOME 100%"',
    );
    expect(answer).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Running timer as unit: wake.timer\nWill run service as unit: wake.service\n',
    });
    expect(await m.show('wake.timer', 'ActiveState', 'SubState', 'NextElapseUSecMonotonic')).toEqual([
      'active',
      'waiting',
      '2min',
    ]);
    m.clock.advance(119_999);
    expect(m.said('wake.service')).toEqual([]);
    m.clock.advance(1);
    expect(await m.prints('wake.service', 'woken')).toBe('woken  100%');
    await m.systemd.journal.waitFor(({ message }) => message === 'wake.service: Deactivated successfully.');
    expect(await m.show('wake.timer', 'LoadState')).toEqual(['not-found']);
    expect(await m.show('wake.service', 'LoadState')).toEqual(['not-found']);
  });

  test('a failing command is repeated until it succeeds; meanwhile its name is taken', async () => {
    await using m = machine();
    const flag = join(m.root, 'flag');
    const wake = [
      '--unit=wake',
      '--on-active=1s',
      '--property=Restart=on-failure',
      '--property=RestartSec=5s',
      '--collect',
      '--',
    ];
    await run(m, ...wake, '/bin/sh', '-c', `[ -e ${flag} ] && echo done`);
    m.clock.advance(1000);
    await m.reaches('wake.service', 'activating/auto-restart');
    expect(await run(m, ...wake, '/bin/true')).toMatchObject({
      code: 1,
      stderr:
        'Failed to start transient timer unit: Unit wake.timer was already loaded or has a fragment file.\n',
    });
    m.write('flag', '');
    m.clock.advance(5000);
    await m.prints('wake.service', 'done');
  });

  test('without --collect a failed service stays, and keeps its name, until reset-failed', async () => {
    await using m = machine();
    await run(m, '--unit=wake', '--on-active=1', '/bin/false');
    m.clock.advance(1000);
    await m.reaches('wake.service', 'failed/failed');
    expect((await run(m, '--unit=wake', '--on-active=1', '/bin/true')).stderr).toContain(
      'wake.service was already loaded',
    );
    await m.systemctl('reset-failed', 'wake.service');
    expect(await run(m, '--unit=wake', '--on-active=1', '/bin/true')).toMatchObject({ code: 0 });
  });

  test('a stopped timer never fires, and its name is free', async () => {
    await using m = machine();
    await run(m, '--unit=wake', '--on-active=1', '--', '/bin/sh', '-c', 'echo woken');
    expect(await m.systemctl('stop', 'wake.timer')).toMatchObject({ code: 0 });
    m.clock.advance(60_000);
    expect(m.said('wake.service')).toEqual([]);
    expect(await run(m, '--unit=wake', '--on-active=1', '--', '/bin/true')).toMatchObject({ code: 0 });
  });

  test('a command’s words arrive as they are', async () => {
    await using m = machine();
    const words = ['a b', '"q"', "it's", '$HOME ${X} $$', '100%', 'back\\slash', '', '--unit=x'];
    await run(
      m,
      '--unit=now',
      '--property=Type=oneshot',
      '--',
      '/bin/sh',
      '-c',
      'for w; do echo "<$w>"; done; echo end',
      'sh',
      ...words,
    );
    await m.prints('now.service', 'end');
    expect(m.said('now.service').filter((line) => line.startsWith('<'))).toEqual(
      words.map((word) => `<${word}>`),
    );
  });

  test.each([
    [['--on-calendar=daily', '/bin/true'], 'on-calendar'],
    [['--on-active=1', '--timer-property=WakeSystem=yes', '/bin/true'], 'WakeSystem'],
    [['--unit=x', '--property=Nonsense=1', '/bin/true'], 'Nonsense'],
    [['--unit=x'], 'Command line to execute required'],
  ])('%j is refused', async (argv, reason) => {
    await using m = machine();
    const { code, stderr } = await run(m, ...argv);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
  });

  test('programs that stand elsewhere on the machine are found', async () => {
    await using m = machine({ programs: { '/usr/bin/juju-exec': '/bin/echo' } });
    await run(m, '--unit=now', '--property=Type=oneshot', '--', '/usr/bin/juju-exec', 'hello');
    await m.prints('now.service', 'hello');
  });
});

describe('journalctl', () => {
  async function twoRuns(m: TestMachine): Promise<[string, string]> {
    m.unit('a.service', ['Type=oneshot', `ExecStart=/bin/sh -c 'echo one; echo Two >&2; echo three'`]);
    const ids: string[] = [];
    for (let count = 0; count < 2; count += 1) {
      await m.systemctl('start', 'a');
      const [id = ''] = await m.show('a', 'InvocationID');
      await m.systemd.journal.waitFor(({ invocation, message }) => invocation === id && message === 'three');
      await m.systemd.journal.waitFor(({ invocation, message }) => invocation === id && message === 'Two');
      ids.push(id);
      m.clock.advance(60_000);
    }
    return [ids[0] ?? '', ids[1] ?? ''];
  }

  test('an invocation’s own lines, without what systemd says about it', async () => {
    await using m = machine();
    const [first] = await twoRuns(m);
    const { stdout } = await journal(m, '-o', 'cat', `_SYSTEMD_INVOCATION_ID=${first}`);
    expect(stdout.split('\n').toSorted()).toEqual(['', 'Two', 'one', 'three']);
  });

  test('--grep ignores case when it is all lower case; none found is code 1 in silence', async () => {
    await using m = machine();
    const [, second] = await twoRuns(m);
    const base = ['--quiet', '--output=cat', `_SYSTEMD_INVOCATION_ID=${second}`];
    expect(await journal(m, ...base, '--grep=two|one', '-n', '1')).toMatchObject({
      stdout: expect.stringMatching(/^(one|Two)\n$/),
    });
    expect(await journal(m, ...base, '--grep=two')).toEqual({ code: 0, stdout: 'Two\n', stderr: '' });
    expect(await journal(m, ...base, '--grep=tWo')).toEqual({ code: 1, stdout: '', stderr: '' });
  });

  test('-n takes the newest, -r turns them round, -u and --since choose', async () => {
    await using m = machine();
    await twoRuns(m);
    const { stdout } = await journal(m, '-u', 'a', '-r', '-n', '2', '-o', 'cat');
    expect(stdout.split('\n')).toHaveLength(3);
    const all = (await journal(m, '-u', 'a', '-o', 'cat')).stdout.split('\n');
    const recent = (await journal(m, '-u', 'a', '-o', 'cat', '--since', '-90s')).stdout.split('\n');
    expect(recent.length - 1).toBe((all.length - 1) / 2);
    expect(await journal(m, '-u', 'a', `--since=@${m.clock.now() / 1000 + 1}`)).toMatchObject({
      stdout: '-- No entries --\n',
    });
  });

  test('-o json is an object a line, of strings', async () => {
    await using m = machine();
    const [first] = await twoRuns(m);
    const { stdout } = await journal(
      m,
      '-o',
      'json',
      '-n',
      '1',
      `_SYSTEMD_INVOCATION_ID=${first}`,
      'MESSAGE=one',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      MESSAGE: 'one',
      _SYSTEMD_UNIT: 'a.service',
      SYSLOG_IDENTIFIER: 'sh',
      PRIORITY: '6',
    });
  });

  test.each([['--follow'], ['_UID=0'], ['-o', 'export'], ['--since=whenever']])(
    '%j is refused',
    async (...argv) => {
      await using m = machine();
      expect((await journal(m, ...argv)).code).toBe(1);
    },
  );
});
