// A running lab asked from another terminal: every command over the real socket, and wrong ones refused in words.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askLab, Lab } from '../src/index.ts';
import { startLab } from './shell-charm.ts';

async function running(body = '', options: Parameters<typeof startLab>[1] = {}) {
  const started = startLab(body, options);
  const { lab } = started;
  lab.deploy('app', { units: 2 });
  await lab.openControl();
  await lab.settle();
  return { ...started, ask: (...words: string[]) => askLab(lab.directory, words) };
}

test('status is a table with the leader marked', async () => {
  const { ask } = await running('status-set active "all well"; open-port 80');
  const { code, stdout } = await ask('status');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^app\/0\* +active +idle +0 +127\.0\.10\.1 +80\/tcp +all well$/m);
  expect(stdout).toMatch(/^app\/1 +active/m);
  expect(stdout).toMatch(/^app +active +2 +shell +0 +all well$/m);
});

test('an operator’s commands do what they say', async () => {
  const { lab, ask, read, eventsOf } = await running(`
    config-get --format=json > "$JUJU_LAB_ROOT/config"
    [ "$JUJU_DISPATCH_PATH" != actions/echo ] || action-set "said=$(action-get text)"
    [ "$event" != start ] || systemd-run --unit=speak sh -c 'echo spoken'`);
  expect((await ask('config', 'greeting=a=b', 'count=3')).code).toBe(0);
  await lab.settle();
  expect(JSON.parse(read('app/0', 'config'))).toMatchObject({ greeting: 'a=b', count: 3 });
  const action = await ask('action', 'app/1', 'echo', 'text=hello');
  expect(action).toMatchObject({ code: 0, stdout: expect.stringContaining('said: hello') });
  expect((await ask('action', 'app/1', 'echo', 'bogus=1')).code).toBe(1);
  expect(await ask('exec', 'app/1', 'echo $JUJU_UNIT_NAME; exit 5')).toEqual({
    code: 5,
    stdout: 'app/1\n',
    stderr: '',
  });
  expect((await ask('leader', 'app/1')).stdout).toContain('app/1*');
  expect((await ask('add-unit')).stdout).toBe('app/2\n');
  expect((await ask('remove-unit', 'app/2', '--force')).code).toBe(0);
  expect((await ask('refresh')).code).toBe(0);
  await lab.settle();
  expect(eventsOf('app/1')).toContain('upgrade-charm');
  await lab.unit('app/0').systemd.journal.waitFor((entry) => entry.message === 'spoken');
  expect((await ask('journal', 'app/0', 'speak')).stdout).toContain('spoken');
});

test('machines are switched off and on', async () => {
  const { lab, ask } = await running();
  expect((await ask('kill', 'app/1')).stdout).toMatch(/app\/1 +\S+ +lost/);
  expect((await ask('boot', 'app/1')).code).toBe(0);
  expect((await ask('freeze', 'app/0')).stdout).toMatch(/app\/0\* +\S+ +lost/);
  expect((await ask('thaw', 'app/0')).code).toBe(0);
  expect((await ask('reboot', 'app/0')).code).toBe(0);
  await lab.settle();
});

test('a unit loses its volume, or the controller, and gets it back', async () => {
  const { lab, ask, read } = await running('', {
    volume: { mountPath: '/srv/shared' },
  });
  writeFileSync(join(lab.volume, 'x'), '');
  expect((await ask('unmount', 'app/1')).code).toBe(0);
  expect((await ask('exec', 'app/1', 'ls "$JUJU_LAB_ROOT/srv/shared"')).stdout).toBe('');
  expect((await ask('mount', 'app/1')).code).toBe(0);
  expect((await ask('exec', 'app/1', 'ls "$JUJU_LAB_ROOT/srv/shared"')).stdout).toBe('x\n');
  expect((await ask('partition', 'app/1')).stdout).toMatch(/app\/1 +\S+ +lost/);
  expect((await ask('heal', 'app/1')).stdout).not.toMatch(/app\/1 +\S+ +lost/);
  expect(read('app/0', 'events')).toContain('install');
});

test('`wait` returns when all are active and idle, or a unit says what is waited for', async () => {
  const { lab, ask } = await running('status-set active "count $(config-get count)"');
  expect(await ask('wait')).toEqual({ code: 0, stdout: '', stderr: '' });
  lab.configure('app', { count: 7 });
  expect((await ask('wait', 'app/1', 'count', '7')).code).toBe(0);
  expect(lab.juju.unitStatus('app/1').message).toBe('count 7');
  await ask('kill', 'app/1');
  expect((await ask('wait')).code).toBe(0);
  expect((await ask('wait', 'app/9')).stderr).toContain('no unit "app/9"');
});

test('the log is the unit’s own or everybody’s', async () => {
  const { ask } = await running('juju-log "from $JUJU_UNIT_NAME"; echo printed >&2');
  const { stdout } = await ask('log', 'app/1');
  expect(stdout).toContain('from app/1');
  expect(stdout).toContain('WARNING');
  expect(stdout).not.toContain('from app/0');
  expect((await ask('log')).stdout).toContain('from app/0');
});

test.each([
  [[], 'no command given; accepted are:'],
  [['bogus'], 'no command "bogus"; accepted are:'],
  [['constructor'], 'no command "constructor"'],
  [['kill'], 'no unit named; there are: app/0, app/1'],
  [['kill', 'app/9'], 'no unit "app/9"; there are: app/0, app/1'],
  [['kill', 'app/0', 'app/1'], 'accepted is: kill UNIT'],
  [['config', 'greeting'], 'expected KEY=VALUE, got "greeting"'],
  [['config', 'colour=red'], 'no option "colour"; there are: greeting, count, loud'],
  [['config', 'count=many'], 'option "count" expected int'],
  [['action', 'app/0', 'bogus'], 'action "bogus" not defined'],
  [['journal', 'app/0'], 'no service named'],
  [['refresh', '/nowhere'], '/nowhere is not an unpacked charm'],
])('%j is refused', async (words, expected) => {
  const { ask } = await running();
  const { code, stderr } = await ask(...words);
  expect(code).toBe(2);
  expect(stderr).toContain(expected);
});

test('a second lab does not take the folder of one that runs', async () => {
  const { lab, ask } = await running();
  const second = () => new Lab({ directory: lab.directory, charm: { directory: '/nowhere' } });
  expect(second).toThrow(`a lab runs in ${lab.directory} already (process ${process.pid})`);
  expect((await ask('status')).code).toBe(0);
});

test('`stop` ends the lab, and whoever asks then is told so', async () => {
  const { lab, ask } = await running();
  expect((await ask('stop')).stdout).toBe('stopping\n');
  await lab.close();
  await expect(ask('status')).rejects.toThrow(`no lab runs in ${lab.directory}`);
});
