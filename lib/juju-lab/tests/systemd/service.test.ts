import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lives, machine } from './machine.ts';

const forever = 'exec sleep 1000';
const shell = (script: string) => `/bin/sh -c '${script}'`;

test('a service starts, shows its main process, and stops by SIGTERM', async () => {
  await using m = machine();
  m.unit('a.service', [`ExecStart=${shell(`echo up; ${forever}`)}`], ['Description=The A']);
  expect(await m.systemctl('start', 'a.service')).toEqual({ code: 0, stdout: '', stderr: '' });
  const [active, sub, pid] = await m.show('a', 'ActiveState', 'SubState', 'MainPID');
  expect([active, sub]).toEqual(['active', 'running']);
  await m.prints('a.service', 'up');
  expect(lives(m.systemd, Number(pid))).toBe(true);
  expect(await m.systemctl('stop', 'a')).toMatchObject({ code: 0 });
  expect(await m.show('a', 'ActiveState', 'SubState', 'MainPID', 'Result')).toEqual([
    'inactive',
    'dead',
    '0',
    'success',
  ]);
  expect(lives(m.systemd, Number(pid))).toBe(false);
  expect(m.said('a.service')).toContain('Started a.service - The A.');
});

test('the environment is systemd’s own, then Environment=, then the files; nothing of the lab’s', async () => {
  await using m = machine({ path: ['/lab/bin'] });
  const file = m.write('etc/a.env', 'B="from file"\nC=\\$x\n');
  m.unit('a.service', [
    'Environment=A=1 "B=two words"',
    `EnvironmentFile=${file}`,
    `EnvironmentFile=-${m.root}/none`,
    'ExecStart=/bin/sh -c "env; echo arg=$0,$1; sleep 1000" ${B} $A',
  ]);
  await m.systemctl('start', 'a');
  await m.prints('a.service', 'arg=from file,1');
  const lines = m.said('a.service');
  expect(lines).toEqual(expect.arrayContaining(['A=1', 'B=from file', 'C=$x']));
  expect(lines.find((line) => line.startsWith('PATH='))).toMatch(/^PATH=\/lab\/bin:\/usr\/local\/sbin:/);
  expect(lines).toContain(`INVOCATION_ID=${(await m.show('a', 'InvocationID'))[0]}`);
  expect(lines.some((line) => line.startsWith('HOME='))).toBe(false);
});

test('a missing EnvironmentFile= fails the start', async () => {
  await using m = machine();
  m.unit('a.service', ['EnvironmentFile=/none/such', 'ExecStart=/bin/true']);
  const { code, stderr } = await m.systemctl('start', 'a');
  expect(code).toBe(1);
  expect(stderr).toContain('Job for a.service failed because of unavailable resources');
  expect(await m.show('a', 'ActiveState', 'Result')).toEqual(['failed', 'resources']);
});

test('ExecStartPre= runs in order; one that fails ends the start, unless it is marked by "-"', async () => {
  await using m = machine();
  m.unit('a.service', [
    `ExecStartPre=-${shell('echo first; exit 3')}`,
    `ExecStartPre=${shell('echo second')}`,
    `ExecStart=${shell(forever)}`,
  ]);
  m.unit('b.service', ['ExecStartPre=/bin/false', `ExecStart=${shell('echo never')}`]);
  expect(await m.systemctl('start', 'a')).toMatchObject({ code: 0 });
  await m.prints('a.service', 'second');
  const { code, stderr } = await m.systemctl('start', 'b');
  expect(code).toBe(1);
  expect(stderr).toContain('Job for b.service failed because the control process exited with error code.');
  expect(await m.show('b', 'ActiveState', 'Result')).toEqual(['failed', 'exit-code']);
  expect(m.said('b.service')).not.toContain('never');
});

test('a program that is not there fails with 203: after the start for Type=simple, in it for Type=exec', async () => {
  await using m = machine();
  m.unit('a.service', ['ExecStart=/none/such']);
  m.unit('b.service', ['Type=exec', 'ExecStart=/none/such']);
  expect(await m.systemctl('start', 'a')).toMatchObject({ code: 0 });
  await m.reaches('a.service', 'failed/failed');
  expect(await m.systemctl('start', 'b')).toMatchObject({ code: 1 });
  expect(await m.show('b', 'ExecMainStatus', 'Result')).toEqual(['203', 'exit-code']);
});

