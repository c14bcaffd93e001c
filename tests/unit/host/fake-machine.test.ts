// The machines that other tests stand on behave as the real one where those tests rely on it.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { Crash } from '../../support/effects.ts';
import { FakeMachine } from '../../support/fake-host.ts';
import { parseEnvironment } from '../../support/fake-services.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const web = 'concourse-server.service';
let clock: VirtualClock;
let machine: FakeMachine;

beforeEach(async () => {
  clock = new VirtualClock();
  machine = new FakeMachine({ directory: await temporaryDirectory(), clock });
});

it('a process dies at the effect that was named, its locks are free, and nothing it tries then happens', async () => {
  const { volume } = machine.paths;
  const dying = machine.process();
  await dying.host.locks.tryLock(path.join(volume, 'lock'));
  dying.crashAfter(1);
  await expect(dying.host.files.write(path.join(volume, 'a'), '', { mode: 0o644 })).rejects.toThrow(Crash);
  await expect(dying.host.files.write(path.join(volume, 'b'), '', { mode: 0o644 })).rejects.toThrow(Crash);
  expect(() => dying.host.files.list(volume)).toThrow(Crash);
  const next = machine.process().host;
  expect((await next.files.list(volume))?.sort()).toEqual(['a', 'lock']);
  expect(await next.locks.tryLock(path.join(volume, 'lock'))).toBeDefined();
  expect(await next.files.stat(`/proc/${dying.host.processId}`)).toBeUndefined();
  expect(await next.files.stat(`/proc/${next.processId}`)).toBeDefined();
});

it('pieces of a file are effects, too', async () => {
  const dying = machine.process().crashBefore(3);
  const writer = await dying.host.files.create(path.join(machine.paths.volume, 'big'), 0o644);
  await writer.write(Buffer.from('one'));
  await expect(writer.write(Buffer.from('two'))).rejects.toThrow(Crash);
});

it('a machine cannot write outside its root and its volume', async () => {
  const { files } = machine.process().host;
  await expect(files.write('/tmp/elsewhere', '', { mode: 0o644 })).rejects.toThrow('outside of this machine');
});

it('a service runs with the environment of the files that its unit names, as they were at its start', async () => {
  const { services, paths } = machine.process().host;
  await mkdir(paths.etc, { recursive: true });
  const environment = path.join(paths.etc, 'web.env');
  await writeFile(environment, 'CONCOURSE_A="1"\n');
  const unit = `[Service]\nEnvironmentFile=-/nowhere\nEnvironmentFile=${environment}\nRestart=on-failure\n`;
  await expect(services.start(web)).rejects.toThrow('not found');
  expect(await services.install(web, unit)).toBe(true);
  await services.start(web);
  await services.enable(web);
  await writeFile(environment, 'CONCOURSE_A="2"\n');
  const before = (await services.show([web]))[web];
  expect(before).toMatchObject({ active: 'active', enabled: true, environment: { CONCOURSE_A: '1' } });
  machine.services.append(web, 'ready');
  await machine.services.exit(web, 'failure');
  const after = (await services.show([web]))[web];
  expect(after).toMatchObject({ active: 'active', restarts: 1, environment: { CONCOURSE_A: '2' } });
  expect(after?.invocation).not.toBe(before?.invocation);
  expect(await services.log(web, { invocation: before?.invocation ?? '', containing: ['ready'] })).toEqual([
    'ready',
  ]);
  expect(await services.log(web, { invocation: after?.invocation ?? '', containing: ['ready'] })).toEqual([]);
});

it('a service can be made to fail', async () => {
  const { services } = machine.process().host;
  await services.install(web, '[Service]\n');
  machine.services.onStart = () => {
    throw new Error('the job failed');
  };
  await expect(services.start(web)).rejects.toThrow('the job failed');
  expect((await services.show([web]))[web]).toMatchObject({
    active: 'failed',
    mainPid: 0,
    environment: undefined,
  });
});

it('a reboot ends processes and timers, starts what is enabled, and changes the boot id', async () => {
  const before = machine.process();
  const { services } = before.host;
  await services.install(web, '[Service]\n');
  await services.install('other.service', '[Service]\n');
  await services.enable(web);
  await services.start('other.service');
  await services.armTimer('wake', 5_000, ['true']);
  const boot = await before.host.bootId();
  await machine.reboot();
  const after = machine.process().host;
  expect(await after.bootId()).not.toBe(boot);
  expect(() => before.host.services.timerArmed('wake')).toThrow(Crash);
  expect(await after.services.timerArmed('wake')).toBe(false);
  const shown = await after.services.show([web, 'other.service']);
  expect([shown[web]?.active, shown['other.service']?.active]).toEqual(['active', 'inactive']);
});

it('timers are due when their time has come', async () => {
  const { services } = machine.process().host;
  await services.armTimer('wake', 5_000, ['juju-exec', 'x']);
  clock.advance(4_999);
  expect(machine.services.takeDueTimers()).toEqual([]);
  clock.advance(1);
  expect(machine.services.takeDueTimers()).toMatchObject([{ name: 'wake', command: ['juju-exec', 'x'] }]);
  expect(await services.timerArmed('wake')).toBe(false);
});

it.each([
  ['A=1\n# B=2\n;C=3\nD = x\n', { A: '1' }],
  ['A="x y"\nB=\'$z "q"\'\nC=a\\ b\n', { A: 'x y', B: '$z "q"', C: 'a b' }],
  ['A="q\\"b\\\\s\\$d\\`"\nB="two\nlines"\nC=\n', { A: 'q"b\\s$d`', B: 'two\nlines', C: '' }],
])('an environment file %j is read as systemd reads it', (text, expected) => {
  expect(parseEnvironment(text)).toEqual(expected);
});
