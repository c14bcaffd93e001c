import { expect, test } from 'vitest';
import { scanProcesses } from '../../src/systemd/processes.ts';
import { lives, machine, type TestMachine } from './machine.ts';

/** A service whose children are told by name: `shim PID`. One of them leads a session of its own and wiped its environment. */
const parent = `/bin/sh -c 'sleep 1000 & echo shim $!; setsid env -i sleep 2000 & echo shim $!; echo ready; exec sleep 3000'`;

async function started(m: TestMachine): Promise<{ main: number; shims: number[] }> {
  await m.systemctl('start', 'a');
  await m.prints('a.service', 'ready');
  const shims = m
    .said('a.service')
    .flatMap((line) => (line.startsWith('shim ') ? [Number(line.slice(5))] : []));
  const [pid] = await m.show('a', 'MainPID');
  return { main: Number(pid), shims: shims.slice(-2) };
}

test('KillMode=process leaves children alone; the next start tells of them, and a power cut ends them', async () => {
  await using m = machine();
  m.unit('a.service', [`ExecStart=${parent}`, 'KillMode=process']);
  const { main, shims } = await started(m);
  await m.systemctl('stop', 'a');
  expect(lives(m.systemd, main)).toBe(false);
  expect(shims.map((pid) => lives(m.systemd, pid))).toEqual([true, true]);
  await m.systemctl('start', 'a');
  expect(m.said('a.service').join('\n')).toContain(
    `Found left-over process ${shims[0]} (sleep) in control group`,
  );
  await m.systemd.cut();
  const left = scanProcesses().map(({ pid }) => pid);
  expect(left.filter((pid) => shims.includes(pid))).toEqual([]);
});

test.each(['control-group', 'mixed'])('KillMode=%s takes all children along', async (mode) => {
  await using m = machine();
  m.unit('a.service', [`ExecStart=${parent}`, `KillMode=${mode}`]);
  const { main, shims } = await started(m);
  expect(
    m.systemd.services
      .get('a.service')
      ?.service.processes()
      .map(({ pid }) => pid),
  ).toEqual(expect.arrayContaining([main, ...shims]));
  await m.systemctl('stop', 'a');
  expect(m.systemd.services.get('a.service')?.service.processes()).toEqual([]);
});

test.each([
  ['no', 'exit 1', 'failed/failed'],
  ['on-failure', 'exit 0', 'inactive/dead'],
  ['on-failure', 'exit 1', 'activating/auto-restart'],
  ['on-failure', 'kill -KILL $$$$', 'activating/auto-restart'],
  ['on-failure', 'kill -TERM $$$$', 'inactive/dead'],
  ['on-abnormal', 'exit 1', 'failed/failed'],
  ['always', 'exit 0', 'activating/auto-restart'],
])('Restart=%s after "%s" leads to %s', async (restart, script, state) => {
  await using m = machine();
  m.unit('a.service', [`ExecStart=/bin/sh -c '${script}'`, `Restart=${restart}`, 'RestartSec=5']);
  await m.systemctl('start', 'a');
  await m.reaches('a.service', state);
});

test('a killed service restarts after RestartSec= with a new invocation, counted until the next start by hand', async () => {
  await using m = machine();
  m.unit('a.service', ['ExecStart=/bin/sleep 1000', 'Restart=on-failure', 'RestartSec=5']);
  await m.systemctl('start', 'a');
  const [first] = await m.show('a', 'InvocationID');
  expect(await m.systemctl('kill', '--signal=SIGKILL', '--kill-who=main', 'a')).toMatchObject({ code: 0 });
  await m.reaches('a.service', 'activating/auto-restart');
  m.clock.advance(4999);
  expect(await m.show('a', 'SubState')).toEqual(['auto-restart']);
  m.clock.advance(1);
  await m.reaches('a.service', 'active/running');
  const [second, count] = await m.show('a', 'InvocationID', 'NRestarts');
  expect(second).not.toBe(first);
  expect(count).toBe('1');
  await m.systemctl('restart', 'a');
  expect(await m.show('a', 'NRestarts')).toEqual(['0']);
});

test('a stop while a restart is ahead prevents it', async () => {
  await using m = machine();
  m.unit('a.service', ['ExecStart=/bin/false', 'Restart=always', 'RestartSec=5']);
  await m.systemctl('start', 'a');
  await m.reaches('a.service', 'activating/auto-restart');
  await m.systemctl('stop', 'a');
  m.clock.advance(60_000);
  expect(await m.show('a', 'ActiveState', 'NRestarts')).toEqual(['inactive', '0']);
});

test('StartLimitBurst= ends restarts, until reset-failed', async () => {
  await using m = machine();
  m.unit(
    'a.service',
    ['ExecStart=/bin/false', 'Restart=always', 'RestartSec=1'],
    ['StartLimitIntervalSec=60', 'StartLimitBurst=3'],
  );
  await m.systemctl('start', 'a');
  for (let restart = 0; restart < 3; restart += 1) {
    await m.reaches('a.service', 'activating/auto-restart');
    m.clock.advance(1000);
  }
  await m.reaches('a.service', 'failed/failed');
  expect(await m.show('a', 'Result')).toEqual(['start-limit-hit']);
  expect(await m.systemctl('start', 'a')).toMatchObject({ code: 1 });
  await m.systemctl('reset-failed', 'a');
  expect(await m.systemctl('start', 'a')).toMatchObject({ code: 0 });
});

test('SuccessExitStatus= and RestartPreventExitStatus= are heeded', async () => {
  await using m = machine();
  m.unit('a.service', [`ExecStart=/bin/sh -c 'exit 143'`, 'SuccessExitStatus=143']);
  m.unit('b.service', [`ExecStart=/bin/sh -c 'exit 2'`, 'Restart=always', 'RestartPreventExitStatus=2']);
  await m.systemctl('start', 'a', 'b');
  await m.reaches('a.service', 'inactive/dead');
  await m.reaches('b.service', 'failed/failed');
});

test('after a power cut only enabled services come up, and timers are forgotten', async () => {
  await using m = machine();
  m.unit('a.service', [`ExecStart=${parent}`, 'KillMode=process']);
  m.unit('b.service', ['ExecStart=/bin/sleep 1000']);
  const { shims } = await started(m);
  await m.systemctl('start', 'b');
  await m.systemctl('enable', 'b');
  await m.systemd.command('systemd-run', ['--unit=wake', '--on-active=60', '--', '/bin/true']);
  const before = m.systemd.processes().map(({ pid }) => pid);
  await m.systemd.reboot();
  expect(before.filter((pid) => lives(m.systemd, pid))).toEqual([]);
  expect(shims.map((pid) => lives(m.systemd, pid))).toEqual([false, false]);
  expect(await m.show('a', 'ActiveState', 'InvocationID')).toEqual(['inactive', '']);
  expect(await m.show('b', 'ActiveState')).toEqual(['active']);
  expect(await m.show('wake.timer', 'LoadState')).toEqual(['not-found']);
});

test('a clean reboot stops services first', async () => {
  await using m = machine();
  m.unit('a.service', ['ExecStart=/bin/sleep 1000', `ExecStop=/bin/sh -c 'echo landing'`]);
  await m.systemctl('enable', '--now', 'a');
  await m.systemd.reboot('clean');
  await m.prints('a.service', 'landing');
  expect(await m.show('a', 'ActiveState')).toEqual(['active']);
});