test('ExecStop= is given the main process, and SIGTERM follows for what is left', async () => {
  await using m = machine();
  m.unit('a.service', [
    `ExecStart=${shell('trap "echo asked" USR1; trap "echo terminated; exit 0" TERM; echo ready; while :; do sleep 0.02; done')}`,
    'ExecStop=/bin/kill -USR1 $MAINPID',
    `ExecStopPost=${shell('echo after $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS')}`,
  ]);
  await m.systemctl('start', 'a');
  await m.prints('a.service', 'ready');
  await m.systemctl('stop', 'a');
  await m.prints('a.service', 'after success exited 0');
  const printed = m.said('a.service').filter((line) => /^(asked|terminated)$/.test(line));
  expect(printed.at(-1)).toBe('terminated');
});

test('a service that does not stop in time is killed, and has failed by timeout', async () => {
  await using m = machine();
  m.unit('a.service', [
    `ExecStart=${shell('trap "echo no" TERM; echo ready; while :; do sleep 0.02; done')}`,
    'TimeoutStopSec=60s',
  ]);
  await m.systemctl('start', 'a');
  await m.prints('a.service', 'ready');
  const stopped = m.systemctl('stop', 'a');
  await m.prints('a.service', 'no');
  m.clock.advance(60_000);
  expect(await stopped).toMatchObject({ code: 0 });
  expect(await m.show('a', 'ActiveState', 'Result', 'MainPID')).toEqual(['failed', 'timeout', '0']);
});

test('a stop in the middle of ExecStartPre= ends the start', async () => {
  await using m = machine();
  m.unit('a.service', [
    `ExecStartPre=${shell(`echo waiting; ${forever}`)}`,
    `ExecStart=${shell('echo never')}`,
  ]);
  const start = m.systemctl('start', 'a');
  await m.prints('a.service', 'waiting');
  await m.systemctl('stop', 'a');
  expect(await start).toMatchObject({ code: 1, stderr: 'Job for a.service canceled.\n' });
  expect(await m.show('a', 'ActiveState', 'Result')).toEqual(['inactive', 'success']);
});

test('reload runs ExecReload= without a new invocation', async () => {
  await using m = machine();
  m.unit('a.service', [
    `ExecStart=${shell('trap "echo reread" HUP; echo ready; while :; do sleep 0.02; done')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
  ]);
  await m.systemctl('start', 'a');
  await m.prints('a.service', 'ready');
  const before = await m.show('a', 'MainPID', 'InvocationID');
  expect(await m.systemctl('reload', 'a')).toMatchObject({ code: 0 });
  await m.prints('a.service', 'reread');
  expect(await m.show('a', 'MainPID', 'InvocationID')).toEqual(before);
  await m.systemctl('restart', 'a');
  const after = await m.show('a', 'MainPID', 'InvocationID');
  expect(after[1]).not.toBe(before[1]);
});

test('a oneshot service is active only with RemainAfterExit=', async () => {
  await using m = machine();
  m.unit('a.service', ['Type=oneshot', `ExecStart=${shell('echo one')}`, `ExecStart=${shell('echo two')}`]);
  m.unit('b.service', [
    'Type=oneshot',
    'RemainAfterExit=yes',
    'ExecStart=/bin/true',
    `ExecStop=${shell('echo undone')}`,
  ]);
  await m.systemctl('start', 'a', 'b');
  await m.prints('a.service', 'two');
  expect(await m.show('a', 'ActiveState')).toEqual(['inactive']);
  expect(await m.show('b', 'ActiveState', 'SubState')).toEqual(['active', 'exited']);
  await m.systemctl('stop', 'b');
  await m.prints('b.service', 'undone');
});

test.skipIf(process.getuid?.() !== 0)(
  'User= is obeyed by root, and a missing one fails with 217',
  async () => {
    await using m = machine();
    m.unit('a.service', ['User=nobody', `ExecStart=${shell(`id -un; ${forever}`)}`]);
    m.unit('b.service', ['User=none-such', 'ExecStart=/bin/true']);
    await m.systemctl('start', 'a');
    expect(await m.prints('a.service', '')).toBe('nobody');
    expect(await m.systemctl('start', 'b')).toMatchObject({ code: 1 });
    expect(await m.show('b', 'ExecMainStatus')).toEqual(['217']);
  },
);

test('a journal file for people has what was printed', async () => {
  await using m = machine();
  await using other = machine({ journalDirectory: join(m.root, 'journal') });
  other.unit('a.service', [`ExecStart=${shell('echo hello')}`]);
  await other.systemctl('start', 'a');
  await other.prints('a.service', 'hello');
  expect(readFileSync(join(m.root, 'journal/a.service.log'), 'utf8')).toMatch(
    /^\S+Z [0-9a-f]{8} sh\[\d+\]: hello$/m,
  );
});
